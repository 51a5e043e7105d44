/** How far the reader is: told anew when an exercise was solved, and set by hand at the end of a lesson without one. */

import { fetchHtml } from "./http.js";
import { parse } from "./trace-cards.js";

/**
 * @param {HTMLElement} place holds the box with the two states; the box's data-standing says which is shown
 * @param {import("./http.js").Call} call
 */
export function followStanding(place, call) {
  place.addEventListener("click", async (event) => {
    const button = /** @type {HTMLElement | null} */ (event.target instanceof Element ? event.target.closest("[data-set]") : null);
    const box = /** @type {HTMLElement | null | undefined} */ (button?.closest("[data-standing]"));
    if (!button || !box) return;
    try {
      const { status } = await call("POST", box.dataset.url ?? "", { status: button.dataset.set });
      box.dataset.standing = status;
      // The pressed button is gone; whoever uses keys stays at the same place.
      /** @type {HTMLElement | null} */ (box.querySelector(status === "completed" ? "[data-set=in_progress]" : "[data-set=completed]"))?.focus();
      await renewProgress();
    } catch {
      // Nothing changed, and the box shows that: it can be pressed again.
    }
  });
}

/** What the page says of its reader's progress, as the site says it now. */
export async function renewProgress() {
  try {
    const now = parse(await fetchHtml(location.pathname));
    for (const place of document.querySelectorAll("[data-progress]")) {
      const fresh = now.querySelector(`[data-progress="${place.getAttribute("data-progress")}"]`);
      // What says the same stays, and with it the reader's focus.
      if (fresh && fresh.innerHTML !== place.innerHTML) place.replaceChildren(...fresh.childNodes);
    }
  } catch {
    // It is kept, and the next page shows it.
  }
}

/** Where a lesson's reader stands, and the way on when it is done: to be shown at another place, too. @returns {Node[]} */
export function standingAndWayOn() {
  const standing = document.querySelector("[data-progress=standing] > p.lesson-standing-text");
  if (!standing) return [];
  const copies = [standing, standing.matches(".mark-done") ? document.querySelector(".pager a[rel=next]") : null];
  return copies.filter((each) => each !== null).map((each) => without(each.cloneNode(true), "id"));
}

/** @param {Node} element @param {string} attribute */
function without(element, attribute) {
  /** @type {Element} */ (element).removeAttribute(attribute);
  return element;
}
