/**
 * Light or dark, before the page is drawn.
 *
 * Without a choice the page follows the system. The button turns to the other side; when that is what
 * the system wants anyway, the choice is forgotten, so that the page follows the system again.
 */

import { listenToNotices } from "./notices.js";

const KEY = "theme";
const root = document.documentElement;
const system = matchMedia("(prefers-color-scheme: dark)");

/** @param {string} key */
function stored(key) {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

/** @param {string | null} theme "light", "dark" or null for the system's */
function show(theme) {
  if (theme === "light" || theme === "dark") root.dataset.theme = theme;
  else delete root.dataset.theme;
}

function turn() {
  const now = root.dataset.theme ?? (system.matches ? "dark" : "light");
  const next = now === "dark" ? "light" : "dark";
  const followsSystem = (next === "dark") === system.matches;
  show(followsSystem ? null : next);
  try {
    if (followsSystem) localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, next);
  } catch {
    // A browser that keeps nothing still turns this page.
  }
}

/** Where the learner left the learn page's dividers; here, so that nothing moves once it is drawn. */
function placeDividers() {
  for (const property of ["--split", "--editor-share", "--tutor-share"]) {
    const place = stored(property);
    if (place && /^[\d.]+%$/.test(place)) root.style.setProperty(property, place);
  }
}

// What works by script alone shows only where scripts run.
root.classList.add("js");
listenToNotices();
show(stored(KEY));
placeDividers();
addEventListener("storage", (event) => {
  if (event.key === KEY) show(event.newValue);
});
document.addEventListener("click", (event) => {
  if (event.target instanceof Element && event.target.closest("[data-theme-toggle]")) turn();
});
