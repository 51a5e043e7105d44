/**
 * Fetches the cards of a run's calls: those that are old, one request at a time, so that any number of calls
 * at once costs a few requests.
 */

const PAUSE = 120; // milliseconds between requests, at least

export class TraceFeed {
  #fetchHtml;
  #show;
  #fail;
  #pause;
  #url = "";
  /** Cards from this number on are old; null: none is. @type {number | null} */
  #stale = null;
  #isLast = false;
  #isAsking = false;

  /**
   * @param {object} options
   * @param {import("./trace-cards.js").FetchHtml} options.fetchHtml
   * @param {(html: string, isLast: boolean) => void} options.show isLast: the run is over, this is all of it
   * @param {(isLast: boolean) => void} options.fail
   * @param {number} [options.pause]
   */
  constructor({ fetchHtml, show, fail, pause = PAUSE }) {
    this.#fetchHtml = fetchHtml;
    this.#show = show;
    this.#fail = fail;
    this.#pause = pause;
  }

  /** Forget the run on show: what still arrives of it is dropped. */
  close() {
    this.#url = "";
    this.#stale = null;
    this.#isLast = false;
  }

  /**
   * @param {string} url of the run's calls
   * @param {number | null} since the first card that is old; null: all of them, the run is over
   */
  want(url, since) {
    this.#url = url;
    this.#stale = Math.min(this.#stale ?? Infinity, since ?? 1);
    if (since === null) this.#isLast = true;
    if (!this.#isAsking) void this.#ask();
  }

  async #ask() {
    this.#isAsking = true;
    while (this.#stale !== null) {
      const [url, since, isLast, begun] = [this.#url, this.#stale, this.#isLast, Date.now()];
      this.#stale = null;
      try {
        const html = await this.#fetchHtml(since === 1 ? url : `${url}?since=${since}`);
        if (url === this.#url) this.#show(html, isLast);
      } catch {
        if (url === this.#url) this.#fail(isLast);
      }
      // A trace that takes long to draw is asked for less often.
      await new Promise((resolve) => setTimeout(resolve, Math.max(this.#pause, 2 * (Date.now() - begun))));
    }
    this.#isAsking = false;
  }
}
