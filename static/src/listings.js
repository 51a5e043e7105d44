/** The listings in the lesson's text: run, open in the editor, copy. */

/**
 * @typedef {{index: number, code: string, element: HTMLElement}} Listing index: in the lesson, from 0
 *
 * @typedef {object} ListingActions
 * @property {(listing: Listing) => void} run
 * @property {(listing: Listing) => void} open
 * @property {(copied: boolean) => void} copied
 */

/** @param {ListingActions} actions */
export function listenToListings({ run, open, copied }) {
  document.addEventListener("click", (event) => {
    const button = event.target instanceof Element ? event.target.closest("[data-listing-action]") : null;
    const element = button?.closest("[data-listing]");
    if (!button || !(element instanceof HTMLElement)) return;
    const listing = { index: Number(element.dataset.listing), code: codeOf(element), element };
    switch (button.getAttribute("data-listing-action")) {
      case "run":
        return run(listing);
      case "open":
        return open(listing);
      case "copy":
        return void copy(listing.code, /** @type {HTMLElement} */ (button)).then(copied);
    }
  });
}

/** @param {number} index @returns {HTMLElement | null} */
export function listingElement(index) {
  return document.querySelector(`[data-listing="${index}"]`);
}

/** @param {number} index @returns {string | null} */
export function listingCode(index) {
  const element = listingElement(index);
  return element ? codeOf(element) : null;
}

/** @param {HTMLElement} listing */
function codeOf(listing) {
  const text = listing.querySelector("pre")?.textContent ?? "";
  return text.endsWith("\n") ? text : `${text}\n`;
}

/** @param {string} text @param {HTMLElement} button @returns {Promise<boolean>} */
async function copy(text, button) {
  if (!(await copyText(text))) return false;
  button.dataset.copied = "";
  setTimeout(() => delete button.dataset.copied, 2_000);
  return true;
}

/** @param {string} text @returns {Promise<boolean>} whether the browser allowed it */
export async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}

/** Show a listing, and for a moment which one it is. @param {HTMLElement} listing */
export function pointAt(listing) {
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  listing.scrollIntoView({ block: "center", behavior: calm ? "instant" : "smooth" });
  listing.dataset.pointedAt = "";
  setTimeout(() => delete listing.dataset.pointedAt, 2_000);
}
