/** The tabs under the editor: output, trace. One is shown; the learner's choice is remembered. */

import { local, recall, remember } from "./remembered.js";

const KEY = "work-tab";

export class WorkTabs {
  #tabs;
  #choice = recall(local, KEY);
  #onShow;

  /**
   * @param {HTMLElement} list role=tablist; each tab names its panel by aria-controls
   * @param {(name: string) => void} onShow
   */
  constructor(list, onShow = () => {}) {
    this.#tabs = Array.from(list.querySelectorAll("[role=tab]"), (tab) => /** @type {HTMLElement} */ (tab));
    this.#onShow = onShow;
    for (const tab of this.#tabs) tab.addEventListener("click", () => this.#choose(nameOf(tab)));
    list.addEventListener("keydown", (event) => {
      const tabs = this.#tabs.filter((tab) => !tab.hidden);
      const to = tabAfter(event, tabs.findIndex((tab) => tab === event.target), tabs.length);
      if (to === null) return;
      event.preventDefault();
      this.#choose(nameOf(tabs[to]));
      tabs[to].focus();
    });
    if (this.#choice) this.show(this.#choice);
  }

  /** The tab the learner chose last, here or on another page; null: none ever. */
  get choice() {
    return this.#choice;
  }

  get shown() {
    const tab = this.#tabs.find((each) => each.getAttribute("aria-selected") === "true");
    return tab ? nameOf(tab) : "";
  }

  /** Offer a tab, or no more; then the first one is shown in its place. @param {string} name @param {boolean} offered */
  offer(name, offered) {
    const tab = this.#tabs.find((each) => nameOf(each) === name);
    if (!tab) return;
    tab.hidden = !offered;
    if (!offered && this.shown === name) this.show(nameOf(this.#tabs[0]));
  }

  /** Show a tab for now; what the learner chose stays remembered. @param {string} name */
  show(name) {
    if (name === this.shown || !this.#tabs.some((tab) => nameOf(tab) === name && !tab.hidden)) return;
    for (const tab of this.#tabs) {
      const isShown = nameOf(tab) === name;
      tab.setAttribute("aria-selected", String(isShown));
      tab.tabIndex = isShown ? 0 : -1;
      const panel = document.getElementById(tab.getAttribute("aria-controls") ?? "");
      if (panel) panel.hidden = !isShown;
    }
    this.#onShow(name);
  }

  /** @param {string} name */
  #choose(name) {
    this.#choice = name;
    remember(local, KEY, name);
    this.show(name);
  }
}

/** @param {HTMLElement} tab */
function nameOf(tab) {
  return tab.dataset.tab ?? "";
}

/**
 * @param {Pick<KeyboardEvent, "key">} event
 * @param {number} now
 * @param {number} count
 * @returns {number | null} the tab that the key leads to
 */
export function tabAfter({ key }, now, count) {
  if (now < 0) return null;
  switch (key) {
    case "ArrowLeft":
      return (now + count - 1) % count;
    case "ArrowRight":
      return (now + 1) % count;
    case "Home":
      return 0;
    case "End":
      return count - 1;
    default:
      return null;
  }
}
