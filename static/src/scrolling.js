/** Blocks of a lesson that may be wider than the page: a Tab stop only while there is something to scroll. */

/** @param {Iterable<HTMLElement>} blocks marked as Tab stops, for where no script runs */
export function followOverflow(blocks) {
  const observer = new ResizeObserver((entries) => {
    for (const { target } of entries) {
      if (target instanceof HTMLElement && target !== document.activeElement) setTabStop(target);
    }
  });
  for (const block of blocks) observer.observe(block);
}

/** @param {HTMLElement} block */
function setTabStop(block) {
  const overflows = block.scrollWidth > block.clientWidth || block.scrollHeight > block.clientHeight;
  if (overflows) block.tabIndex = 0;
  else block.removeAttribute("tabindex");
}
