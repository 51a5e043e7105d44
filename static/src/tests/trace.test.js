import assert from "node:assert/strict";
import { test } from "node:test";
import { TraceFeed } from "../trace-feed.js";
import { tabAfter } from "../work-tabs.js";

/** A feed whose requests the test answers one by one. */
function makeFeed() {
  /** @type {{url: string, answer: (html: string) => void, refuse: () => void}[]} */
  const requests = [];
  /** @type {unknown[][]} */
  const heard = [];
  const feed = new TraceFeed({
    fetchHtml: (url) =>
      new Promise((answer, reject) => requests.push({ url, answer, refuse: () => reject(new TypeError("network")) })),
    show: (html, isLast) => heard.push(["show", html, isLast]),
    fail: (isLast) => heard.push(["fail", isLast]),
    pause: 0,
  });
  return { feed, requests, heard };
}

/** After what is due has been done: the feed's own pause is a timer of 0 ms, and what it awaits follows. */
const aMoment = async () => {
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setTimeout(resolve, 1));
};

test("many calls at once cost two requests: the one under way, and one for all that came meanwhile", async () => {
  const { feed, requests, heard } = makeFeed();
  feed.want("/trace/", 1);
  for (const number of [7, 3, 5]) feed.want("/trace/", number);
  assert.deepEqual(requests.map(({ url }) => url), ["/trace/"]);
  requests[0].answer("first");
  await aMoment();
  assert.deepEqual(requests.map(({ url }) => url), ["/trace/", "/trace/?since=3"]);
  requests[1].answer("rest");
  await aMoment();
  assert.deepEqual(heard, [["show", "first", false], ["show", "rest", false]]);
  assert.equal(requests.length, 2);
});

test("the end of a run asks for all of it", async () => {
  const { feed, requests, heard } = makeFeed();
  feed.want("/trace/", 4);
  feed.want("/trace/", null);
  requests[0].answer("some");
  await aMoment();
  requests[1].answer("all");
  await aMoment();
  assert.deepEqual(requests.map(({ url }) => url), ["/trace/?since=4", "/trace/"]);
  assert.deepEqual(heard.at(-1), ["show", "all", true]);
});

test("a trace that arrives after the next run has begun is dropped", async () => {
  const { feed, requests, heard } = makeFeed();
  feed.want("/old/", null);
  feed.close();
  feed.want("/new/", 1);
  requests[0].answer("late");
  await aMoment();
  requests[1].answer("now");
  await aMoment();
  assert.deepEqual(heard, [["show", "now", false]]);
});

test("a request that fails is told, and the next one asks again", async () => {
  const { feed, requests, heard } = makeFeed();
  feed.want("/trace/", 2);
  requests[0].refuse();
  await aMoment();
  feed.want("/trace/", null);
  requests[1].refuse();
  await aMoment();
  assert.deepEqual(heard, [["fail", false], ["fail", true]]);
});

test("arrow keys go round the tabs", () => {
  const to = (/** @type {string} */ key, now = 0) => tabAfter({ key }, now, 3);
  assert.deepEqual([to("ArrowRight"), to("ArrowLeft"), to("ArrowRight", 2), to("Home", 2), to("End")], [1, 2, 0, 0, 2]);
  assert.equal(to("Enter"), null);
  assert.equal(to("ArrowRight", -1), null);
});
