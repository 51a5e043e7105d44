/**
 * The trace of the run on show, as it grows.
 *
 * The run's events only say that a call has begun or ended; the cards are drawn by the server, and fetched.
 */

import { listenToCards, parse, takeIn } from "./trace-cards.js";
import { TraceFeed } from "./trace-feed.js";

/**
 * @typedef {import("./reports.js").Run} Run
 * @typedef {import("./reports.js").Translate} Translate
 *
 * @typedef {object} Step what the page reads of a call's event
 * @property {number} id
 * @property {number} number in the run, from 1
 * @property {string} status
 *
 * @typedef {object} TraceActions
 * @property {import("./trace-cards.js").FetchHtml} fetchHtml
 * @property {() => void} onFirst this run's first call was heard of
 * @property {() => void} onScripted a script answers for a model
 * @property {(sentence: string) => void} announce
 */

const MOST_CARDS = 400; // in the page; the earlier ones are a link
const QUIET = 1_000; // milliseconds between announcements
const NEAR_THE_END = 40; // pixels

export class TracePane {
  #root;
  #t;
  #actions;
  #feed;
  #url = "";
  /** The calls heard of, by id: how they stand, and since when. @type {Map<number, {status: string, since: number}>} */
  #heard = new Map();
  #sticks = true;
  #announcedAt = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #announcing;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #clock;

  /** @param {HTMLElement} root @param {Translate} t @param {TraceActions} actions */
  constructor(root, t, actions) {
    this.#root = root;
    this.#t = t;
    this.#actions = actions;
    this.#feed = new TraceFeed({
      fetchHtml: actions.fetchHtml,
      show: (html, isLast) => this.#show(html, isLast),
      fail: (isLast) => (this.#part("problem").hidden = !isLast),
    });
    listenToCards(root, actions.fetchHtml);
    this.#part("scroller").addEventListener("scroll", () => this.#noteScroll(), { passive: true });
    this.#part("again").addEventListener("click", () => this.#feed.want(this.#url, null));
  }

  /** A new run begins. */
  begin() {
    this.#feed.close();
    this.#url = "";
    this.#heard.clear();
    this.#sticks = true;
    clearInterval(this.#clock);
    clearTimeout(this.#announcing);
    this.#part("place").replaceChildren();
    this.#part("empty").hidden = false;
    this.#part("problem").hidden = true;
    this.#count(0);
  }

  /** A call has begun or ended. @param {Step} step @param {Run | null} run the one it belongs to */
  call(step, run) {
    if (!run?.trace_url) return;
    const before = this.#heard.get(step.id);
    this.#heard.set(step.id, { status: step.status, since: before?.since ?? performance.now() });
    if (!before) this.#count(this.#heard.size);
    if (this.#heard.size === 1 && !before) this.#first(run.trace_url);
    if (step.status !== "running" && step.status !== before?.status) this.#announceSoon(step);
    // What a call brings may belong to the one before.
    const tooMany = this.#part("place").querySelectorAll("[data-call]").length > MOST_CARDS;
    this.#feed.want(this.#url, tooMany ? 1 : Math.max(1, step.number - 1));
  }

  /** @param {Run} run @returns {boolean} whether it asked a model */
  ended(run) {
    const calls = Math.max(run.calls ?? 0, this.#heard.size);
    if (!calls || !run.trace_url) return calls > 0;
    if (!this.#url) this.#first(run.trace_url);
    this.#count(calls);
    this.#feed.want(this.#url, null);
    return true;
  }

  /** Nothing more will come. */
  lost() {
    if (this.#url) this.#feed.want(this.#url, null);
  }

  /** @param {string} url */
  #first(url) {
    this.#url = url;
    this.#part("empty").hidden = true;
    this.#clock = setInterval(() => this.#tick(), 100);
    this.#actions.onFirst();
  }

  /** @param {string} name @returns {HTMLElement} */
  #part(name) {
    return /** @type {HTMLElement} */ (this.#root.querySelector(`[data-trace="${name}"]`));
  }

  /** On the tab. @param {number} calls */
  #count(calls) {
    const badge = /** @type {HTMLElement} */ (document.querySelector("[data-trace-count]"));
    badge.hidden = calls === 0;
    badge.textContent = String(calls);
  }

  /** @param {string} html @param {boolean} isLast */
  #show(html, isLast) {
    const arrived = parse(html);
    const place = this.#part("place");
    const shown = /** @type {HTMLElement | null} */ (place.querySelector("[data-trace=calls]"));
    const list = /** @type {HTMLElement | null} */ (arrived.querySelector("[data-trace=calls]"));
    if (shown && list) {
      place.querySelector("[data-trace=head]")?.replaceWith(arrived.querySelector("[data-trace=head]") ?? "");
      takeIn(shown, list);
    } else {
      place.replaceChildren(arrived);
    }
    this.#part("problem").hidden = true;
    if (place.querySelector(".trace-head .scripted")) this.#actions.onScripted();
    if (isLast) clearInterval(this.#clock);
    else this.#stick();
  }

  /** How long the calls under way have been so, by this machine's clock. */
  #tick() {
    for (const place of this.#part("place").querySelectorAll("[data-under-way]")) {
      const id = Number(place.closest("[data-call]")?.getAttribute("data-call"));
      const since = this.#heard.get(id)?.since;
      if (since !== undefined) place.textContent = this.#t("seconds", { number: ((performance.now() - since) / 1000).toFixed(1) });
    }
  }

  #noteScroll() {
    const { scrollTop, scrollHeight, clientHeight } = this.#part("scroller");
    this.#sticks = scrollHeight - scrollTop - clientHeight < NEAR_THE_END;
  }

  /** Whoever was at the latest call stays there. */
  #stick() {
    const scroller = this.#part("scroller");
    if (this.#sticks) scroller.scrollTop = scroller.scrollHeight;
  }

  /** Say it, but not one thing on top of the other. @param {Step} step */
  #announceSoon(step) {
    clearTimeout(this.#announcing);
    const wait = Math.max(0, this.#announcedAt + QUIET - performance.now());
    this.#announcing = setTimeout(() => {
      this.#announcedAt = performance.now();
      const key = step.status === "ok" ? "call-finished" : step.status === "failed" ? "call-failed" : "call-stopped";
      this.#actions.announce(this.#t(key, { number: step.number }));
    }, wait);
  }
}
