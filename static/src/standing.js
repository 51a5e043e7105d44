/** The end of a lesson: buttons that mark it as done, and as not done after all. */

/**
 * @param {HTMLElement} box holds the two states; its data-standing says which is shown
 * @param {import("./http.js").Call} call
 */
export function followStanding(box, call) {
  box.addEventListener("click", async (event) => {
    const button = /** @type {HTMLElement | null} */ (event.target instanceof Element ? event.target.closest("[data-set]") : null);
    if (!button) return;
    try {
      const { status } = await call("POST", box.dataset.url ?? "", { status: button.dataset.set });
      box.dataset.standing = status;
      // The pressed button is gone; whoever uses keys stays at the same place.
      /** @type {HTMLElement | null} */ (box.querySelector(status === "completed" ? "[data-set=in_progress]" : "[data-set=completed]"))?.focus();
    } catch {
      // Nothing changed, and the box shows that: it can be pressed again.
    }
  });
}
