/**
 * The output pane: what the program printed, how it stands or ended, and the line it asks for.
 */

import { asSentences, lostReport, reportOf, textOf, waitOf } from "./reports.js";
import { Transcript } from "./transcript.js";

/**
 * @typedef {import("./reports.js").Run} Run
 * @typedef {import("./reports.js").Report} Report
 * @typedef {import("./reports.js").Translate} Translate
 *
 * @typedef {object} OutputActions
 * @property {(file: string) => ((line: number) => void) | null} opener how to show a line of that file, if it can be
 * @property {(line: string) => void} sendInput
 * @property {() => void} closeInput
 * @property {() => void} retry
 * @property {() => void} goToFailure
 */

const NEAR_THE_END = 24; // pixels

export class OutputPane {
  #root;
  #t;
  #actions;
  #transcript;
  #streamed = { stdout: "", stderr: "" };
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #clock;
  #startedAt = 0;
  #sticks = true;
  #scrolledTo = 0;

  /** @param {HTMLElement} root @param {Translate} t @param {OutputActions} actions */
  constructor(root, t, actions) {
    this.#root = root;
    this.#t = t;
    this.#actions = actions;
    this.#transcript = new Transcript(this.#part("transcript"), (cut) => this.#afterText(cut));
    this.#scroller.addEventListener("scroll", () => this.#noteScroll(), { passive: true });
    new ResizeObserver(() => this.#stick()).observe(this.#scroller);
    this.#part("retry").addEventListener("click", () => actions.retry());
    this.#part("go").addEventListener("click", () => actions.goToFailure());
    this.#listenForInput();
  }

  /** A new run begins. @param {string} heading what is run; "" for the editor's code */
  begin(heading) {
    this.#transcript.clear();
    this.#streamed = { stdout: "", stderr: "" };
    this.#sticks = true;
    this.#hideInput();
    this.#announce("");
    this.#part("cut").hidden = true;
    this.#part("empty").hidden = true;
    this.#part("heading").textContent = heading;
    this.#part("heading").hidden = !heading;
    this.#setState("waiting", this.#t("sending"), "", "");
    this.#startClock();
  }

  /** @param {import("./run.js").Wait} wait */
  queued(wait) {
    const { look, title, advice } = waitOf(wait, this.#t);
    if (look === "held" && this.#root.dataset.look !== look) this.#announce(asSentences([title, advice]));
    this.#setState(look, title, advice, this.#elapsed());
  }

  running() {
    this.#startedAt = performance.now();
    this.#setState("running", this.#t("running"), "", this.#elapsed());
  }

  /** The program has ended, and is judged. */
  checking() {
    this.#hideInput();
    this.#setState("running", this.#t("checking"), "", this.#elapsed());
  }

  /** The platform starts the program again: what came so far does not count. */
  restarted() {
    this.#transcript.clear();
    this.#streamed = { stdout: "", stderr: "" };
    this.#hideInput();
  }

  /** @param {boolean} reachable whether the server answers */
  connection(reachable) {
    if (reachable) this.#setState("running", this.#t("running"), "", this.#elapsed());
    else this.#setState("waiting", this.#t("reconnecting"), this.#t("reconnecting-advice"), this.#elapsed());
  }

  stopping() {
    this.#hideInput();
    this.#setState("running", this.#t("stopping"), "", "");
    this.#stopClock();
  }

  /** @param {"stdout" | "stderr"} stream @param {string} text */
  output(stream, text) {
    this.#streamed[stream] += text;
    this.#transcript.write(stream, text);
  }

  /**
   * @param {Run} run
   * @param {(file: string) => boolean} isOwn
   * @param {{isListing: boolean}} program
   * @returns {Report}
   */
  ended(run, isOwn, program) {
    if (this.#streamed.stdout !== textOf(run, "stdout") || this.#streamed.stderr !== textOf(run, "stderr")) {
      this.#rewrite(run);
    }
    const report = reportOf(run, isOwn, this.#t, program);
    this.#close(report);
    this.#part("cut").hidden = !run.truncated;
    this.#transcript.settled(() => this.#link());
    return report;
  }

  /** @param {import("./run.js").Lost} why @param {{signedOut?: boolean}} [reader] @returns {Report} */
  lost(why, reader) {
    const report = lostReport(why, this.#t, reader);
    this.#close(report);
    if (report.retry && why.retryAfter) this.#countDown(report.title, why.retryAfter);
    return report;
  }

  /** The program waits for a line. @param {string} [text] put into the field */
  askForInput(text = "") {
    this.#transcript.flush();
    const row = this.#part("input-row");
    const field = this.#inputField;
    row.hidden = false;
    if (text) field.value = text;
    this.#scroller.scrollTop = this.#scroller.scrollHeight;
    this.#setState("running", this.#t("input-state"), "", this.#elapsed());
    this.#announce(this.#t("input-wanted"));
    // A phone's keyboard over the question would be in the way; there the learner taps the field.
    if (matchMedia("(pointer: fine)").matches) field.focus({ preventScroll: true });
  }

  get #scroller() {
    return this.#part("scroller");
  }

  get #inputField() {
    return /** @type {HTMLInputElement} */ (this.#part("input"));
  }

  /** @param {string} name @returns {HTMLElement} */
  #part(name) {
    return /** @type {HTMLElement} */ (this.#root.querySelector(`[data-output="${name}"]`));
  }

  #listenForInput() {
    const row = /** @type {HTMLFormElement} */ (this.#part("input-row"));
    row.addEventListener("submit", (event) => {
      event.preventDefault();
      const line = `${this.#inputField.value}\n`;
      this.#hideInput();
      this.#transcript.write("stdin", line);
      this.#setState("running", this.#t("running"), "", this.#elapsed());
      this.#actions.sendInput(line);
    });
    const close = () => {
      this.#hideInput();
      this.#transcript.write("stdin", "^D\n");
      this.#setState("running", this.#t("running"), "", this.#elapsed());
      this.#actions.closeInput();
    };
    this.#part("end-input").addEventListener("click", close);
    this.#inputField.addEventListener("keydown", (event) => {
      if (event.ctrlKey && event.key === "d" && !this.#inputField.value) {
        event.preventDefault();
        close();
      }
    });
  }

  #hideInput() {
    const row = this.#part("input-row");
    const hadFocus = row.contains(document.activeElement);
    row.hidden = true;
    this.#inputField.value = "";
    if (hadFocus) this.#scroller.focus({ preventScroll: true });
  }

  /** @param {Run} run */
  #rewrite(run) {
    const typed = this.#streamed.stdout || this.#streamed.stderr;
    const missing = typed ? missingTail(this.#streamed, run) : null;
    if (missing) {
      for (const [stream, text] of missing) this.#transcript.write(stream, text);
      return;
    }
    this.#transcript.clear();
    for (const [stream, text] of run.output) this.#transcript.write(stream, text);
  }

  /** @param {Report} report */
  #close(report) {
    this.#stopClock();
    this.#hideInput();
    this.#transcript.flush();
    this.#setState(report.look, report.title, report.advice, report.facts);
    this.#part("title").toggleAttribute("data-python", report.isPython ?? false);
    this.#part("retry").hidden = !report.retry;
    /** @type {HTMLButtonElement} */ (this.#part("retry")).disabled = false;
    this.#part("go").hidden = report.line === null;
    if (report.line !== null) this.#part("go").textContent = this.#t("go-to-line", { line: report.line });
    this.#announce(asSentences([report.title, report.facts, report.advice]));
  }

  #link() {
    this.#transcript.linkFrames((file, line) => {
      const open = this.#actions.opener(file);
      if (!open) return null;
      const button = document.createElement("button");
      button.type = "button";
      button.className = "frame-link";
      button.addEventListener("click", () => open(line));
      return button;
    });
  }

  /** @param {string} look @param {string} title @param {string} advice @param {string} facts */
  #setState(look, title, advice, facts) {
    this.#root.dataset.look = look;
    this.#setText("title", title);
    this.#setText("advice", advice);
    this.#setText("facts", facts);
    this.#part("advice").hidden = !advice;
    this.#part("retry").hidden = this.#part("go").hidden = true;
  }

  /** @param {string} part @param {string} text */
  #setText(part, text) {
    const element = this.#part(part);
    if (element.textContent !== text) element.textContent = text;
  }

  #startClock() {
    this.#stopClock();
    this.#startedAt = performance.now();
    this.#clock = setInterval(() => this.#setText("facts", this.#elapsed()), 100);
  }

  /** Seconds that a message names run down in it; before, there is no use in trying again. @param {string} message @param {number} seconds */
  #countDown(message, seconds) {
    const named = new RegExp(`\\b${seconds}\\b`);
    if (!named.test(message)) return;
    const retry = /** @type {HTMLButtonElement} */ (this.#part("retry"));
    const end = performance.now() + seconds * 1000;
    retry.disabled = true;
    this.#clock = setInterval(() => {
      const left = Math.max(0, Math.ceil((end - performance.now()) / 1000));
      this.#setText("title", message.replace(named, String(left)));
      if (left > 0) return;
      this.#stopClock();
      retry.disabled = false;
    }, 250);
  }

  #stopClock() {
    clearInterval(this.#clock);
  }

  #elapsed() {
    const seconds = (performance.now() - this.#startedAt) / 1000;
    return this.#t("seconds", { number: seconds.toFixed(1) });
  }

  #noteScroll() {
    const { scrollTop, scrollHeight, clientHeight } = this.#scroller;
    const atEnd = scrollHeight - scrollTop - clientHeight < NEAR_THE_END;
    // Only a move upwards is the reader's; the end also moves away by itself, when the pane shrinks.
    if (atEnd) this.#sticks = true;
    else if (scrollTop < this.#scrolledTo) this.#sticks = false;
    this.#scrolledTo = scrollTop;
  }

  /** @param {boolean} cut */
  #afterText(cut) {
    if (cut) this.#part("cut").hidden = false;
    this.#stick();
  }

  /** Whoever was at the end of the output stays there. */
  #stick() {
    if (this.#sticks) this.#scroller.scrollTop = this.#scroller.scrollHeight;
  }

  /** @param {string} sentence */
  #announce(sentence) {
    this.#part("announcement").textContent = sentence;
  }
}

/**
 * When what came live is the beginning of the result, what is still missing; null when it is not.
 *
 * @param {{stdout: string, stderr: string}} streamed
 * @param {Run} run
 * @returns {["stdout" | "stderr", string][] | null}
 */
export function missingTail(streamed, run) {
  const seen = { stdout: 0, stderr: 0 };
  /** @type {["stdout" | "stderr", string][]} */
  const missing = [];
  for (const [stream, text] of run.output) {
    const have = streamed[stream].slice(seen[stream], seen[stream] + text.length);
    if (!text.startsWith(have)) return null;
    seen[stream] += have.length;
    if (have.length < text.length) missing.push([stream, text.slice(have.length)]);
  }
  const complete = seen.stdout === streamed.stdout.length && seen.stderr === streamed.stderr.length;
  return complete ? missing : null;
}
