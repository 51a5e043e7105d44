/**
 * What a run came to, in words: from the run's JSON to a title, advice and figures for the output pane.
 */

import { crashIn, failureIn, preludeFailureIn } from "./traceback.js";

/**
 * @typedef {object} Run the run as the server tells it
 * @property {string} id
 * @property {"queued" | "running" | "finished" | "broken"} status
 * @property {"ok" | "failed" | "timeout" | "memory" | "output_limit" | "process_limit" | "cancelled" | "rejected" | null} outcome
 * @property {number | null} exit_code
 * @property {[("stdout" | "stderr"), string][]} output
 * @property {boolean} truncated
 * @property {number | null} wall_time seconds
 * @property {number | null} peak_memory bytes
 * @property {number} [timeout] seconds
 * @property {string} [name] what tracebacks call the program's own code
 * @property {number} [queue_position]
 * @property {number} [workers] how many answer, while it is queued
 * @property {number} [calls] of models, once it is over
 * @property {number | null} [exercise] what the program was written for
 * @property {import("./checks-pane.js").Check[]} [checks]
 * @property {boolean | null} [passed] null: it was not checked
 * @property {string} url
 * @property {string} events_url
 * @property {string} stdin_url
 * @property {string} cancel_url
 * @property {string} [trace_url] where its calls are drawn
 *
 * @typedef {(key: string, values?: Record<string, string | number>) => string} Translate
 *
 * @typedef {object} Report
 * @property {"ok" | "error" | "limit" | "stopped" | "rejected" | "broken"} look
 * @property {string} title
 * @property {boolean} [isPython] the title is what Python said
 * @property {string} advice "" when there is nothing to do
 * @property {string} facts time and memory
 * @property {number | null} line the learner's own line that failed
 * @property {boolean} retry
 */

/**
 * @param {Run} run finished or broken
 * @param {(file: string) => boolean} isOwn
 * @param {Translate} t
 * @param {{isListing?: boolean}} [program] isListing: it is the lesson's, as it stands there
 * @returns {Report}
 */
export function reportOf(run, isOwn, t, { isListing = false } = {}) {
  const facts = factsOf(run, t);
  if (run.status === "broken") {
    return { look: "broken", title: t("broken"), advice: t("broken-advice"), facts: "", line: null, retry: true };
  }
  // A program that met a limit may have died of an error, and then says where.
  const line = run.outcome === "ok" || run.outcome === "rejected" ? null : (failureIn(textOf(run, "stderr"), isOwn)?.line ?? null);
  /** @param {Report["look"]} look @param {string} title @param {string} advice */
  const report = (look, title, advice) => ({ look, title, advice, facts, line, retry: false });
  switch (run.outcome) {
    case "ok":
      return report("ok", t("ok"), run.truncated ? t("truncated") : hasOutput(run) ? "" : t("ok-silent"));
    case "timeout":
      return report("limit", t("timeout", { seconds: run.timeout ?? 30 }), t("timeout-advice"));
    case "memory":
      return report("limit", t("memory"), t("memory-advice"));
    case "output_limit":
      return report("limit", t("output-limit"), t("output-limit-advice"));
    case "process_limit":
      return report("limit", t("process-limit"), t("process-limit-advice"));
    case "cancelled":
      return report("stopped", t("cancelled"), hasOutput(run) ? t("cancelled-advice") : "");
    case "rejected":
      return report("rejected", t("rejected"), t("rejected-advice"));
    default:
      return failedReport(run, isOwn, t, { facts, isListing });
  }
}

/**
 * @param {Run} run @param {(file: string) => boolean} isOwn @param {Translate} t
 * @param {{facts: string, isListing: boolean}} more
 * @returns {Report}
 */
function failedReport(run, isOwn, t, { facts, isListing }) {
  const stderr = textOf(run, "stderr");
  const failure = failureIn(stderr, isOwn);
  /** @param {string} title @param {string} advice @returns {Report} */
  const report = (title, advice) => ({ look: "error", title, advice, facts, line: failure?.line ?? null, retry: false });
  const before = failure && MISSING.test(failure.message) ? preludeFailureIn(stderr) : null;
  if (before) return report(...preludeReport(before, t));
  const missing = isListing ? missingPackage(failure?.message ?? "") : null;
  if (missing) {
    return { ...report(t("missing-package", { package: missing }), t("missing-package-advice")), look: "limit", line: null };
  }
  if (failure) {
    const advice = failure.line ? t("failed-advice", { line: failure.line }) : t("failed-elsewhere");
    return { ...report(failure.message, advice), isPython: true };
  }
  if (run.exit_code === null) {
    const crash = crashIn(stderr);
    return report(crash ? t("crashed-by", { reason: crash }) : t("crashed"), t("crashed-advice"));
  }
  return report(t("exit-code", { code: run.exit_code }), t("exit-code-advice"));
}

