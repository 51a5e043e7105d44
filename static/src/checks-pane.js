/**
 * The tab Checks: every check of the exercise in the editor, the first failure first; hints one by one; the
 * solution when it is solved.
 */

import { marked } from "./ansi.js";
import { isSolved, keepHint, ladderOf, takenHints } from "./exercises.js";

/**
 * @typedef {import("./exercises.js").Exercise} Exercise
 * @typedef {import("./reports.js").Translate} Translate
 *
 * @typedef {object} Check as the run tells it
 * @property {number} number
 * @property {string} name
 * @property {boolean} hidden
 * @property {boolean | null} passed null: it was not come to
 * @property {string | null} expected
 * @property {string | null} actual
 * @property {string} message
 * @property {{number: number, message: string} | null} mistake
 *
 * @typedef {object} ChecksActions
 * @property {import("./http.js").Call} call
 * @property {(url: string) => Promise<string>} fetchHtml
 * @property {(text: string) => number | null} lineWith the first line of the learner's code that contains the text
 * @property {(line: number) => void} goToLine
 * @property {() => void} askAtCursor for a hint, when the author's are taken
 * @property {(verdict: string, look: string) => void} judged "": there is no verdict any more
 * @property {(sentence: string) => void} announce
 */

export class ChecksPane {
  #root;
  #t;
  #actions;
  /** @type {Exercise | null} */
  #exercise = null;
  #taken = 0;
  /** Of the ladder, the step after the author's hints that was taken last; null: there is none further. @type {number | null} */
  #atCursor = 0;
  #hasFailed = false;

  /** @param {HTMLElement} root @param {Translate} t @param {ChecksActions} actions */
  constructor(root, t, actions) {
    this.#root = root;
    this.#t = t;
    this.#actions = actions;
    this.#part("hint").addEventListener("click", () => this.askHint());
    this.#part("reveal").addEventListener("click", () => void this.#reveal());
  }

  /** Another exercise is in the editor, or none. @param {Exercise | null} exercise */
  open(exercise) {
    this.#exercise = exercise;
    this.#hasFailed = false;
    this.#atCursor = 0;
    this.clear();
    const hints = exercise ? takenHints(exercise) : [];
    this.#taken = hints.length;
    this.#part("hints").replaceChildren();
    for (const hint of hints) this.#showHint(hint);
    this.#showHelp();
  }

  /** A check begins. */
  clear() {
    this.#part("list").replaceChildren();
    this.#part("solution").replaceChildren();
    this.#part("standing").replaceChildren();
    this.#showSummary("", "");
    this.#part("problem").hidden = true;
    this.#part("empty").hidden = false;
  }

  /** @param {Check[]} checks @param {boolean | null} passed @returns {string} in a sentence */
  ended(checks, passed) {
    this.clear();
    this.#hasFailed = this.#hasFailed || passed === false;
    this.#atCursor = 0; // the code is another, and so is what there is to say of it
    this.#part("empty").hidden = true;
    const counted = checks.filter((check) => check.number > 0);
    const good = counted.filter((check) => check.passed).length;
    const summary = passed === null ? this.#t("checks-unjudged") : passed ? this.#t("checks-passed") : this.#t("checks-failed", { passed: good, count: counted.length });
    this.#showSummary(summary, passed ? "ok" : passed === false ? "error" : "");
    this.#part("list").append(...inOrder(checks).map((check) => this.#item(check)));
    this.#showHelp();
    this.#root.scrollTop = 0; // the verdict stands at the top
    const first = inOrder(checks)[0];
    return passed === false && first ? `${summary}. ${first.name}. ${plain(first.mistake?.message ?? first.message)}` : summary;
  }

