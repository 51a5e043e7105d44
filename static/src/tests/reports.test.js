import assert from "node:assert/strict";
import { test } from "node:test";
import { asSentences, duration, lostReport, reportOf, waitOf } from "../reports.js";

/** Texts that show which one was chosen. @type {import("../reports.js").Translate} */
const t = (key, values = {}) => [key, ...Object.values(values)].join(" ");
const isOwn = (/** @type {string} */ file) => file === "main.py";

/** @param {Partial<import("../reports.js").Run>} fields @returns {import("../reports.js").Run} */
function makeRun(fields) {
  return {
    id: "1",
    status: "finished",
    outcome: "ok",
    exit_code: 0,
    output: [["stdout", "hi\n"]],
    truncated: false,
    wall_time: 0.0123,
    peak_memory: 12_345_678,
    timeout: 30,
    url: "",
    events_url: "",
    stdin_url: "",
    cancel_url: "",
    ...fields,
  };
}

test("every outcome has a look and words of its own", () => {
  /** @type {[import("../reports.js").Run["outcome"], string, string][]} */
  const expected = [
    ["ok", "ok", "ok"],
    ["timeout", "limit", "timeout 30"],
    ["memory", "limit", "memory"],
    ["output_limit", "limit", "output-limit"],
    ["process_limit", "limit", "process-limit"],
    ["cancelled", "stopped", "cancelled"],
    ["rejected", "rejected", "rejected"],
  ];
  for (const [outcome, look, title] of expected) {
    const report = reportOf(makeRun({ outcome }), isOwn, t);
    assert.deepEqual([report.look, report.title, report.retry], [look, title, false]);
    assert.equal(report.facts, "milliseconds 12 · megabytes 12");
  }
});

test("an error is titled by what Python says and points at the line", () => {
  const stderr = 'Traceback (most recent call last):\n  File "main.py", line 3, in <module>\n    x\nNameError: x\n';
  const report = reportOf(makeRun({ outcome: "failed", exit_code: 1, output: [["stderr", stderr]] }), isOwn, t);
  assert.deepEqual([report.look, report.title, report.line], ["error", "NameError: x", 3]);
});

test("an exit code without an error is told as such", () => {
  const report = reportOf(makeRun({ outcome: "failed", exit_code: 3 }), isOwn, t);
  assert.deepEqual([report.title, report.line], ["exit-code 3", null]);
});

test("a program without an exit code crashed, and says of what when Python could", () => {
  const crashed = (/** @type {string} */ stderr) =>
    reportOf(makeRun({ outcome: "failed", exit_code: null, output: [["stderr", stderr]] }), isOwn, t).title;
  assert.equal(crashed(""), "crashed");
  assert.equal(crashed("Fatal Python error: Segmentation fault\n\nCurrent thread"), "crashed-by Segmentation fault");
});

test("the title names the earlier listing's failure that the program died of", () => {
  const trace = 'Traceback (most recent call last):\n  File "main.py", line 3, in <module>\n    x\n';
  const titled = (/** @type {string} */ stderr) => {
    const report = reportOf(makeRun({ outcome: "failed", exit_code: 1, output: [["stderr", stderr]] }), isOwn, t);
    return [report.title, report.advice, report.line];
  };
  const missing = "4.1-listing-1.py: ModuleNotFoundError: No module named 'openai.types'\n";
  assert.deepEqual(titled(`${missing}${trace}NameError: name 'Client' is not defined\n`), [
    "missing-package openai",
    "prelude-advice 4.1-listing-1.py",
    3,
  ]);
  const chain = "listing-2.py: NameError: x\nlisting-3.py: KeyError: 'KEY'\n";
  assert.equal(titled(`${chain}${trace}NameError: y\n`)[0], "prelude-failed KeyError: 'KEY'");
  assert.equal(titled(`listing-2.py: AssertionError\n${trace}NameError: y\n`)[0], "prelude-failed AssertionError");
  assert.equal(titled(`${missing}${trace}ZeroDivisionError: division by zero\n`)[0], "ZeroDivisionError: division by zero");
});

test("a package that is not here is no mistake of who runs the lesson's listing", () => {
  const died = (/** @type {string} */ error, program = { isListing: true }) => {
    const stderr = `Traceback (most recent call last):\n  File "main.py", line 3, in <module>\n    import x\n${error}\n`;
    const report = reportOf(makeRun({ outcome: "failed", exit_code: 1, output: [["stderr", stderr]] }), isOwn, t, program);
    return [report.look, report.title, report.line];
  };
  const error = "ModuleNotFoundError: No module named 'serpapi'";
  assert.deepEqual(died(error), ["limit", "missing-package serpapi", null]);
  assert.deepEqual(died(error, { isListing: false }), ["error", error, 3]);
  assert.deepEqual(died("ImportError: no"), ["error", "ImportError: no", 3]);
});

test("what is said aloud has one full stop after each sentence", () => {
  assert.equal(asSentences(["Not right.", "", "Finished", "Your code is kept."]), "Not right. Finished. Your code is kept.");
  assert.equal(asSentences(["已停止", "2 秒"]), "已停止。 2 秒");
});

test("platform trouble is not the learner's and can be tried again", () => {
  const report = reportOf(makeRun({ status: "broken", outcome: null }), isOwn, t);
  assert.deepEqual([report.look, report.retry], ["broken", true]);
});

test("a program that printed nothing is told so", () => {
  assert.equal(reportOf(makeRun({ output: [] }), isOwn, t).advice, "ok-silent");
});

test("what the site refuses is offered again only when that can help", () => {
  const refused = (/** @type {number} */ status, message = "No.") => lostReport({ kind: "refused", message, status }, t);
  assert.deepEqual([refused(413).look, refused(413).title, refused(413).retry], ["rejected", "No.", false]);
  assert.equal(refused(429).retry, true);
  assert.deepEqual([refused(503).look, refused(503).retry], ["broken", true]);
  const detailed = { kind: /** @type {const} */ ("refused"), message: "No.", detail: "Too deep", status: 400 };
  assert.equal(lostReport(detailed, t).advice, "Too deep. refused-advice");
  assert.equal(refused(403).title, "stale-page");
  const ended = lostReport({ kind: "refused", message: "No.", status: 403 }, t, { signedOut: true });
  assert.deepEqual([ended.title, ended.advice, ended.retry], ["signed-out", "signed-out-advice", false]);
  assert.equal(lostReport({ kind: "network", message: "", status: null }, t).retry, true);
});

test("durations are as exact as they are long", () => {
  assert.equal(duration(0.0004, t), "milliseconds 1");
  assert.equal(duration(1.234, t), "seconds 1.23");
  assert.equal(duration(12.34, t), "seconds 12.3");
});

test("waiting without a worker, or for long, is no mere moment", () => {
  const wait = { position: 3, workers: 2, isLong: false };
  assert.deepEqual(waitOf(wait, t), { look: "waiting", title: "queued 3", advice: "" });
  assert.equal(waitOf({ ...wait, workers: 0 }, t).title, "no-worker");
  assert.deepEqual(waitOf({ ...wait, isLong: true }, t), { look: "held", title: "queued 3", advice: "long-wait-advice" });
});
