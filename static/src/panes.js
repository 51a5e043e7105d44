/** The learn page's panes: dividers that move them, tabs that choose one on a phone. */

import { local, recall, remember, session } from "./remembered.js";

const STEP = 2; // per cent for an arrow key
const BIG_STEP = 10; // with Shift, and for Page Up and Page Down

/**
 * A divider between two panes. Where it stands is a custom property of the root element, in per cent of
 * the panes' common box; `theme.js` sets it before the page is drawn.
 *
 * @param {HTMLElement} divider role=separator with aria-valuemin, -valuemax and -valuenow
 * @param {HTMLElement} box holds both panes
 * @param {string} property "--split"; also the name it is remembered by
 * @returns {{take: (property: string, initial: number) => void}} take: from now on it moves that one
 */
export function makeDivider(divider, box, property) {
  const horizontal = divider.getAttribute("aria-orientation") === "vertical";
  const limit = (/** @type {string} */ name) => Number(divider.getAttribute(name));
  const [least, most] = [limit("aria-valuemin"), limit("aria-valuemax")];
  let initial = limit("aria-valuenow");
  let now = initial;

  /** @param {string} name @param {number} otherwise where it stands until it is moved */
  const take = (name, otherwise) => {
    property = name;
    initial = otherwise;
    now = shareOf(property) ?? initial;
    divider.setAttribute("aria-valuenow", String(Math.round(now)));
  };
  take(property, initial);

  /** @param {number} percent */
  const move = (percent) => {
    now = Math.min(most, Math.max(least, percent));
    document.documentElement.style.setProperty(property, `${now.toFixed(2)}%`);
    divider.setAttribute("aria-valuenow", String(Math.round(now)));
  };
  const keep = () => remember(local, property, now === initial ? null : `${now.toFixed(2)}%`);

  divider.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    event.preventDefault();
    divider.focus({ preventScroll: true });
    divider.setPointerCapture(event.pointerId);
    divider.dataset.dragging = "";
  });
  divider.addEventListener("pointermove", (event) => {
    if (!divider.hasPointerCapture(event.pointerId)) return;
    const area = box.getBoundingClientRect();
    move(horizontal ? ((event.clientX - area.left) / area.width) * 100 : ((event.clientY - area.top) / area.height) * 100);
  });
  divider.addEventListener("lostpointercapture", () => {
    delete divider.dataset.dragging;
    keep();
  });
  divider.addEventListener("dblclick", () => {
    move(initial);
    keep();
  });
  divider.addEventListener("keydown", (event) => {
    const to = positionAfter(event, { now, least, most, initial });
    if (to === null) return;
    event.preventDefault();
    move(to);
    keep();
  });
  return { take };
}

/** Where a divider was left. @param {string} property @returns {number | null} in per cent; null: it was never moved */
export function shareOf(property) {
  return Number.parseFloat(document.documentElement.style.getPropertyValue(property)) || null;
}

/**
 * @param {Pick<KeyboardEvent, "key" | "shiftKey">} event
 * @param {{now: number, least: number, most: number, initial: number}} place
 * @returns {number | null} where the key moves a divider to
 */
export function positionAfter({ key, shiftKey }, { now, least, most, initial }) {
  const step = shiftKey ? BIG_STEP : STEP;
  switch (key) {
    case "ArrowLeft":
    case "ArrowUp":
      return now - step;
    case "ArrowRight":
    case "ArrowDown":
      return now + step;
    case "PageUp":
      return now - BIG_STEP;
    case "PageDown":
      return now + BIG_STEP;
    case "Home":
      return least;
    case "End":
      return most;
    case "Enter":
      return initial;
    default:
      return null;
  }
}

/**
 * The tabs that choose what a phone shows.
 *
 * @param {HTMLElement} learn holds panes and tabs; `data-shown` names the pane
 * @param {string} lesson
 * @param {(pane: string) => void} onShow
 * @returns {{show: (pane: string) => void}}
 */
export function makeTabs(learn, lesson, onShow = () => {}) {
  const key = `pane:${lesson}`;
  const buttons = Array.from(learn.querySelectorAll("button[data-pane]"), (button) => /** @type {HTMLElement} */ (button));
  let readingAt = 0;

  /** @param {string} pane */
  const show = (pane) => {
    if (learn.dataset.shown === pane) return;
    const narrow = buttons.some((button) => button.offsetParent !== null);
    if (narrow && learn.dataset.shown === "read") readingAt = scrollY;
    learn.dataset.shown = pane;
    for (const button of buttons) button.setAttribute("aria-pressed", String(button.dataset.pane === pane));
    remember(session, key, pane);
    onShow(pane);
    if (narrow) scrollTo({ top: pane === "read" ? readingAt : 0, behavior: "instant" });
  };

  for (const button of buttons) button.addEventListener("click", () => show(button.dataset.pane ?? "read"));
  const remembered = recall(session, key);
  // An address with a place in the text wants the text.
  if (remembered && !location.hash) show(remembered);
  addEventListener("hashchange", () => show("read"));
  return { show };
}
