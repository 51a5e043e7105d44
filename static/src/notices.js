/** Messages of the site: the reader can put each away. */

export function listenToNotices() {
  document.addEventListener("click", (event) => {
    const button = event.target instanceof Element ? event.target.closest("[data-dismiss]") : null;
    const notice = button?.closest("li");
    const list = notice?.parentElement;
    if (!notice || !list) return;
    notice.remove();
    if (!list.children.length) list.remove();
    // Whoever reads by keyboard goes on at the page's content, not at its very beginning.
    document.getElementById("main")?.focus({ preventScroll: true });
  });
}
