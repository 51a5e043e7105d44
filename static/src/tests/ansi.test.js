import assert from "node:assert/strict";
import { test } from "node:test";
import { AnsiReader } from "../ansi.js";

/** @param {string[]} pieces */
function read(...pieces) {
  const reader = new AnsiReader();
  return pieces.flatMap((piece) => reader.read(piece));
}

/** @param {import("../ansi.js").Step[]} steps */
const shown = (steps) => steps.map((step) => (step.kind === "text" ? [step.style, step.text] : [step.kind]));

test("colours and weights last until they are taken back", () => {
  assert.deepEqual(shown(read("a\x1b[1;31mb\x1b[22mc\x1b[0md")), [
    ["", "a"],
    ["ansi-red ansi-bold", "b"],
    ["ansi-red", "c"],
    ["", "d"],
  ]);
});

test("an escape sequence may be cut between two pieces", () => {
  assert.deepEqual(shown(read("a\x1b", "[3", "2mb")), [["", "a"], ["ansi-green", "b"]]);
});

test("colours beyond the basic ones leave the text plain, and their numbers are no colours", () => {
  assert.deepEqual(shown(read("\x1b[38;2;31;32;33mx\x1b[38;5;2my")), [["", "x"], ["ansi-green", "y"]]);
});

test("other sequences are dropped whole", () => {
  assert.deepEqual(shown(read("a\x1b[2Jb\x1b]0;title\x07c\x1b]8;;http://x\x1b\\d")), [["", "a"], ["", "b"], ["", "c"], ["", "d"]]);
});

test("returns, backspaces and cleared lines are moves", () => {
  assert.deepEqual(shown(read("a\rb\bc\x1b[2K")), [["", "a"], ["return"], ["", "b"], ["back"], ["", "c"], ["clear-line"]]);
});

test("other control characters show as symbols", () => {
  assert.deepEqual(shown(read("\x00\x01\x7f\x9b")), [["", "\u2400"], ["", "\u2401"], ["", "\u2421"], ["", "\ufffd"]]);
});

test("what would change the direction of writing shows as a mark", () => {
  assert.deepEqual(shown(read("a\u202eb\u2069")), [["", "a"], ["", "[U+202E]"], ["", "b"], ["", "[U+2069]"]]);
});

test("an escape that never ends does not hold the output back", () => {
  const steps = read(`\x1b]${"x".repeat(1000)}`);
  assert.equal(steps.map((step) => (step.kind === "text" ? step.text : "")).join("").length, 1002);
});

test("tabs and line breaks stay as they are", () => {
  assert.deepEqual(shown(read("a\tb\nc")), [["", "a\tb\nc"]]);
});
