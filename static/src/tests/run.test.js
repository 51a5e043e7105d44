import assert from "node:assert/strict";
import { test } from "node:test";
import { Refused } from "../http.js";
import { RunSession } from "../run.js";

const TIMING = { watch: 15, poll: 15, queue: 3, patience: 120, overtime: 30_000, stop: 80 };

/** @param {Partial<import("../reports.js").Run>} [fields] @returns {import("../reports.js").Run} */
function makeRun(fields = {}) {
  return {
    id: "1",
    status: "running",
    outcome: null,
    exit_code: null,
    output: [],
    truncated: false,
    wall_time: null,
    peak_memory: null,
    url: "/run/",
    events_url: "/events/",
    stdin_url: "/stdin/",
    cancel_url: "/cancel/",
    ...fields,
  };
}

const FINISHED = makeRun({ status: "finished", outcome: "ok", exit_code: 0 });

/** An event stream that the test feeds. */
class FakeEvents extends EventTarget {
  readyState = 1;
  closed = false;
  close() {
    this.closed = true;
  }
  /** @param {string} kind @param {unknown} data */
  send(kind, data) {
    this.dispatchEvent(Object.assign(new Event(kind), { data: JSON.stringify(data) }));
  }
}

/**
 * @param {Partial<import("../run.js").RunTiming>} [timing]
 * @param {Record<string, (body: any) => unknown>} answers by "METHOD url"; what they throw is thrown
 */
function makeSession(answers, timing = {}) {
  const events = new FakeEvents();
  /** @type {unknown[][]} */
  const heard = [];
  /** @type {(value?: unknown) => void} */
  let finish = () => {};
  const over = new Promise((resolve) => {
    finish = resolve;
  });
  /** @type {import("../http.js").Call} */
  const call = async (method, url, body) => {
    const answer = answers[`${method} ${url}`];
    if (!answer) throw new TypeError("network");
    return answer(body);
  };
  const listener = /** @type {import("../run.js").RunListener} */ (
    new Proxy(
      {},
      {
        get: (target, name) => (/** @type {unknown[]} */ ...values) => {
          heard.push([name, ...values]);
          if (name === "ended" || name === "lost") finish();
        },
      },
    )
  );
  const openEvents = () => /** @type {EventSource} */ (/** @type {unknown} */ (events));
  const session = new RunSession(call, listener, { openEvents, timing: { ...TIMING, ...timing } });
  return { session, events, heard, over };
}

const names = (/** @type {unknown[][]} */ heard) => heard.map(([name]) => name);

test("a quick run is over with the first answer", async () => {
  const { session, heard } = makeSession({ "POST /runs/": () => FINISHED });
  await session.start("/runs/", {});
  assert.deepEqual(heard, [["ended", FINISHED]]);
  assert.ok(session.isOver);
});

test("a longer run is followed by its events", async () => {
  const { session, events, heard } = makeSession({ "POST /runs/": () => makeRun({ status: "queued" }) });
  await session.start("/runs/", {});
  events.send("queued", { position: 2 });
  events.send("started", {});
  events.send("output", { stream: "stdout", text: "hi\n" });
  events.send("call", { number: 1, status: "running" });
  events.send("input", {});
  events.send("finished", FINISHED);
  assert.deepEqual(names(heard), ["queued", "queued", "running", "output", "call", "input", "ended"]);
  assert.ok(events.closed);
});

test("without a stream the run is asked for until it is over", async () => {
  let asked = 0;
  const { session, events, heard, over } = makeSession({
    "POST /runs/": () => makeRun(),
    "GET /run/": () => (++asked < 3 ? makeRun() : FINISHED),
  });
  events.readyState = 2;
  await session.start("/runs/", {});
  await over;
  assert.equal(asked, 3);
  assert.deepEqual(heard.at(-1), ["ended", FINISHED]);
});

