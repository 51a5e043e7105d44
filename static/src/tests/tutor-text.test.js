import assert from "node:assert/strict";
import { test } from "node:test";

import { blocksOf, itemsOf, spansOf } from "../tutor-text.js";

test("paragraphs and code are told apart, also while the code is not complete", () => {
  assert.deepEqual(blocksOf("One\ntwo\n\nThree\n```python\nx = 1\n\ny = 2\n"), [
    { kind: "text", text: "One\ntwo" },
    { kind: "text", text: "Three" },
    { kind: "code", text: "x = 1\n\ny = 2\n\n" },
  ]);
  assert.deepEqual(blocksOf("````\n```\n````\nend"), [
    { kind: "code", text: "```\n" },
    { kind: "text", text: "end" },
  ]);
  assert.deepEqual(blocksOf("~~~\na\n```\n~~~"), [{ kind: "code", text: "a\n```\n" }]);
  assert.deepEqual(blocksOf("\n\n"), []);
});

test("a growing text only changes its last block", () => {
  const text = "First\n\n```py\nx\n```\n\nSecond **bold** end\n# Head\n- a\n\n- b\n\n1. c\n   more\n\n2. d\n\n2024 was\n";
  let before = blocksOf("");
  for (let length = 1; length <= text.length; length++) {
    const now = blocksOf(text.slice(0, length));
    assert.deepEqual(now.slice(0, Math.max(0, before.length - 1)), before.slice(0, -1));
    before = now;
  }
});

test("lists and headings are told from paragraphs", () => {
  assert.deepEqual(blocksOf("# So\nIn short:\n- a\n  - b\n\n* c\non\n\n3. d\n\nEnd - of it"), [
    { kind: "heading", text: "So" },
    { kind: "text", text: "In short:" },
    { kind: "bullets", text: "- a\n  - b\n* c\non" },
    { kind: "numbers", text: "3. d" },
    { kind: "text", text: "End - of it" },
  ]);
  assert.deepEqual(itemsOf("- a\n  - b\n* c\non"), [
    { text: "a", inner: "- b\n" },
    { text: "c on", inner: "" },
  ]);
});

test("of a paragraph, code, bold words and citations stand out; HTML is text", () => {
  assert.deepEqual(spansOf("So `a[[b]]` and **that**[[c:1#x]] <b>"), [
    { look: "plain", text: "So " },
    { look: "code", text: "a[[b]]" },
    { look: "plain", text: " and " },
    { look: "strong", text: "that" },
    { look: "cited", text: "c:1#x" },
    { look: "plain", text: " <b>" },
  ]);
});
