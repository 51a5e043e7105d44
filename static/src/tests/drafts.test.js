import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { DraftStore, hasAccountDraft, LocalDrafts, parseDraft, reconcile } from "../drafts.js";
import { Refused } from "../http.js";

// Saving and retrying are called for by the tests, not by the clock.
mock.timers.enable({ apis: ["setTimeout"] });

class FakeStorage {
  items = new Map();
  /** @param {string} key */
  getItem(key) {
    return this.items.get(key) ?? null;
  }
  /** @param {string} key @param {string} value */
  setItem(key, value) {
    this.items.set(key, value);
  }
  /** @param {string} key */
  removeItem(key) {
    this.items.delete(key);
  }
}

/** A server with one draft, as the site's draft endpoint behaves. */
class FakeServer {
  code = /** @type {string | null} */ (null);
  revision = 0;
  reachable = true;
  signedOut = false;
  puts = 0;
  listing = /** @type {number | null} */ (null);
  language = /** @type {string | null} */ ("en");

  get #draft() {
    return { code: this.code, revision: this.revision, listing: this.listing, language_version: this.language };
  }

  /** @type {import("../http.js").Call} */
  call = async (method, url, body) => {
    if (!this.reachable) throw new TypeError("network");
    if (this.signedOut) throw new Refused(403, null, null);
    if (method === "GET") return this.#draft;
    this.puts += 1;
    const sent = /** @type {{code: string, revision: number, listing: number | null, language_version: string}} */ (body);
    if (this.code !== null && sent.code !== this.code && sent.revision !== this.revision) {
      throw new Refused(409, this.#draft, null);
    }
    this.code = sent.code;
    this.listing = sent.listing;
    this.language = sent.language_version;
    this.revision += 1;
    return { revision: this.revision };
  };
}

/** @param {{server?: FakeServer | null, storage?: FakeStorage, guestKey?: string | null}} [options] */
function makeStore({ server = new FakeServer(), storage = new FakeStorage(), guestKey = null } = {}) {
  /** @type {{statuses: string[], replaced: string[], conflicts: unknown[]}} */
  const seen = { statuses: [], replaced: [], conflicts: [] };
  const store = new DraftStore({
    key: "draft",
    guestKey,
    url: server ? "/draft/" : null,
    call: server?.call ?? (async () => assert.fail("a guest's draft stays here")),
    drafts: new LocalDrafts(storage),
    listener: {
      status: (status) => seen.statuses.push(status),
      replace: ({ code }) => seen.replaced.push(code),
      conflict: (theirs) => seen.conflicts.push(theirs),
    },
  });
  return { store, server: /** @type {FakeServer} */ (server), storage, seen };
}

/** @param {string} code @param {number | null} [listing] */
const work = (code, listing = null) => ({ code, listing, language: "en" });

const settled = () => new Promise((resolve) => setImmediate(resolve));

test("reconcile keeps whatever is newer and never drops unsent text", () => {
  const local = (code = "ours", revision = 3, dirty = true) => ({ code, revision, dirty, listing: /** @type {number | null} */ (null), language: "en" });
  assert.equal(reconcile(null, { code: null, revision: 0 }), "nothing");
  assert.equal(reconcile(local(), { code: null, revision: 0 }), "push-ours");
  assert.equal(reconcile(null, { code: "theirs", revision: 1 }), "take-theirs");
  assert.equal(reconcile(local("same"), { code: "same", revision: 9 }), "agree");
  assert.equal(reconcile(local("ours", 3, false), { code: "theirs", revision: 4 }), "take-theirs");
  assert.equal(reconcile(local(), { code: "theirs", revision: 3 }), "push-ours");
  assert.equal(reconcile(local(), { code: "theirs", revision: 4 }), "conflict");
});

test("a guest's text is kept in the browser and nowhere else", () => {
  const { store, storage, seen } = makeStore({ server: null });
  store.change(work("x = 1", 2));
  store.save();
  assert.deepEqual(parseDraft(storage.getItem("draft")), { code: "x = 1", revision: 0, dirty: true, listing: 2, language: "en" });
  assert.deepEqual(seen.statuses, ["local"]);
});

test("a signed-in learner's text reaches the server, and the next page finds it", async () => {
  const { store, server, storage, seen } = makeStore();
  await store.load();
  store.change(work("x = 1"));
  store.save();
  await settled();
  assert.equal(server.code, "x = 1");
  assert.equal(seen.statuses.at(-1), "saved");

  const elsewhere = makeStore({ server });
  await elsewhere.store.load();
  assert.deepEqual(elsewhere.seen.replaced, ["x = 1"]);
  assert.equal(parseDraft(storage.getItem("draft"))?.dirty, false);
});

