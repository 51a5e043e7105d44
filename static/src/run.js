/**
 * One run of a program, followed from the request to its end.
 *
 * The end always comes: as the server's result, or as `lost` when the server cannot be reached or
 * keeps silent for too long. The event stream is the fast way to know; asking for the run itself is
 * the sure one, and steps in whenever the stream is silent or cannot be had.
 */

import { Refused } from "./http.js";

/** @typedef {import("./reports.js").Run} Run */

/**
 * @typedef {object} RunListener
 * @property {(wait: Wait) => void} queued
 * @property {() => void} running
 * @property {() => void} restarted the platform tries the program again from its beginning
 * @property {(stream: "stdout" | "stderr", text: string) => void} output
 * @property {(step: import("./trace-pane.js").Step) => void} call a call to a model has begun or ended
 * @property {() => void} checking the program has ended, and is judged
 * @property {() => void} input the program waits for a line
 * @property {(text: string) => void} inputRefused a sent line did not arrive; "" for the end of input
 * @property {() => void} stopping
 * @property {(reachable: boolean) => void} connection the server does not answer, or answers again
 * @property {(run: Run) => void} ended
 * @property {(why: Lost) => void} lost
 *
 * @typedef {object} Wait
 * @property {number | null} position in the queue, from 1; null: not known
 * @property {number | null} workers how many answer; null: not known
 * @property {boolean} isLong nothing has moved for a while
 *
 * @typedef {object} Lost
 * @property {"network" | "refused" | "silent"} kind
 * @property {string} message of the server; "" when it said nothing
 * @property {string} [detail] what it found wrong first
 * @property {number | null} status HTTP status
 * @property {number} [retryAfter] seconds for which it would say the same again
 *
 * @typedef {object} RunTiming milliseconds
 * @property {number} watch how often the run is asked for while the stream is silent
 * @property {number} poll how often when there is no stream
 * @property {number} queue how long nothing may move in the queue before that is said
 * @property {number} patience how long the server may be unreachable
 * @property {number} overtime how long a run may go on after its time limit
 * @property {number} stop how long a stop may take
 */

/** @type {RunTiming} */
const TIMING = { watch: 5_000, poll: 800, queue: 20_000, patience: 20_000, overtime: 30_000, stop: 8_000 };

const ignore = () => {};

/** @type {RunListener} */
const SILENT = {
  queued: ignore,
  running: ignore,
  restarted: ignore,
  output: ignore,
  call: ignore,
  checking: ignore,
  input: ignore,
  inputRefused: ignore,
  stopping: ignore,
  connection: ignore,
  ended: ignore,
  lost: ignore,
};

export class RunSession {
  #call;
  #listener;
  #openEvents;
  #timing;
  /** @type {Run | null} */
  #run = null;
  /** @type {EventSource | null} */
  #events = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #over = false;
  #stopAsked = 0;
  #startedAt = 0;
  #heardAt = Date.now();
  #hasStarted = false;
  /** Where the run waits, and since when. */
  #place = { position: /** @type {number | null} */ (null), workers: /** @type {number | null} */ (null), since: 0 };
  #reachable = true;

  /**
   * @param {import("./http.js").Call} call
   * @param {RunListener} listener
   * @param {{openEvents?: (url: string) => EventSource, timing?: Partial<RunTiming>}} [options]
   */
  constructor(call, listener, { openEvents = (url) => new EventSource(url), timing = {} } = {}) {
    this.#call = call;
    this.#listener = listener;
    this.#openEvents = openEvents;
    this.#timing = { ...TIMING, ...timing };
  }

  get isOver() {
    return this.#over;
  }

  /** The run as last heard of; null before the server has answered. */
  get run() {
    return this.#run;
  }

