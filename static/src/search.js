/** Search from every page: a dialog by key, and arrow keys through what was found, there and on the search page. */

import { fetchHtml } from "./http.js";

const DELAY = 150; // milliseconds without a key, then it is asked

/**
 * @param {Pick<KeyboardEvent, "key" | "ctrlKey" | "metaKey" | "altKey" | "shiftKey">} event
 * @param {boolean} onMac there Ctrl+K belongs to text fields
 */
export function opensSearch({ key, ctrlKey, metaKey, altKey, shiftKey }, onMac) {
  return key.toLowerCase() === "k" && !altKey && !shiftKey && (onMac ? metaKey && !ctrlKey : ctrlKey && !metaKey);
}

/**
 * @param {number} count of results @param {number} at the one that has the focus; -1: the field
 * @param {string} key
 * @returns {number | null} where the focus goes; null: nowhere
 */
export function focusAfter(count, at, key) {
  if (key === "ArrowDown") return at + 1 < count ? at + 1 : null;
  if (key === "ArrowUp") return at >= 0 ? at - 1 : null;
  return null;
}

/** Arrow keys between a field and the results below it. @param {HTMLElement} results */
function walkByArrows(results) {
  const field = /** @type {HTMLInputElement} */ (document.querySelector(results.dataset.arrows ?? ""));
  /** @param {KeyboardEvent} event */
  const walk = (event) => {
    if (event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
    const hits = /** @type {HTMLElement[]} */ ([...results.querySelectorAll("[data-hit]")]);
    const at = hits.findIndex((hit) => hit === document.activeElement);
    const next = focusAfter(hits.length, at, event.key);
    if (next === null) return;
    event.preventDefault();
    (next < 0 ? field : hits[next]).focus();
  };
  field.addEventListener("keydown", walk);
  results.addEventListener("keydown", walk);
}

/** @param {HTMLDialogElement} dialog */
function makeDialog(dialog) {
  const field = /** @type {HTMLInputElement} */ (dialog.querySelector("input"));
  const results = /** @type {HTMLElement} */ (dialog.querySelector("[data-search-results]"));
  const trouble = /** @type {HTMLElement} */ (dialog.querySelector("[data-search-trouble]"));
  let timer = 0;
  let latest = 0;

  const ask = async () => {
    const query = new URLSearchParams({ q: field.value });
    const number = ++latest;
    try {
      const html = await fetchHtml(`${dialog.dataset.searchUrl}?${query}`);
      if (number !== latest) return; // asked anew meanwhile
      results.innerHTML = html;
      trouble.hidden = true;
    } catch {
      if (number === latest) trouble.hidden = false;
    }
  };

  field.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(ask, DELAY);
  });
  dialog.querySelector("[data-search-close]")?.addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => {
    // The dialog itself is clicked only beside its contents; a link may lead to a heading of this very page.
    if (event.target === dialog || (event.target instanceof Element && event.target.closest("[data-hit]"))) dialog.close();
  });

  return () => {
    if (!dialog.open) dialog.showModal();
    field.select();
    void ask();
  };
}

const dialog = /** @type {HTMLDialogElement | null} */ (globalThis.document?.querySelector("[data-search-dialog]"));
if (dialog) {
  const open = makeDialog(dialog);
  const onMac = /Mac|iPhone|iPad/.test(navigator.platform);
  document.addEventListener(
    "keydown",
    (event) => {
      if (!opensSearch(event, onMac) || document.querySelector("dialog[open]:not([data-search-dialog])")) return;
      event.preventDefault();
      event.stopPropagation();
      open();
    },
    { capture: true }, // before the editor's keys
  );
  document.addEventListener("click", (event) => {
    const link = event.target instanceof Element && event.target.closest("[data-search-open]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    open();
  });
  for (const results of document.querySelectorAll("[data-arrows]")) walkByArrows(/** @type {HTMLElement} */ (results));
}
