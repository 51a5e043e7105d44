import assert from "node:assert/strict";
import { test } from "node:test";
import { headingAt } from "../contents.js";
import { offsetOf } from "../editor.js";
import { actionOf } from "../keys.js";
import { translator } from "../messages.js";
import { missingTail } from "../output-pane.js";
import { positionAfter } from "../panes.js";

test("texts are filled in, and unknown places are left", () => {
  const t = translator(new Map([["seconds", "{number} s of {limit}"]]));
  assert.equal(t("seconds", { number: 3 }), "3 s of {limit}");
  assert.equal(t("unknown"), "unknown");
});

test("reading is where the last heading above the line is", () => {
  assert.equal(headingAt([-500, -20, 300], 100), 1);
  assert.equal(headingAt([200, 300], 100), -1);
});

test("a divider moves by keys", () => {
  const place = { now: 50, least: 20, most: 80, initial: 58 };
  const to = (/** @type {string} */ key, shiftKey = false) => positionAfter({ key, shiftKey }, place);
  assert.deepEqual([to("ArrowLeft"), to("ArrowDown", true), to("Home"), to("End"), to("Enter")], [48, 60, 20, 80, 58]);
  assert.equal(to("a"), null);
});

test("keys run, stop and help, unless a word is being composed", () => {
  const event = { key: "", ctrlKey: false, metaKey: false, altKey: false, isComposing: false };
  assert.equal(actionOf({ ...event, key: "Enter", ctrlKey: true }), "run");
  assert.equal(actionOf({ ...event, key: "Enter", metaKey: true }), "run");
  assert.equal(actionOf({ ...event, key: ".", ctrlKey: true }), "stop");
  assert.equal(actionOf({ ...event, key: "?" }), "help");
  assert.equal(actionOf({ ...event, key: "Enter", altKey: true }), "hint");
  assert.equal(actionOf({ ...event, key: "Enter" }), null);
  assert.equal(actionOf({ ...event, key: "Enter", ctrlKey: true, isComposing: true }), null);
});

test("columns count characters, the editor counts code units", () => {
  assert.equal(offsetOf("x = '😀'; eval(y)", 10), 10);
  assert.equal("x = '😀'; eval(y)".slice(offsetOf("x = '😀'; eval(y)", 10)), "eval(y)");
});

test("a result that goes on where the live output ended adds only the rest", () => {
  const run = (/** @type {["stdout" | "stderr", string][]} */ ...output) =>
    /** @type {import("../reports.js").Run} */ (/** @type {unknown} */ ({ output }));
  assert.deepEqual(missingTail({ stdout: "ab", stderr: "" }, run(["stdout", "abc"], ["stderr", "e"])), [
    ["stdout", "c"],
    ["stderr", "e"],
  ]);
  assert.equal(missingTail({ stdout: "xy", stderr: "" }, run(["stdout", "abc"])), null);
  assert.equal(missingTail({ stdout: "abcd", stderr: "" }, run(["stdout", "abc"])), null);
});