  /** @param {string} url @param {unknown} program */
  async start(url, program) {
    try {
      this.follow(await this.#call("POST", url, program));
    } catch (error) {
      this.#lose(error);
    }
  }

  /** Take up a run that exists already. @param {Run} run */
  follow(run) {
    if (this.#over) return;
    this.#run = run;
    if (this.#endIfOver(run)) return;
    if (this.#stopAsked) void this.#sendStop();
    if (run.status === "running") this.#noteStart();
    else this.#noteQueued(run.queue_position, run.workers);
    this.#openStream(run.events_url);
    this.#schedule();
  }

  stop() {
    if (this.#over || this.#stopAsked) return;
    this.#stopAsked = Date.now();
    this.#listener.stopping();
    if (this.#run) void this.#sendStop();
  }

  /** @param {string} line with its line break */
  sendInput(line) {
    return this.#sendToProgram({ text: line }, line);
  }

  closeInput() {
    return this.#sendToProgram({ eof: true }, "");
  }

  /** Stop the run and tell nobody: another one takes its place. */
  abandon() {
    this.#listener = SILENT;
    this.stop();
  }

  /** @param {unknown} body @param {string} text */
  async #sendToProgram(body, text) {
    if (!this.#run || this.#over) return;
    try {
      await this.#call("POST", this.#run.stdin_url, body);
    } catch {
      if (!this.#over) this.#listener.inputRefused(text);
    }
  }

  async #sendStop() {
    try {
      const run = await this.#call("POST", /** @type {Run} */ (this.#run).cancel_url, {});
      if (run?.status) this.#endIfOver(run);
    } catch {
      // The order may have arrived all the same; asking for the run tells.
      void this.#ask();
    }
    this.#schedule();
  }

  /** @param {string} url */
  #openStream(url) {
    const events = (this.#events = this.#openEvents(url));
    /** @param {string} kind @param {(data: any) => void} act */
    const on = (kind, act) =>
      events.addEventListener(kind, (event) => {
        if (this.#over) return;
        this.#hear();
        act(JSON.parse(/** @type {MessageEvent} */ (event).data || "{}"));
        this.#schedule();
      });
    on("queued", (data) => this.#noteQueued(data.position, data.workers));
    on("started", () => this.#noteStart());
    on("output", (data) => this.#listener.output(data.stream, data.text));
    on("call", (data) => this.#listener.call(data));
    on("checking", () => this.#listener.checking());
    on("input", () => this.#listener.input());
    on("finished", (data) => this.#endIfOver(data));
    on("broken", (data) => this.#endIfOver(data));
    events.addEventListener("error", () => this.#schedule());
    events.addEventListener("open", () => this.#hear());
  }

  #noteStart() {
    if (this.#hasStarted) this.#listener.restarted();
    this.#hasStarted = true;
    this.#startedAt = Date.now();
    this.#listener.running();
  }

  /** @param {number | null} [position] @param {number | null} [workers] undefined: as before */
  #noteQueued(position = null, workers = this.#place.workers) {
    if (this.#stopAsked) return;
    const moved = position !== this.#place.position || workers !== this.#place.workers || !this.#place.since;
    this.#place = { position, workers, since: moved ? Date.now() : this.#place.since };
    this.#listener.queued({ position, workers, isLong: Date.now() - this.#place.since >= this.#timing.queue });
  }

  #schedule() {
    clearTimeout(this.#timer);
    if (this.#over || !this.#run) return;
    const streams = this.#events !== null && this.#events.readyState === 1;
    this.#timer = setTimeout(() => void this.#ask(), streams && !this.#stopAsked ? this.#timing.watch : this.#timing.poll);
  }

  async #ask() {
    const run = this.#run;
    if (!run || this.#over) return;
    try {
      const now = await this.#call("GET", run.url);
      if (this.#over) return;
      this.#hear();
      if (this.#endIfOver(now)) return;
      if (now.status === "running" && !this.#hasStarted) this.#noteStart();
      if (now.status === "queued") this.#noteQueued(now.queue_position, now.workers);
    } catch (error) {
      if (this.#over) return;
      if (error instanceof Refused && error.status < 500 && error.status !== 429) return this.#lose(error);
      if (Date.now() - this.#heardAt > this.#timing.patience) return this.#lose(error);
      this.#setReachable(false);
    }
    if (this.#isOverdue()) return this.#end(() => this.#listener.lost({ kind: "silent", message: "", detail: "", status: null }));
    this.#schedule();
  }

  #hear() {
    this.#heardAt = Date.now();
    this.#setReachable(true);
  }

  /** @param {boolean} reachable */
  #setReachable(reachable) {
    if (this.#over || reachable === this.#reachable) return;
    this.#reachable = reachable;
    if (!this.#stopAsked) this.#listener.connection(reachable);
  }

  #isOverdue() {
    const now = Date.now();
    if (this.#stopAsked && now - this.#stopAsked > this.#timing.stop) return true;
    const limit = (this.#run?.timeout ?? 60) * 1000 + this.#timing.overtime;
    return this.#startedAt > 0 && now - this.#startedAt > limit;
  }

  /** @param {Run} run */
  #endIfOver(run) {
    if (run.status !== "finished" && run.status !== "broken") return false;
    this.#end(() => this.#listener.ended(run));
    return true;
  }

  /** @param {unknown} error */
  #lose(error) {
    const refused = error instanceof Refused ? error : null;
    this.#end(() =>
      this.#listener.lost({
        kind: refused ? "refused" : "network",
        message: refused?.message ?? "",
        detail: refused?.detail ?? "",
        status: refused?.status ?? null,
        ...(refused?.retryAfter ? { retryAfter: refused.retryAfter } : {}),
      }),
    );
  }

  /** @param {() => void} tell */
  #end(tell) {
    if (this.#over) return;
    this.#over = true;
    this.#release();
    tell();
  }

  #release() {
    clearTimeout(this.#timer);
    this.#events?.close();
    this.#events = null;
  }
}
