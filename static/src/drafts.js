/**
 * The learner's draft of a lesson: kept in this browser at once, and on the server when signed in.
 *
 * Nothing written is lost: the browser's copy is only ever replaced by something newer that grew from
 * it, and two copies that went apart are both kept until the learner has chosen.
 */

import { Refused } from "./http.js";

/**
 * @typedef {object} LocalDraft what this browser keeps
 * @property {string} code
 * @property {number} revision the server's revision it grew from; 0: none
 * @property {boolean} dirty not on the server yet
 * @property {number | null} listing the listing it belongs to
 * @property {string | null} language of the text that has the listing; null: the page's
 *
 * @typedef {Pick<LocalDraft, "code" | "listing" | "language">} Work what the editor holds
 *
 * @typedef {object} ServerDraft as the server tells it
 * @property {string | null} code null: none yet
 * @property {number} revision
 * @property {number | null} [listing]
 * @property {string | null} [language_version]
 *
 * @typedef {"saved" | "saving" | "local" | "offline" | "conflict" | "unsaved" | "too-large" | "signed-out"} DraftStatus
 *
 * @typedef {object} DraftListener
 * @property {(status: DraftStatus) => void} status
 * @property {(work: Work) => void} replace put this into the editor
 * @property {(theirs: ServerDraft | null) => void} conflict null: it is over
 */

/**
 * What to do when a page with a local copy hears what the server has.
 *
 * @param {LocalDraft | null} local
 * @param {ServerDraft} server
 * @returns {"nothing" | "take-theirs" | "push-ours" | "agree" | "conflict"}
 */
export function reconcile(local, server) {
  if (server.code === null) return local ? "push-ours" : "nothing";
  if (!local) return "take-theirs";
  if (isSameWork(local, workOf(server))) return "agree";
  if (!local.dirty) return "take-theirs";
  // The same text for another listing is nothing to choose between: the later one counts.
  return local.revision === server.revision || local.code === server.code ? "push-ours" : "conflict";
}

/** @param {Work} one @param {Work} other */
function isSameWork(one, other) {
  const sameListing = one.listing === other.listing && (one.listing === null || one.language === other.language);
  return one.code === other.code && sameListing;
}

/** @param {ServerDraft} server @returns {Work} */
function workOf({ code, listing = null, language_version: language }) {
  return { code: code ?? "", listing, language: language || null };
}

/** Where drafts are kept in this browser; a browser that keeps nothing says so by `false`. */
export class LocalDrafts {
  #storage;

  /** @param {Pick<Storage, "getItem" | "setItem" | "removeItem"> | null} storage */
  constructor(storage) {
    this.#storage = storage;
  }

  /** @param {string} key @returns {LocalDraft | null} */
  read(key) {
    try {
      return parseDraft(this.#storage?.getItem(key) ?? null);
    } catch {
      return null;
    }
  }

  /** @param {string} key @param {LocalDraft} draft @returns {boolean} */
  write(key, draft) {
    try {
      this.#storage?.setItem(key, JSON.stringify(draft));
      return this.#storage !== null;
    } catch {
      return false;
    }
  }

  /** @param {string} key */
  remove(key) {
    try {
      this.#storage?.removeItem(key);
    } catch {
      // A browser that keeps nothing has nothing to remove.
    }
  }
}

/** @param {string | null} text @returns {LocalDraft | null} */
export function parseDraft(text) {
  if (!text) return null;
  try {
    const { code, revision, dirty, listing, language } = JSON.parse(text);
    if (typeof code !== "string") return null;
    return {
      code,
      revision: Number.isInteger(revision) ? revision : 0,
      dirty: dirty !== false,
      listing: Number.isInteger(listing) ? listing : null,
      language: typeof language === "string" ? language : null,
    };
  } catch {
    return null;
  }
}

const RETRY_AFTER = [2_000, 5_000, 15_000, 30_000, 60_000];
// A request that outlives its page may carry this much.
const KEEPALIVE_BYTES = 60_000;

export class DraftStore {
  #key;
  #guestKey;
  #url;
  #call;
  #drafts;
  #listener;
  #delay;
  /** @type {LocalDraft | null} */
  #local;
  /** @type {LocalDraft | null} what the editor holds and neither place has yet */
  #pending = null;
  /** @type {ServerDraft | null} */
  #theirs = null;
  #keeps = true;
  #heardServer = false;
  #sending = false;
  #halted = false;
  #failures = 0;
  /** @type {DraftStatus | null} what the learner was told last */
  #status = null;
  /** @type {DraftStatus | null} what they were told before the change that is pending */
  #statusBefore = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #saveTimer;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #retryTimer;