test("a network that is gone for long ends the run as lost", async () => {
  const { session, events, heard, over } = makeSession({ "POST /runs/": () => makeRun() });
  events.readyState = 0;
  await session.start("/runs/", {});
  await over;
  assert.ok(heard.some(([name, reachable]) => name === "connection" && reachable === false));
  assert.deepEqual(heard.at(-1), ["lost", { kind: "network", message: "", detail: "", status: null }]);
});

test("a run that the site does not take is told with the site's words", async () => {
  const { session, heard } = makeSession({
    "POST /runs/": () => {
      throw new Refused(413, { error: { message: "Too long." } }, null);
    },
  });
  await session.start("/runs/", {});
  assert.deepEqual(heard, [["lost", { kind: "refused", message: "Too long.", detail: "", status: 413 }]]);
});

test("a stop before the answer is sent as soon as there is something to stop", async () => {
  let stopped = 0;
  const { session, heard, over } = makeSession({
    "POST /runs/": () => makeRun(),
    "POST /cancel/": () => {
      stopped += 1;
      return { ...FINISHED, outcome: "cancelled" };
    },
  });
  const starting = session.start("/runs/", {});
  session.stop();
  await starting;
  await over;
  assert.equal(stopped, 1);
  assert.equal(names(heard)[0], "stopping");
  assert.equal(names(heard).at(-1), "ended");
});

test("a stop that nothing answers comes to an end all the same", async () => {
  const { session, heard, over } = makeSession({
    "POST /runs/": () => makeRun(),
    "POST /cancel/": () => makeRun(),
    "GET /run/": () => makeRun(),
  });
  await session.start("/runs/", {});
  session.stop();
  await over;
  assert.deepEqual(heard.at(-1), ["lost", { kind: "silent", message: "", detail: "", status: null }]);
});

test("a line that did not arrive is given back", async () => {
  const { session, heard } = makeSession({ "POST /runs/": () => makeRun() });
  await session.start("/runs/", {});
  await session.sendInput("Ada\n");
  assert.deepEqual(heard.at(-1), ["inputRefused", "Ada\n"]);
  session.abandon();
});

test("an abandoned run is stopped and says nothing more", async () => {
  let stopped = 0;
  const { session, events, heard } = makeSession({
    "POST /runs/": () => makeRun(),
    "POST /cancel/": () => {
      stopped += 1;
      return FINISHED;
    },
  });
  await session.start("/runs/", {});
  const before = heard.length;
  session.abandon();
  events.send("output", { stream: "stdout", text: "late" });
  assert.equal(stopped, 1);
  assert.equal(heard.length, before);
});

test("a second start means the platform tries again", async () => {
  const { session, events, heard } = makeSession({ "POST /runs/": () => makeRun({ status: "queued" }) });
  await session.start("/runs/", {});
  events.send("started", {});
  events.send("started", {});
  assert.deepEqual(names(heard), ["queued", "running", "restarted", "running"]);
  session.abandon();
});

test("a run that waits tells its place, the workers, and when nothing has moved", async () => {
  const queued = makeRun({ status: "queued", queue_position: 2 });
  let asked = 0;
  const answers = { "POST /runs/": () => queued, "GET /run/": () => (++asked < 2 ? queued : FINISHED) };
  const { session, events, heard, over } = makeSession(answers, { queue: 20_000 });
  await session.start("/runs/", {});
  events.send("queued", { position: 1, workers: 0 });
  await over;
  assert.deepEqual(heard.slice(0, 3), [
    ["queued", { position: 2, workers: null, isLong: false }],
    ["queued", { position: 1, workers: 0, isLong: false }],
    ["queued", { position: 2, workers: 0, isLong: false }],
  ]);
});

test("a queue that does not move is told as such", async () => {
  const queued = makeRun({ status: "queued", queue_position: 1 });
  let asked = 0;
  const { session, heard, over } = makeSession({
    "POST /runs/": () => queued,
    "GET /run/": () => (++asked < 3 ? queued : FINISHED),
  });
  await session.start("/runs/", {});
  await over;
  const waits = heard.filter(([name]) => name === "queued").map(([, wait]) => /** @type {any} */ (wait).isLong);
  assert.deepEqual(waits, [false, true, true]);
});