// What a program dies of when something is not there that an earlier listing should have made.
const MISSING = /^(NameError|ImportError|ModuleNotFoundError)\b/;

/**
 * @param {import("./traceback.js").PreludeFailure} failure
 * @param {Translate} t
 * @returns {[title: string, advice: string]}
 */
function preludeReport({ file, error, message }, t) {
  const missing = missingPackage(`${error}: ${message}`);
  const title = missing
    ? t("missing-package", { package: missing })
    : t("prelude-failed", { error: message ? `${error}: ${message}` : error });
  return [title, t("prelude-advice", { file })];
}

/** @param {string} error as Python says it @returns {string | null} the package that is not here; null: it is something else */
function missingPackage(error) {
  return /^ModuleNotFoundError: No module named '([^'.]+)/.exec(error)?.[1] ?? null;
}

/** Several pieces of text as one, each a sentence. @param {string[]} pieces */
export function asSentences(pieces) {
  const sentences = pieces.filter(Boolean);
  return sentences.map((piece, at) => (at === sentences.length - 1 ? piece : ended(piece))).join(" ");
}

/** The piece with a full stop, its own script's, unless it has an end. @param {string} piece */
function ended(piece) {
  if (/[.!?…。！？]$/.test(piece)) return piece;
  return piece + (/[\u3000-\u9fff\uff00-\uffef]$/.test(piece) ? "。" : ".");
}

/**
 * A run that the page lost sight of, or that the site did not take.
 *
 * @param {import("./run.js").Lost} why
 * @param {Translate} t
 * @param {{signedOut?: boolean}} [reader] signedOut: the page is an account's, and the site takes it for one no more
 * @returns {Report}
 */
export function lostReport({ kind, message, detail, status }, t, { signedOut = false } = {}) {
  /** @param {Report["look"]} look @param {string} title @param {string} advice @param {boolean} retry */
  const report = (look, title, advice, retry) => ({ look, title, advice, facts: "", line: null, retry });
  if (kind === "network") return report("broken", t("network"), t("network-advice"), true);
  if (kind === "silent") return report("broken", t("silent"), t("silent-advice"), true);
  if (signedOut) return report("rejected", t("signed-out"), t("signed-out-advice"), false);
  if (status === 403) return report("rejected", t("stale-page"), t("stale-page-advice"), false);
  const ours = status === null || status >= 500;
  if (!message) return report("broken", t("broken"), t("broken-advice"), true);
  const advice = asSentences([detail ?? "", t("refused-advice")]);
  return report(ours ? "broken" : "rejected", message, advice, ours || status === 429);
}

/**
 * How a run stands that has not started yet.
 *
 * @param {import("./run.js").Wait} wait
 * @param {Translate} t
 * @returns {{look: "waiting" | "held", title: string, advice: string}} held: nothing moves
 */
export function waitOf({ position, workers, isLong }, t) {
  const title = position ? t("queued", { position }) : t("sending");
  if (workers === 0) return { look: "held", title: t("no-worker"), advice: t("no-worker-advice") };
  if (isLong) return { look: "held", title, advice: t("long-wait-advice") };
  return { look: "waiting", title, advice: "" };
}

/** @param {Run} run */
function hasOutput(run) {
  return run.output.some(([, text]) => text !== "");
}

/** @param {Run} run @param {"stdout" | "stderr"} stream */
export function textOf(run, stream) {
  return run.output
    .filter(([of]) => of === stream)
    .map(([, text]) => text)
    .join("");
}

/** @param {Run} run @param {Translate} t */
function factsOf(run, t) {
  const facts = [];
  if (run.wall_time !== null) facts.push(duration(run.wall_time, t));
  if (run.peak_memory) facts.push(t("megabytes", { number: Math.max(1, Math.round(run.peak_memory / 2 ** 20)) }));
  return facts.join(" · ");
}

/**
 * @param {number} seconds
 * @param {Translate} t
 */
export function duration(seconds, t) {
  if (seconds < 1) return t("milliseconds", { number: Math.max(1, Math.round(seconds * 1000)) });
  return t("seconds", { number: seconds.toFixed(seconds < 10 ? 2 : 1) });
}
