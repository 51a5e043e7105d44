/**
 * The cards of a trace, as the server draws them: what is fetched when a card is opened, earlier calls,
 * copying, and taking newer cards in among those on show.
 */

import { copyText } from "./listings.js";

/** @typedef {(url: string) => Promise<string>} FetchHtml throws Refused, or TypeError when the site is away */

/** @param {HTMLElement} root @param {FetchHtml} fetchHtml */
export function listenToCards(root, fetchHtml) {
  root.addEventListener(
    "toggle",
    (event) => {
      const details = event.target;
      if (details instanceof HTMLDetailsElement && details.open && details.dataset.fetch) void fill(details, fetchHtml);
    },
    { capture: true }, // it does not bubble
  );
  root.addEventListener("click", (event) => {
    const target = event.target instanceof Element ? event.target : null;
    const copy = target?.closest("[data-copy]");
    if (copy instanceof HTMLElement) void copyRaw(copy);
    const earlier = target?.closest("[data-trace=earlier]");
    if (earlier instanceof HTMLAnchorElement && !isForNewTab(event)) {
      event.preventDefault();
      void showEarlier(earlier, fetchHtml);
    }
  });
}

/** @param {HTMLDetailsElement} details @param {FetchHtml} fetchHtml */
async function fill(details, fetchHtml) {
  const version = details.closest("li")?.dataset.version ?? "";
  if (details.dataset.filled === version) return;
  details.dataset.filled = version;
  try {
    const html = await fetchHtml(details.dataset.fetch ?? "");
    details.querySelector("[data-fetched]")?.replaceChildren(parse(html));
  } catch {
    delete details.dataset.filled; // its link stays, and opening it again tries again
  }
}

/** @param {HTMLElement} button */
async function copyRaw(button) {
  const text = button.parentElement?.querySelector("pre")?.textContent ?? "";
  if (!(await copyText(text))) return;
  const before = button.textContent;
  button.textContent = button.dataset.copy ?? "";
  setTimeout(() => (button.textContent = before), 2_000);
}

/** @param {HTMLAnchorElement} link @param {FetchHtml} fetchHtml */
async function showEarlier(link, fetchHtml) {
  const place = link.closest("li");
  try {
    const arrived = parse(await fetchHtml(link.href)).querySelector("[data-trace=calls]");
    const cards = Array.from(arrived?.children ?? []);
    place?.replaceWith(...cards);
    /** @type {HTMLElement | null | undefined} */ (cards.at(-1)?.querySelector("summary"))?.focus();
  } catch {
    location.href = link.href;
  }
}

/** @param {MouseEvent} event */
function isForNewTab(event) {
  return event.ctrlKey || event.metaKey || event.shiftKey;
}

/** @param {string} html of this site's own templates @returns {DocumentFragment} */
export function parse(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  return template.content;
}

/**
 * Take the timeline that arrived in: all of it, or the cards that are new or have changed.
 *
 * @param {HTMLElement} shown the list on show
 * @param {HTMLElement} arrived
 */
export function takeIn(shown, arrived) {
  if (arrived.hasAttribute("data-whole")) {
    const ids = new Set(Array.from(arrived.querySelectorAll("[data-call]"), (card) => card.getAttribute("data-call")));
    for (const item of [...shown.children]) if (!ids.has(item.getAttribute("data-call"))) item.remove();
    const first = arrived.firstElementChild;
    if (first && !first.hasAttribute("data-call")) shown.prepend(first);
  }
  for (const card of arrived.querySelectorAll("[data-call]")) {
    const old = shown.querySelector(`[data-call="${card.getAttribute("data-call")}"]`);
    if (!old) shown.insertBefore(card, cardAfter(shown, numberOf(card)));
    else if (old.getAttribute("data-version") !== card.getAttribute("data-version")) replaceCard(old, card);
  }
  scaleBars(shown);
}

/** @param {Element | null} card */
function numberOf(card) {
  return Number(card?.getAttribute("data-number"));
}

/** Calls that begin at once may arrive out of order. @param {HTMLElement} shown @param {number} number */
function cardAfter(shown, number) {
  if (!(numberOf(shown.lastElementChild) > number)) return null;
  return Array.from(shown.querySelectorAll("[data-call]")).find((card) => numberOf(card) > number) ?? null;
}

/** @param {Element} old @param {Element} fresh */
function replaceCard(old, fresh) {
  const kept = /** @type {HTMLDetailsElement | null} */ (old.querySelector(".call-more"));
  if (!kept?.open && !kept?.contains(document.activeElement)) return old.replaceWith(fresh);
  // Whoever reads a call's details goes on reading; only what stands above them is new.
  while (kept.previousSibling) kept.previousSibling.remove();
  const more = fresh.querySelector(".call-more");
  const above = Array.from(more?.parentElement?.childNodes ?? []).filter((node) => node !== more);
  kept.before(...above);
  old.setAttribute("data-version", fresh.getAttribute("data-version") ?? "");
  old.querySelector(".call")?.setAttribute("data-status", fresh.querySelector(".call")?.getAttribute("data-status") ?? "");
}

/** Bars are as long as their share of the longest one. @param {HTMLElement} list */
function scaleBars(list) {
  for (const kind of ["tokens", "cost"]) {
    const bars = Array.from(list.querySelectorAll(`[data-bar=${kind}]`), (bar) => /** @type {SVGElement} */ (bar));
    const amounts = bars.map((bar) => Number(bar.querySelector("[data-amount]")?.getAttribute("data-amount")));
    const most = amounts.reduce((least, amount) => Math.max(least, amount), 1);
    for (const bar of bars) bar.setAttribute("viewBox", `0 0 ${most} 1`);
  }
}
