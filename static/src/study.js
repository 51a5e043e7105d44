/** Tells the site how long a lesson is before the learner: on opening it, once a minute, and on leaving. */

const EVERY = 60_000; // milliseconds
const IDLE_AFTER = 180_000; // milliseconds without a key, a click or a turn of the page: nobody reads any more

/** Time that counts: while the page is shown and somebody does something now and then. */
export class Stopwatch {
  #counted = 0;
  #since;
  #lastSign;
  #shown = true;

  /** @param {number} now milliseconds */
  constructor(now) {
    this.#since = now;
    this.#lastSign = now;
  }

  /** Somebody is there. @param {number} now */
  sign(now) {
    this.#count(now);
    this.#lastSign = now;
  }

  /** The page is shown, or not. @param {boolean} shown @param {number} now */
  show(shown, now) {
    this.#count(now);
    this.#shown = shown;
    if (shown) this.#lastSign = now;
  }

  /** Whole seconds since they were last taken. @param {number} now @returns {number} */
  take(now) {
    this.#count(now);
    const seconds = Math.floor(this.#counted / 1000);
    this.#counted -= seconds * 1000;
    return seconds;
  }

  /** @param {number} now */
  #count(now) {
    const until = Math.min(now, this.#lastSign + IDLE_AFTER);
    if (this.#shown) this.#counted += Math.max(0, until - this.#since);
    this.#since = now;
  }
}

/**
 * @param {string} url of the lesson's endpoint
 * @param {import("./http.js").Call} call
 */
export function tellStudy(url, call) {
  const watch = new Stopwatch(performance.now());
  watch.show(!document.hidden, performance.now());

  /** @param {{even?: boolean, keepalive?: boolean}} [options] even: also when no time has passed */
  const tell = ({ even = false, keepalive = false } = {}) => {
    const seconds = watch.take(performance.now());
    // What cannot be told now is not worth a word to the reader.
    if (seconds > 0 || even) call("POST", url, { seconds }, { keepalive }).catch(() => {});
  };
  for (const sign of ["keydown", "pointerdown", "scroll", "wheel"]) {
    addEventListener(sign, () => watch.sign(performance.now()), { passive: true, capture: true });
  }
  document.addEventListener("visibilitychange", () => {
    watch.show(!document.hidden, performance.now());
    if (document.hidden) tell({ keepalive: true });
  });
  setInterval(tell, EVERY);
  tell({ even: true });
}
