/** The sandbox's page: new figures every two seconds while somebody can see it, at once when the tab comes back. */

const EVERY = 2_000; // milliseconds
const figures = document.getElementById("figures");

/** @param {boolean} old */
function mark(old) {
  figures?.toggleAttribute("data-old", old);
}

function look() {
  if (document.visibilityState === "visible") figures?.dispatchEvent(new Event("look"));
}

if (figures) {
  setInterval(look, EVERY);
  document.addEventListener("visibilitychange", look);
  figures.addEventListener("htmx:afterOnLoad", () => mark(false));
  for (const failure of ["htmx:responseError", "htmx:sendError"]) figures.addEventListener(failure, () => mark(true));
}