  /**
   * @param {object} options
   * @param {string} options.key
   * @param {string | null} options.guestKey where a guest's draft of the same lesson would be; null for a guest
   * @param {string | null} options.url null: kept in this browser only
   * @param {import("./http.js").Call} options.call
   * @param {LocalDrafts} options.drafts
   * @param {DraftListener} options.listener
   * @param {number} [options.delay] milliseconds between the last change and its saving
   */
  constructor({ key, guestKey, url, call, drafts, listener, delay = 800 }) {
    this.#key = key;
    this.#guestKey = guestKey;
    this.#url = url;
    this.#call = call;
    this.#drafts = drafts;
    this.#listener = listener;
    this.#delay = delay;
    this.#local = drafts.read(key) ?? (guestKey ? drafts.read(guestKey) : null);
  }

  /** What this browser kept; shown before the server is asked. */
  get local() {
    return this.#local;
  }

  get key() {
    return this.#key;
  }

  /** Ask the server, when there is one to ask. */
  async load() {
    if (!this.#url) return;
    try {
      this.#meet(await this.#call("GET", this.#url));
    } catch (error) {
      this.#fail(error, () => this.load());
    }
  }

  /** The editor's content changed, or the listing it is for. @param {Work} work */
  change({ code, listing, language }) {
    this.#pending = { code, listing, language, dirty: true, revision: this.#local?.revision ?? 0 };
    // "Saved" is true no more.
    if (!this.#halted && (this.#status === "saved" || this.#status === "local")) {
      this.#statusBefore = this.#status;
      this.#tell("saving");
    }
    clearTimeout(this.#saveTimer);
    this.#saveTimer = setTimeout(() => this.save(), this.#delay);
  }

  /** What the editor just changed to is kept already. */
  forgetPending() {
    clearTimeout(this.#saveTimer);
    if (this.#pending && this.#status === "saving" && this.#statusBefore) this.#tell(this.#statusBefore);
    this.#pending = null;
  }

  /** Keep what is pending now. @param {{leaving?: boolean}} [options] */
  save({ leaving = false } = {}) {
    clearTimeout(this.#saveTimer);
    if (this.#pending) {
      this.#keep({ ...this.#pending, revision: this.#local?.revision ?? 0 });
      this.#pending = null;
    }
    if (this.#local?.dirty) void this.#send(leaving);
  }

  /** Another tab of this browser kept something. @param {string | null} text the stored value */
  takeFromOtherTab(text) {
    const draft = parseDraft(text);
    if (!draft || this.#pending) return;
    const changed = !this.#local || !isSameWork(draft, this.#local);
    this.#local = draft;
    if (changed) this.#listener.replace(draft);
  }

  /** The connection is back. */
  retry() {
    if (this.#failures === 0) return;
    clearTimeout(this.#retryTimer);
    if (this.#heardServer) this.save();
    else void this.load();
  }

  useTheirs() {
    const theirs = this.#theirs;
    if (theirs?.code == null) return;
    clearTimeout(this.#saveTimer);
    this.#pending = null;
    this.#endConflict();
    this.#take(theirs);
  }

  keepMine() {
    const theirs = this.#theirs;
    if (!theirs) return;
    this.#endConflict();
    const mine = this.#pending ?? this.#local;
    if (mine) this.#keep({ ...mine, revision: theirs.revision, dirty: true });
    this.#pending = null;
    void this.#send(false);
  }

  /** @param {DraftStatus} status */
  #tell(status) {
    this.#status = status;
    this.#listener.status(status);
  }

  #endConflict() {
    this.#theirs = null;
    this.#listener.conflict(null);
  }

  /** @param {ServerDraft} server */
  #meet(server) {
    this.#heardServer = true;
    this.#failures = 0;
    // What was typed while the answer was on its way counts as ours.
    const ours = this.#pending ? { ...this.#pending, revision: this.#local?.revision ?? 0 } : this.#local;
    switch (reconcile(ours, server)) {
      case "take-theirs":
        return this.#take(server);
      case "agree":
        return this.#agree(/** @type {LocalDraft} */ (ours), server.revision);
      case "push-ours":
        if (ours) this.#keep({ ...ours, dirty: true, revision: server.revision });
        return void this.#send(false);
      case "conflict":
        return this.#disagree(server);
    }
  }

  /** @param {ServerDraft} server */
  #take(server) {
    const work = workOf(server);
    this.#keep({ ...work, revision: server.revision, dirty: false });
    this.#listener.replace(work);
    this.#tell("saved");
  }

  /** @param {LocalDraft} ours @param {number} revision */
  #agree(ours, revision) {
    this.#keep({ ...ours, revision, dirty: false });
    this.#forgetGuest();
    this.#tell("saved");
  }

  /** @param {ServerDraft} theirs */
  #disagree(theirs) {
    this.#theirs = theirs;
    this.#listener.conflict(theirs);
    this.#tell("conflict");
  }

  /** @param {LocalDraft} draft */
  #keep(draft) {
    this.#local = draft;
    this.#keeps = this.#drafts.write(this.#key, draft);
    if (!this.#url) this.#tell(this.#keeps ? "local" : "unsaved");
  }

  /** @param {boolean} leaving */
  async #send(leaving) {
    const draft = this.#local;
    if (!this.#url || !draft?.dirty || this.#theirs || this.#halted || !this.#heardServer) return;
    if (this.#sending && !leaving) return;
    this.#sending = true;
    clearTimeout(this.#retryTimer);
    this.#tell("saving");
    try {
      const { code, revision, listing, language } = draft;
      const body = { code, revision, listing, language_version: language };
      const keepalive = leaving && draft.code.length * 3 < KEEPALIVE_BYTES;
      const saved = await this.#call("PUT", this.#url, body, { keepalive });
      this.#sending = false;
      this.#sent(draft, saved.revision);
    } catch (error) {
      this.#sending = false;
      if (error instanceof Refused && error.status === 409) return this.#meet(error.body);
      this.#fail(error, () => this.#send(false));
    }
  }

  /** @param {LocalDraft} draft @param {number} revision */
  #sent(draft, revision) {
    this.#failures = 0;
    const local = this.#local ?? draft;
    const same = isSameWork(local, draft);
    this.#keep({ ...local, revision, dirty: !same });
    this.#forgetGuest();
    if (same) this.#tell("saved");
    else void this.#send(false);
  }

  /** A guest's draft has moved into the account. */
  #forgetGuest() {
    if (this.#guestKey) this.#drafts.remove(this.#guestKey);
    this.#guestKey = null;
  }

  /** @param {unknown} error @param {() => unknown} again */
  #fail(error, again) {
    if (error instanceof Refused && error.status < 500 && error.status !== 429) {
      // Asking again would get the same answer: signed out, or more than the server takes.
      this.#halted = error.status !== 413;
      if (isSignedOut(error.status)) this.#tell("signed-out");
      else this.#tell(error.status === 413 ? "too-large" : this.#keeps ? "local" : "unsaved");
      return;
    }
    this.#tell(this.#keeps ? "offline" : "unsaved");
    const wait = RETRY_AFTER[Math.min(this.#failures, RETRY_AFTER.length - 1)];
    this.#failures += 1;
    this.#retryTimer = setTimeout(again, wait);
  }
}

/**
 * Whether such an answer to an account's page means that it is one no more: its session ended, or with the session
 * its token.
 *
 * @param {number | null} status HTTP status
 */
export function isSignedOut(status) {
  return status === 401 || status === 403;
}

/** Whether a browser keeps a draft of this lesson that belongs to an account. @param {string[]} keys @param {string} lesson */
export function hasAccountDraft(keys, lesson) {
  return keys.some((key) => ACCOUNT_KEY.exec(key)?.[1] === lesson);
}

const ACCOUNT_KEY = /^draft:\d+:(\d+)(?::\d+)?$/;

// The lesson, and for an exercise that.
const GUEST_KEY = /^draft:guest:(\d+)(?::(\d+))?$/;

/**
 * Give the account the drafts that a guest left in this browser. One that differs from what the account has stays
 * where it is, for the page of its lesson to ask about; so does one that cannot be sent now.
 *
 * @param {object} options
 * @param {string[]} options.keys of what this browser keeps
 * @param {LocalDrafts} options.drafts
 * @param {import("./http.js").Call} options.call
 * @param {(lesson: string, exercise?: string) => string} options.urlOf where the account keeps a draft
 * @param {string | null} options.except a lesson that looks after its own draft
 */
export async function moveGuestDrafts({ keys, drafts, call, urlOf, except }) {
  for (const key of keys) {
    const [, lesson, exercise] = GUEST_KEY.exec(key) ?? [];
    const draft = lesson && (exercise || lesson !== except) ? drafts.read(key) : null;
    if (!lesson || !draft) continue;
    try {
      if (await moveDraft(draft, urlOf(lesson, exercise), call)) drafts.remove(key);
    } catch {
      // The next page tries again.
    }
  }
}

/** @param {LocalDraft} draft @param {string} url @param {import("./http.js").Call} call @returns {Promise<boolean>} */
async function moveDraft({ code, listing, language }, url, call) {
  const theirs = await call("GET", url);
  if (theirs.code !== null) return isSameWork({ code, listing, language }, workOf(theirs));
  await call("PUT", url, { code, revision: theirs.revision, listing, language_version: language });
  return true;
}