test("nothing is called saved while a change is pending", async () => {
  const { store, seen } = makeStore();
  await store.load();
  store.change(work("x = 1"));
  store.save();
  await settled();
  store.change(work("x = 2"));
  assert.equal(seen.statuses.at(-1), "saving");
  store.forgetPending();
  assert.equal(seen.statuses.at(-1), "saved");
  store.change(work("x = 3"));
  store.save();
  await settled();
  assert.equal(seen.statuses.at(-1), "saved");
});

test("two devices that went apart keep both texts until the learner chooses", async () => {
  const { store, server, seen } = makeStore();
  await store.load();
  store.change(work("mine"));
  server.code = "theirs";
  server.revision = 5;
  store.save();
  await settled();
  assert.deepEqual(seen.conflicts, [{ code: "theirs", revision: 5, listing: null, language_version: "en" }]);
  assert.equal(server.code, "theirs");
  assert.equal(store.local?.code, "mine");

  store.keepMine();
  await settled();
  assert.equal(server.code, "mine");
  assert.deepEqual(seen.conflicts.at(-1), null);
});

test("choosing theirs puts their text into the editor", async () => {
  const { store, server, seen } = makeStore();
  await store.load();
  store.change(work("mine"));
  server.code = "theirs";
  server.revision = 5;
  store.save();
  await settled();
  store.useTheirs();
  assert.deepEqual(seen.replaced, ["theirs"]);
  assert.deepEqual(store.local, { code: "theirs", revision: 5, dirty: false, listing: null, language: "en" });
});

test("text written before the server answered is not overwritten by the answer", async () => {
  const { store, server, seen } = makeStore();
  server.code = "theirs";
  server.revision = 2;
  const loading = store.load();
  store.change(work("typed at once"));
  await loading;
  assert.deepEqual(seen.replaced, []);
  assert.equal(seen.conflicts.length, 1);
});

test("another device gets the listing that the text is for, and a later change of it", async () => {
  const { store, server } = makeStore();
  await store.load();
  store.change(work("x = 1", 2));
  store.save();
  await settled();
  const elsewhere = makeStore({ server });
  await elsewhere.store.load();
  assert.deepEqual([elsewhere.store.local?.listing, elsewhere.store.local?.language], [2, "en"]);

  store.change(work("x = 1"));
  store.save();
  await settled();
  assert.equal(server.listing, null);
  await elsewhere.store.load();
  assert.equal(elsewhere.store.local?.listing, null);
});

test("offline, the text stays here and is sent when the connection is back", async () => {
  const { store, server, seen } = makeStore();
  await store.load();
  server.reachable = false;
  store.change(work("x = 1"));
  store.save();
  await settled();
  assert.equal(seen.statuses.at(-1), "offline");
  server.reachable = true;
  store.retry();
  await settled();
  assert.equal(server.code, "x = 1");
  assert.equal(seen.statuses.at(-1), "saved");
});

test("a guest's draft moves to the account at the first sign-in", async () => {
  const storage = new FakeStorage();
  storage.setItem("guest", JSON.stringify({ code: "as guest", revision: 0, dirty: true, listing: null }));
  const { store, server } = makeStore({ storage, guestKey: "guest" });
  await store.load();
  await settled();
  assert.equal(server.code, "as guest");
  assert.equal(storage.getItem("guest"), null);
});

test("text written while a save is on its way is saved after it", async () => {
  const { store, server } = makeStore();
  await store.load();
  store.change(work("first"));
  store.save();
  store.change(work("second"));
  store.save();
  await settled();
  await settled();
  assert.equal(server.code, "second");
  assert.equal(server.puts, 2);
});

test("a browser that keeps nothing says so", () => {
  const storage = new FakeStorage();
  storage.setItem = () => {
    throw new Error("QuotaExceededError");
  };
  const { store, seen } = makeStore({ server: null, storage });
  store.change(work("x"));
  store.save();
  assert.deepEqual(seen.statuses, ["unsaved"]);
});

test("broken stored text counts as none", () => {
  assert.equal(parseDraft("{"), null);
  assert.equal(parseDraft("[]"), null);
  assert.equal(parseDraft('{"code": 3}'), null);
});

test("whoever was signed out meanwhile is told so, and the text stays here", async () => {
  const { store, server, storage, seen } = makeStore();
  await store.load();
  server.signedOut = true;
  store.change(work("x = 1"));
  store.save();
  await settled();
  assert.equal(seen.statuses.at(-1), "signed-out");
  assert.equal(parseDraft(storage.getItem("draft"))?.code, "x = 1");
});

test("an account's draft of a lesson is known by its key", () => {
  assert.equal(hasAccountDraft(["theme", "draft:guest:7", "draft:3:71"], "7"), false);
  assert.equal(hasAccountDraft(["draft:3:7"], "7"), true);
  assert.equal(hasAccountDraft(["draft:3:7:12"], "7"), true, "of one of its exercises");
});
