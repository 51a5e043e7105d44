import assert from "node:assert/strict";
import { test } from "node:test";

import { focusAfter, opensSearch } from "../search.js";

const keys = { key: "k", ctrlKey: false, metaKey: false, altKey: false, shiftKey: false };

test("the key of the machine opens the search", () => {
  assert.ok(opensSearch({ ...keys, ctrlKey: true }, false));
  assert.ok(opensSearch({ ...keys, metaKey: true }, true));
  assert.ok(!opensSearch({ ...keys, ctrlKey: true }, true), "on a Mac it deletes to the end of the line");
  assert.ok(!opensSearch({ ...keys, ctrlKey: true, shiftKey: true }, false));
  assert.ok(!opensSearch(keys, false));
});

test("arrows go from the field through the results and back", () => {
  assert.equal(focusAfter(3, -1, "ArrowDown"), 0);
  assert.equal(focusAfter(3, 2, "ArrowDown"), null);
  assert.equal(focusAfter(3, 0, "ArrowUp"), -1);
  assert.equal(focusAfter(3, -1, "ArrowUp"), null);
  assert.equal(focusAfter(0, -1, "ArrowDown"), null);
  assert.equal(focusAfter(3, 1, "a"), null);
});
