import assert from "node:assert/strict";
import { test } from "node:test";

import { Stopwatch } from "../study.js";

const MINUTE = 60_000;

test("time counts while the page is shown", () => {
  const watch = new Stopwatch(0);
  watch.show(false, MINUTE);
  watch.show(true, 5 * MINUTE);

  assert.equal(watch.take(6 * MINUTE), 120);
});

test("what was taken is not counted again, and no part of a second is lost", () => {
  const watch = new Stopwatch(0);

  assert.equal(watch.take(1500), 1);
  assert.equal(watch.take(3000), 2);
});

test("a page that nobody touches counts for three minutes", () => {
  const watch = new Stopwatch(0);
  assert.equal(watch.take(10 * MINUTE), 180);

  watch.sign(20 * MINUTE);
  assert.equal(watch.take(21 * MINUTE), 60);
});