  /** @param {string} summary "": none @param {string} look */
  #showSummary(summary, look) {
    const heading = this.#part("summary");
    heading.textContent = summary;
    heading.hidden = !summary;
    this.#actions.judged(summary, look);
  }

  /** What solving an exercise did for the lesson; told already, it is told anew for any other. @param {Exercise} exercise @param {Node[]} standing */
  showStanding({ id }, standing) {
    const place = this.#part("standing");
    if (this.#exercise?.id === id || place.firstChild) place.replaceChildren(...standing);
  }

  /** @param {string} name @returns {HTMLElement} */
  #part(name) {
    return /** @type {HTMLElement} */ (this.#root.querySelector(`[data-checks="${name}"]`));
  }

  // --- One check -----------------------------------------------------------------------------------

  /** @param {Check} check */
  #item(check) {
    const look = check.passed ? "passed" : check.passed === false ? "failed" : "unknown";
    const item = make("li", `check check-${look}`);
    const head = make("p", "check-head");
    head.append(make("span", "check-mark", this.#t(`check-${look}`)), withCode(make("span", "check-name"), check.name));
    item.append(head);
    if (check.passed !== false) return item;
    if (check.mistake) item.append(withCode(make("p", "check-mistake"), check.mistake.message));
    if (check.message) item.append(withCode(make("p", "check-message"), check.message));
    if (check.hidden) item.append(make("p", "check-note", this.#t("check-hidden")));
    if (check.expected !== null || check.actual !== null) item.append(this.#comparison(check));
    return item;
  }

  /** @param {Check} check */
  #comparison({ expected, actual }) {
    const sides = make("div", "check-sides");
    const differsInSpace = expected !== null && actual !== null && expected !== actual && bare(expected) === bare(actual);
    for (const [key, text] of /** @type {const} */ ([
      ["check-expected", expected],
      ["check-actual", actual],
    ])) {
      if (text === null) continue;
      const side = make("div", "check-side");
      const shown = marked(differsInSpace ? visible(text) : text.replace(/\n$/, ""));
      const pre = make("pre", shown ? "check-text" : "check-text check-empty", shown || this.#t("check-nothing"));
      pre.tabIndex = 0;
      side.append(make("p", "check-label", this.#t(key)), pre);
      sides.append(side);
    }
    if (differsInSpace) sides.append(make("p", "check-note", this.#t("spaces-differ")));
    return sides;
  }

  // --- Hints and the solution ----------------------------------------------------------------------

  /** The next hint: the author's while there is one, then one at the cursor. */
  askHint() {
    if (this.hasAuthoredHint) void this.#takeHint();
    else this.#actions.askAtCursor();
  }

  /** Whether the exercise has a hint of its author that was not taken. */
  get hasAuthoredHint() {
    return this.#exercise !== null && this.#taken < this.#exercise.hintCount;
  }

  /** A hint at the cursor was given. @param {number} step of the ladder @param {boolean} more whether there is a further one */
  noteGiven(step, more) {
    if (this.#exercise) this.#atCursor = more ? step - this.#exercise.hintCount : null;
    this.#showHelp();
  }

  #showHelp() {
    const exercise = this.#exercise;
    const hint = this.#part("hint");
    const count = exercise ? ladderOf(exercise) : 0;
    const number = this.#atCursor === null ? count + 1 : this.#taken + this.#atCursor + 1;
    hint.hidden = !exercise || number > count || isSolved(exercise) || !(this.#hasFailed || this.#taken > 0);
    hint.textContent = this.#t("hint-next", { number, count });
    this.#part("reveal").hidden = !exercise || !isSolved(exercise);
  }

  async #takeHint() {
    const exercise = this.#exercise;
    if (!exercise) return;
    this.#part("problem").hidden = true;
    try {
      const told = await this.#actions.call("POST", exercise.hintUrl, {});
      if (exercise !== this.#exercise) return;
      const holder = document.createElement("template");
      holder.innerHTML = told.html;
      const hint = /** @type {HTMLElement} */ (holder.content.querySelector(".exercise-hint"));
      this.#taken = told.number;
      keepHint(exercise, hint);
      this.#showHint(hint);
      this.#showHelp();
      this.#actions.announce(hint.textContent?.trim() ?? "");
      hint.scrollIntoView({ block: "nearest" });
      if (this.#part("hint").hidden) this.#root.focus();
    } catch {
      this.#part("problem").hidden = false;
    }
  }

  /** @param {HTMLElement} hint */
  #showHint(hint) {
    const text = hint.dataset.lineContains;
    const line = text ? this.#actions.lineWith(text) : null;
    if (text && line !== null) {
      const button = /** @type {HTMLButtonElement} */ (make("button", "exercise-hint-line button button-quiet button-small", this.#t("hint-line", { line })));
      button.type = "button";
      // The code may have moved meanwhile.
      button.addEventListener("click", () => this.#actions.goToLine(this.#actions.lineWith(text) ?? line));
      hint.append(button);
    }
    this.#part("hints").append(hint);
  }

  async #reveal() {
    const exercise = this.#exercise;
    if (!exercise) return;
    try {
      const html = await this.#actions.fetchHtml(exercise.solutionUrl);
      if (exercise !== this.#exercise) return;
      const place = this.#part("solution");
      place.innerHTML = html;
      place.scrollIntoView({ block: "nearest" });
    } catch {
      this.#part("problem").hidden = false;
    }
  }
}

/** The first failure first, then the other failures, then the rest as they come. @param {Check[]} checks */
export function inOrder(checks) {
  const rank = (/** @type {Check} */ check) => (check.passed === false ? 0 : 1);
  return [...checks].sort((one, other) => rank(one) - rank(other) || one.number - other.number);
}

/** With white space that can be seen. @param {string} text */
export function visible(text) {
  return text.replace(/ /g, "·").replace(/\t/g, "→").replace(/\n/g, "¶\n");
}

/** @param {string} text */
function bare(text) {
  return text.replace(/\s+/g, "");
}

/** Without the marks of code. @param {string} text */
function plain(text) {
  return text.replace(/`/g, "");
}

/** @param {string} tag @param {string} look @param {string} [text] @returns {HTMLElement} */
function make(tag, look, text = "") {
  const element = document.createElement(tag);
  element.className = look;
  element.textContent = text;
  return element;
}

/** What stands between backquotes is code. @param {HTMLElement} element @param {string} text */
function withCode(element, text) {
  text.split("`").forEach((piece, place) => element.append(place % 2 ? make("code", "", piece) : piece));
  return element;
}
