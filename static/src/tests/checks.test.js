import assert from "node:assert/strict";
import { test } from "node:test";

import { inOrder, visible } from "../checks-pane.js";
import { actionOf } from "../keys.js";

/** @param {number} number @param {boolean | null} passed */
const check = (number, passed) =>
  /** @type {import("../checks-pane.js").Check} */ ({ number, passed, name: "", hidden: false, expected: null, actual: null, message: "", mistake: null });

test("failures come first, each kind in the order of the exercise", () => {
  const checks = [check(1, true), check(2, false), check(3, null), check(4, false)];

  assert.deepEqual(
    inOrder(checks).map(({ number }) => number),
    [2, 4, 1, 3],
  );
});

test("white space can be made visible", () => {
  assert.equal(visible("a b\t\n"), "a·b→¶\n");
});

test("with shift the key checks", () => {
  const key = { key: "Enter", ctrlKey: true, metaKey: false, shiftKey: false, altKey: false, isComposing: false };

  assert.equal(actionOf(key), "run");
  assert.equal(actionOf({ ...key, shiftKey: true }), "check");
});
