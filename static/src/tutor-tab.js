/** The tutor's tab: its panel and its script are fetched when it is first shown. */

import { fetchHtml } from "./http.js";
import { parse } from "./trace-cards.js";

export class TutorTab {
  #place;
  #bench;
  #isOpen = false;

  /** @param {HTMLElement} place @param {import("./tutor.js").Bench} bench */
  constructor(place, bench) {
    this.#place = place;
    this.#bench = bench;
    this.#part("again").addEventListener("click", () => void this.open());
  }

  async open() {
    if (this.#isOpen) return;
    this.#isOpen = true;
    this.#part("problem").hidden = true;
    try {
      const [script, html] = await Promise.all([
        import(this.#place.dataset.script ?? ""),
        fetchHtml(this.#place.dataset.url ?? ""),
      ]);
      this.#place.replaceChildren(parse(html));
      script.openTutor(this.#place, this.#bench);
    } catch {
      this.#isOpen = false;
      this.#part("problem").hidden = false;
    }
  }

  /** @param {string} name @returns {HTMLElement} */
  #part(name) {
    return /** @type {HTMLElement} */ (this.#place.querySelector(`[data-tutor-tab="${name}"]`));
  }
}
