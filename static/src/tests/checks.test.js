import assert from "node:assert/strict";
import { test } from "node:test";

import { inOrder, visible } from "../checks-pane.js";
import { ladderOf } from "../exercises.js";
import { isSamePlace } from "../hint-panel.js";
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

test("few hints of an author go on at the cursor, many are a ladder of their own", () => {
  assert.deepEqual([0, 1, 4, 6].map((hintCount) => ladderOf({ hintCount })), [4, 4, 4, 6]);
});

test("the next hint goes further only at the same place of the same exercise", () => {
  const place = { code: "a\nb", line: 2, exercise: "course:greet" };

  assert.equal(isSamePlace(null, place), false);
  assert.equal(isSamePlace(place, { ...place }), true);
  for (const other of [{ code: "a" }, { line: 1 }, { exercise: null }]) {
    assert.equal(isSamePlace(place, { ...place, ...other }), false);
  }
});
