/** The page's table of contents: it shows where in the lesson the reader is. */

/** @param {HTMLAnchorElement[]} links to headings of this page, possibly several per heading */
export function followReading(links) {
  const headings = [...new Set(links.map((link) => decodeURIComponent(link.hash.slice(1))))]
    .map((id) => document.getElementById(id))
    .filter((heading) => heading !== null);
  if (headings.length === 0) return;
  let frame = 0;
  let current = "";

  const update = () => {
    frame = 0;
    const heading = headingAt(headings.map((each) => each.getBoundingClientRect().top), innerHeight / 4);
    const id = heading < 0 ? "" : headings[heading].id;
    if (id === current) return;
    current = id;
    for (const link of links) {
      if (decodeURIComponent(link.hash.slice(1)) === id) link.setAttribute("aria-current", "location");
      else link.removeAttribute("aria-current");
    }
  };
  const soon = () => {
    frame ||= requestAnimationFrame(update);
  };
  addEventListener("scroll", soon, { passive: true });
  addEventListener("resize", soon, { passive: true });
  soon();
}

/**
 * @param {number[]} tops of the headings, in the order of the page
 * @param {number} line where reading is thought to happen
 * @returns {number} the last heading above the line; -1 before the first
 */
export function headingAt(tops, line) {
  return tops.findLastIndex((top) => top <= line);
}
