/** The bar of Python's symbols above a phone's keyboard, where they are hard to reach. */

const LEAST_KEYBOARD = 100; // pixels; a browser's own bars cover less

/**
 * @param {HTMLElement} bar with buttons `data-symbol`; the symbol "tab" indents
 * @param {import("./editor.js").Editor} editor
 */
export function makeSymbolBar(bar, editor) {
  if (!matchMedia("(pointer: coarse)").matches) return;

  // Without this a touch would take the focus, and with it the keyboard, from the editor.
  bar.addEventListener("pointerdown", (event) => event.preventDefault());
  bar.addEventListener("click", (event) => {
    const button = event.target instanceof Element ? event.target.closest("[data-symbol]") : null;
    const symbol = button?.getAttribute("data-symbol");
    if (!symbol) return;
    if (symbol === "tab") editor.indent();
    else editor.type(symbol);
  });

  const show = () => {
    bar.hidden = !editor.hasFocus && !bar.contains(document.activeElement);
    if (!bar.hidden) place(bar);
    editor.keepCursorAbove(bar.hidden ? Infinity : bar.getBoundingClientRect().top);
  };
  document.addEventListener("focusin", show);
  document.addEventListener("focusout", () => setTimeout(show));
  visualViewport?.addEventListener("resize", show);
  visualViewport?.addEventListener("scroll", show);
}

/**
 * At the lower edge of what the keyboard leaves visible; without a keyboard above the page's tabs.
 *
 * @param {HTMLElement} bar
 */
function place(bar) {
  if (!visualViewport) return;
  const covered = Math.round(innerHeight - visualViewport.height - visualViewport.offsetTop);
  bar.style.bottom = covered > LEAST_KEYBOARD ? `${covered}px` : "";
}
