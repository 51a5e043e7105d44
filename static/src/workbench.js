/**
 * The workbench: editor, runs, output and drafts of one lesson, and what they have to do with each other.
 */

import { ChecksPane } from "./checks-pane.js";
import { DraftStore, hasAccountDraft, isSignedOut, LocalDrafts } from "./drafts.js";
import { Editor } from "./editor.js";
import { exerciseById, exerciseInAddress, isAskedAgain, listenToExercises, markSolved } from "./exercises.js";
import { csrfToken, fetchHtml, jsonCaller } from "./http.js";
import { HintPanel } from "./hint-panel.js";
import { listenForKeys, nameKeys } from "./keys.js";
import { listenToListings, listingCode, listingElement, pointAt } from "./listings.js";
import { readMessages, translator } from "./messages.js";
import { OutputPane } from "./output-pane.js";
import { makeDivider, shareOf } from "./panes.js";
import { recall, remember, session } from "./remembered.js";
import { RunSession } from "./run.js";
import { renewProgress, standingAndWayOn } from "./standing.js";
import { makeSymbolBar } from "./symbols.js";
import { TracePane } from "./trace-pane.js";
import { TutorTab } from "./tutor-tab.js";
import { WorkTabs } from "./work-tabs.js";

/**
 * @typedef {import("./reports.js").Run} Run
 * @typedef {import("./drafts.js").Work} Work
 * @typedef {import("./exercises.js").Exercise} Exercise
 *
 * @typedef {object} Program
 * @property {number | null} listing
 * @property {string | null} code null: the listing's own
 * @property {string | null} language null: the page's
 * @property {number | null} [exercise] what it is written for
 * @property {boolean} [check] whether it is judged
 */

const CHECK_DELAY = 600; // milliseconds after the last change
const BESIDE_TUTOR = 30; // per cent of the panes for the editor at most; as the style sheet has it
const OWN_FILE = "main.py";
const PHONE = "(max-width: 47.99em)"; // as the style sheets have it

export class Workbench {
  #root;
  #t;
  #call = jsonCaller(csrfToken);
  #editor;
  #output;
  #trace;
  #tutor;
  #divider;
  /** What the editor has of the panes until the divider is moved, in per cent. */
  #editorShare;
  #tabs;
  #drafts;
  #panes;
  #lessonStarter;
  #checksPane;
  #hints;
  /** The listing that the editor's code belongs to, and the language of the text that has it. */
  #place = { listing: /** @type {number | null} */ (null), language: /** @type {string | null} */ (null) };
  /** What is in the editor in place of the lesson's own code. @type {Exercise | null} */
  #exercise = null;
  /** @type {RunSession | null} */
  #session = null;
  /** @type {Program} */
  #program = { listing: null, code: null, language: null };
  /** @type {number | null} */
  #failedLine = null;
  /** What tracebacks call the listing that ran last. @type {string | null} */
  #listingName = null;
  #checks = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #checkTimer;
  /** @type {(() => void) | null} */
  #undoNotice = null;

  /**
   * @param {HTMLElement} root
   * @param {{show: (pane: "read" | "code") => void}} panes what a phone shows
   */
  constructor(root, panes) {
    this.#root = root;
    this.#panes = panes;
    const messages = readMessages(/** @type {HTMLTemplateElement} */ (document.getElementById("workbench-messages")));
    this.#t = translator(messages);
    const field = /** @type {HTMLTextAreaElement} */ (this.#part("starter"));
    this.#lessonStarter = { code: field.value, listing: starterListing(field.value), language: this.#language };
    this.#drafts = this.#makeDrafts();
    const draft = this.#drafts.local ?? this.#starter;
    this.#editor = this.#makeEditor(field, draft.code, phrasesIn(messages));
    this.#setPlace(draft);
    this.#output = new OutputPane(this.#part("output"), this.#t, {
      opener: (file) => this.#openerOf(file),
      sendInput: (line) => void this.#session?.sendInput(line),
      closeInput: () => void this.#session?.closeInput(),
      retry: () => this.#run(this.#program),
      goToFailure: () => {
        if (this.#failedLine !== null) this.#editor.goToLine(this.#failedLine);
      },
    });
    this.#tutor = new TutorTab(this.#part("tutor"), {
      code: () => this.#editor.code,
      run: () => this.#session?.run?.id ?? null,
      open: (code, name) => this.#openCode(code, name),
    });
    const divider = this.#part("divider");
    this.#editorShare = Number(divider.getAttribute("aria-valuenow"));
    this.#divider = makeDivider(divider, this.#part("panes"), "--editor-share");
    this.#tabs = new WorkTabs(this.#part("tabs"), (name) => {
      delete this.#part("tabs").dataset.news;
      this.#part("output").dataset.shown = name;
      this.#moveDivider(name);
      if (name === "tutor") void this.#tutor.open();
    });
    this.#trace = new TracePane(this.#part("trace"), this.#t, {
      fetchHtml,
      onFirst: () => this.#showTrace(),
      onScripted: () => (this.#part("scripted").hidden = false),
      announce: (sentence) => this.#announce(sentence),
    });
    this.#checksPane = new ChecksPane(this.#part("checks"), this.#t, {
      call: this.#call,
      fetchHtml,
      lineWith: (text) => this.#editor.lineWith(text),
      goToLine: (line) => {
        this.#panes.show("code");
        this.#editor.goToLine(line);
      },
      askAtCursor: () => this.#askAtCursor(),
      judged: (verdict, look) => this.#showJudged(verdict, look),
      announce: (sentence) => this.#announce(sentence),
    });
    this.#hints = new HintPanel(this.#part("hint"), this.#t, {
      ask: (body) => this.#call("POST", this.#root.dataset.hintUrl ?? "", { lesson_id: this.#root.dataset.lessonId, ...body }),
      place: () => ({ code: this.#editor.code, ...this.#editor.cursor }),
      exercise: () => this.#exercise,
      given: (step, more) => this.#checksPane.noteGiven(step, more),
      leave: () => this.#editor.focus(),
    });
    this.#listen();
    const exercise = exerciseInAddress() ?? exerciseById(Number(recall(session, this.#exerciseKey)));
    if (exercise) this.#switchTo(exercise);
    if (exercise && isAskedAgain(exercise)) this.#beginAgain();
    else void this.#drafts.load();
    if (!root.dataset.user && this.#holdsAccountDraft()) this.#offerSignIn("sign-in-draft");
    void this.#resume();
  }

  // --- Parts ---------------------------------------------------------------------------------------

  /** @param {string} name @returns {HTMLElement} */
  #part(name) {
    return /** @type {HTMLElement} */ (this.#root.querySelector(`[data-part="${name}"]`));
  }

  /** @param {HTMLElement} field @param {string} code @param {Record<string, string>} phrases */
  #makeEditor(field, code, phrases) {
    const parent = this.#part("editor");
    field.remove();
    return new Editor({
      parent,
      code,
      phrases,
      label: this.#t("editor-label"),
      nonce: document.querySelector("script[nonce]")?.getAttribute("nonce") ?? "",
      onChange: () => this.#codeChanged(),
      onFocus: () => this.#checkSoon(),
    });
  }

  #makeDrafts() {
    const { lesson, user, draftUrl } = this.#root.dataset;
    let storage = null;
    try {
      storage = localStorage;
    } catch {
      // Kept on the server then, or with this page only.
    }
    const place = this.#exercise ? `${lesson}:${this.#exercise.id}` : lesson;
    const query = this.#exercise ? `?exercise=${this.#exercise.id}` : "";
    const isOpen = () => this.#drafts === store;
    /** @type {DraftStore} */
    const store = new DraftStore({
      key: `draft:${user || "guest"}:${place}`,
      guestKey: user ? `draft:guest:${place}` : null,
      url: user ? `${draftUrl}${query}` : null,
      call: this.#call,
      drafts: new LocalDrafts(storage),
      // Of what is in the editor no more, nothing is shown.
      listener: {
        status: (status) => isOpen() && this.#showDraftStatus(status),
        replace: (work) => isOpen() && this.#replaceCode(work),
        conflict: (theirs) => {
          if (isOpen()) this.#part("conflict").hidden = theirs === null;
        },
      },
    });
    return store;
  }

  #listen() {
    const on = (/** @type {string} */ part, /** @type {() => void} */ act) => this.#part(part).addEventListener("click", act);
    on("run", () => this.#runEditor());
    on("check", () => this.#runEditor({ check: true }));
    on("leave-exercise", () => this.#leaveExercise());
    on("stop", () => this.#stop());
    on("reset", () => this.#reset());
    on("keys", () => this.#showKeys());
    on("drop-listing", () => this.#dropListing());
    on("use-theirs", () => this.#drafts.useTheirs());
    on("keep-mine", () => this.#drafts.keepMine());
    on("undo", () => this.#undo());
    on("close-sign-in", () => (this.#part("sign-in").hidden = true));
    on("ask-hint", () => this.#askHint());
    listenForKeys({
      run: () => this.#runEditor(),
      check: () => this.#runEditor({ check: true }),
      stop: () => this.#stop(),
      hint: () => this.#askHint(),
      help: () => this.#showKeys(),
    });
    nameKeys(this.#root);
    listenToListings({
      run: (listing) => this.#runListing(listing.index),
      open: (listing) => this.#openListing(listing),
      copied: (copied) => this.#announce(this.#t(copied ? "copied" : "not-copied")),
    });
    listenToExercises({
      start: (exercise) => this.#openExercise(exercise),
      runProgram: (code) => this.#runProgram(code),
      language: () => this.#language,
      hintName: (number, count) => this.#t("hint-next", { number, count }),
      solved: (exercise) => void this.#solved(exercise),
      call: this.#call,
    });
    makeSymbolBar(this.#part("symbols"), this.#editor);

    const leave = () => this.#drafts.save({ leaving: true });
    addEventListener("pagehide", leave);
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "hidden") leave();
    });
    addEventListener("online", () => this.#drafts.retry());
    addEventListener("storage", (event) => {
      if (event.key === this.#drafts.key) this.#drafts.takeFromOtherTab(event.newValue);
    });
  }

  // --- Code ----------------------------------------------------------------------------------------

  /** The language of the page's text. */
  get #language() {
    return this.#root.dataset.language ?? "";
  }

  /** What the editor began with. @returns {Work} */
  get #starter() {
    const { starter, buildsOn } = this.#exercise ?? {};
    if (starter === undefined) return this.#lessonStarter;
    const code = starter ?? listingCode(buildsOn ?? 0) ?? "";
    return { code, listing: null, language: this.#language };
  }

  /** @returns {Work} */
  get #work() {
    return { code: this.#editor.code, ...this.#place };
  }

  #codeChanged() {
    this.#hideNotice();
    this.#hints.codeChanged(this.#editor.code);
    this.#showChanged();
    this.#drafts.change(this.#work);
    this.#checkSoon();
  }

  /** Work that is kept already, from another device or tab. @param {Work} work */
  #replaceCode(work) {
    this.#setPlace(work);
    this.#editor.replace(work.code);
    this.#drafts.forgetPending();
  }

  /** @param {Work} work @param {string} message */
  #replaceWithUndo(work, message) {
    const before = this.#work;
    this.#editor.clearFailure();
    this.#hints.close();
    this.#put(work);
    this.#hideNotice();
    if (before.code === work.code) return;
    this.#undoNotice = () => this.#put(before);
    this.#part("notice-text").textContent = message;
    this.#part("notice").hidden = false;
    this.#announce(message);
  }

  /** @param {Work} work */
  #put(work) {
    this.#setPlace(work);
    this.#editor.replace(work.code);
    this.#drafts.change(work);
  }

  #undo() {
    this.#undoNotice?.();
    this.#hideNotice();
    this.#editor.focus();
  }

  #hideNotice() {
    this.#undoNotice = null;
    this.#part("notice").hidden = true;
  }

  #reset() {
    this.#replaceWithUndo(this.#starter, this.#t("reset-done"));
    this.#editor.focus();
  }

  /** @param {import("./listings.js").Listing} listing */
  #openListing({ index, code }) {
    if (this.#exercise) this.#switchTo(null);
    const work = { code, listing: index, language: this.#language };
    this.#replaceWithUndo(work, this.#t("opened", { listing: this.#nameOf(work) }));
    this.#panes.show("code");
    this.#editor.focus();
  }

  /** Code of somebody else's: an answer of the tutor. @param {string} code @param {string} name */
  #openCode(code, name) {
    if (this.#exercise) this.#switchTo(null);
    this.#replaceWithUndo({ code, listing: null, language: null }, this.#t("opened", { listing: name }));
    this.#panes.show("code");
    this.#editor.focus();
  }

  /** There is more to read in a conversation than in an output: the editor is lower beside it. @param {string} tab */
  #moveDivider(tab) {
    const share = shareOf("--editor-share") ?? this.#editorShare;
    if (tab === "tutor") this.#divider.take("--tutor-share", Math.min(share, BESIDE_TUTOR));
    else this.#divider.take("--editor-share", this.#editorShare);
  }

  /** A phone shows another pane: the tutor's is a tab of this workbench. @param {string} pane */
  paneShown(pane) {
    if (pane === "tutor") this.#tabs.show("tutor");
    else if (pane === "code" && this.#tabs.shown === "tutor" && matchMedia(PHONE).matches) this.#tabs.show("output");
  }

  // --- Exercises -----------------------------------------------------------------------------------

  get #exerciseKey() {
    return `exercise:${this.#root.dataset.lesson}`;
  }

  /** @param {Exercise} exercise */
  #openExercise(exercise) {
    if (this.#exercise?.id !== exercise.id) {
      this.#switchTo(exercise);
      this.#announce(this.#t("exercise-opened", { title: exercise.title }));
    }
    this.#panes.show("code");
    this.#editor.focus();
  }

  #leaveExercise() {
    this.#switchTo(null);
    this.#announce(this.#t("exercise-left"));
    this.#editor.focus();
  }

  /** Put an exercise's draft into the editor, or the lesson's; each is kept by itself. @param {Exercise | null} exercise */
  #switchTo(exercise) {
    this.#drafts.save();
    this.#exercise = exercise;
    remember(session, this.#exerciseKey, exercise ? String(exercise.id) : null);
    this.#hideNotice();
    this.#part("conflict").hidden = true;
    this.#part("exercise").hidden = this.#part("check").hidden = exercise === null;
    this.#part("exercise-name").textContent = exercise?.title ?? "";
    this.#part("checks-count").hidden = true;
    this.#tabs.offer("checks", exercise !== null);
    this.#drafts = this.#makeDrafts();
    const work = this.#drafts.local ?? this.#starter;
    this.#editor.clearFailure();
    this.#hints.close();
    this.#setPlace(work);
    this.#editor.replace(work.code);
    this.#drafts.forgetPending();
    this.#checksPane.open(exercise);
    void this.#drafts.load();
  }

  /** A hint to what is in the editor: the author's before others. */
  #askHint() {
    if (!this.#checksPane.hasAuthoredHint) return this.#askAtCursor();
    this.#panes.show("code");
    this.#tabs.show("checks");
    this.#checksPane.askHint();
  }

  #askAtCursor() {
    this.#panes.show("code");
    this.#editor.hideMessage(); // the panel takes its place
    void this.#hints.ask();
  }

  /** A review starts from the beginning. What an account's editor held is an earlier draft; a guest's can be undone. */
  #beginAgain() {
    if (!this.#root.dataset.user) this.#replaceWithUndo(this.#starter, this.#t("reset-done"));
    const address = new URL(location.href);
    address.searchParams.delete("again"); // loaded anew, the page keeps what was written since
    history.replaceState(history.state, "", address);
  }

  /** What a question was about, to be seen running. @param {string} code */
  #runProgram(code) {
    if (this.#exercise) this.#switchTo(null);
    this.#replaceWithUndo({ code, listing: null, language: null }, this.#t("exercise-left"));
    this.#runEditor();
  }

  /** Whether the lesson is done with it, the site says. @param {Exercise} exercise */
  async #solved(exercise) {
    markSolved(exercise);
    await renewProgress();
    this.#checksPane.showStanding(exercise, standingAndWayOn());
  }

  /** @param {Run} run @returns {boolean} whether it was judged */
  #showVerdict(run) {
    const exercise = exerciseById(this.#program.exercise ?? 0);
    if (!exercise || !this.#program.check) return false;
    if (run.passed) void this.#solved(exercise);
    if (this.#exercise?.id !== exercise.id) return false;
    const checks = run.checks ?? [];
    const summary = this.#checksPane.ended(checks, run.passed ?? null);
    const failed = checks.filter((check) => check.passed === false).length;
    this.#part("checks-count").hidden = failed === 0;
    this.#part("checks-count").textContent = String(failed);
    if (run.passed === null || run.passed === undefined) return false;
    this.#tabs.show("checks");
    this.#announce(summary);
    return true;
  }

  /** In a line, beside the tabs. @param {string} verdict "": none @param {string} look */
  #showJudged(verdict, look) {
    const place = this.#part("verdict");
    place.textContent = verdict;
    place.dataset.look = look;
    place.hidden = !verdict;
  }

  /** @param {{listing: number | null, language: string | null}} place */
  #setPlace({ listing, language }) {
    this.#place = { listing, language: language ?? this.#language };
    this.#part("listing").hidden = listing === null;
    if (listing === null) return;
    this.#part("listing-name").textContent = this.#nameOf(this.#place);
    this.#part("listing-more").hidden = !this.#needsMore(this.#place);
    this.#showChanged();
  }

  /** Whether the editor's code is the listing's no more. */
  #showChanged() {
    this.#part("listing-changed").hidden = !this.#isChanged(this.#work);
  }

  /** Whether code that belongs to a listing was changed; null: of another language's listings the page does not know. @param {Work} work */
  #isChanged({ code, listing, language }) {
    const original = language === this.#language && listing !== null ? listingCode(listing) : null;
    return original === null ? null : original.trim() !== code.trim();
  }

  /**
   * Whether the listing is known to run with code of other listings; of another language's listings the page does not know.
   *
   * @param {{listing: number | null, language: string | null}} place
   */
  #needsMore({ listing, language }) {
    const inNeed = this.#root.dataset.inNeed?.split(" ") ?? [];
    return language === this.#language && inNeed.includes(String(listing));
  }

  /** @param {{listing: number | null, language: string | null}} place its listing is not null */
  #nameOf({ listing, language }) {
    const element = language === this.#language ? listingElement(listing ?? 0) : null;
    return element?.dataset.filename ?? this.#t("listing", { number: (listing ?? 0) + 1 });
  }

  #dropListing() {
    this.#setPlace({ listing: null, language: null });
    this.#drafts.change(this.#work);
    this.#editor.focus();
  }

  #checkSoon() {
    clearTimeout(this.#checkTimer);
    this.#checkTimer = setTimeout(() => void this.#check(), CHECK_DELAY);
  }

  async #check() {
    const number = ++this.#checks;
    try {
      const answer = await this.#call("POST", this.#root.dataset.checkUrl ?? "", {
        code: this.#editor.code,
        lesson: Number(this.#root.dataset.lesson),
      });
      if (number === this.#checks) this.#editor.showFindings(answer.findings);
    } catch {
      // Advice only: without it the program runs just the same.
    }
  }

  // --- Running -------------------------------------------------------------------------------------

  #runEditor({ check = false } = {}) {
    this.#hideNotice();
    this.#drafts.save();
    this.#run({ ...this.#work, exercise: this.#exercise?.id ?? null, check: check && this.#exercise !== null });
    // On a phone the keyboard would cover the output.
    if (matchMedia("(pointer: coarse)").matches) this.#editor.blur();
  }

  /** @param {number} index */
  #runListing(index) {
    this.#run({ listing: index, code: null, language: this.#language });
  }

  /** @param {Program} program */
  #run(program) {
    this.#session?.abandon();
    this.#program = program;
    this.#panes.show("code");
    this.#editor.clearFailure();
    void this.#newSession().start(this.#root.dataset.runsUrl ?? "", {
      lesson: Number(this.#root.dataset.lesson),
      listing: program.listing,
      language_version: program.language ?? this.#language,
      ...(program.code === null ? {} : { code: program.code }),
      ...(program.exercise ? { exercise: program.exercise, check: program.check } : {}),
    });
  }

  #newSession() {
    const output = this.#output;
    const { listing, code } = this.#program;
    output.begin(code === null && listing !== null ? this.#nameOf(this.#program) : "");
    this.#trace.begin();
    this.#part("scripted").hidden = true;
    delete this.#part("tabs").dataset.news;
    this.#failedLine = null;
    this.#setRunning(true);
    this.#session = new RunSession(this.#call, {
      queued: (wait) => {
        this.#rememberRun();
        output.queued(wait);
      },
      running: () => {
        this.#rememberRun();
        output.running();
      },
      restarted: () => {
        output.restarted();
        this.#trace.begin(); // the calls made so far do not count either
      },
      output: (stream, text) => output.output(stream, text),
      call: (step) => this.#trace.call(step, this.#session?.run ?? null),
      checking: () => output.checking(),
      input: () => this.#askForInput(""),
      inputRefused: (text) => this.#askForInput(text.replace(/\n$/, "")),
      stopping: () => output.stopping(),
      connection: (reachable) => output.connection(reachable),
      ended: (run) => this.#ended(run),
      lost: (why) => {
        this.#setRunning(false);
        this.#trace.lost();
        output.lost(why, { signedOut: this.#isSignedOut(why.status) });
      },
    });
    return this.#session;
  }

  /** @param {string} text put into the field */
  #askForInput(text) {
    this.#tabs.show("output"); // the question stands there
    this.#output.askForInput(text);
  }

  /** The run has asked a model: shown to those who want to see it, a quiet hint for those who never chose. */
  #showTrace() {
    if (this.#tabs.choice) this.#tabs.show(this.#tabs.choice);
    else this.#part("tabs").dataset.news = "";
  }

  #stop() {
    if (this.#session && !this.#session.isOver) this.#session.stop();
  }

  /** @param {Run} run */
  #ended(run) {
    this.#setRunning(false);
    remember(session, this.#runKey, null);
    this.#listingName = this.#program.code === null ? (run.name ?? null) : null;
    const report = this.#output.ended(run, (file) => this.#isInEditor(file), { isListing: this.#isListing });
    const isTraced = this.#trace.ended(run);
    if (!this.#showVerdict(run) && !isTraced) this.#tabs.show("output");
    this.#failedLine = report.line;
    if (report.line !== null) this.#editor.markFailure(report.line, report.title);
  }

  /** Whether the program that ran last is a listing of the lesson, as it stands there. */
  get #isListing() {
    const { listing, code, language } = this.#program;
    return listing !== null && (code === null || this.#isChanged({ code, listing, language }) === false);
  }

  /** Whether lines of the program that ran last are lines in the editor. @param {string} file */
  #isInEditor(file) {
    return file === OWN_FILE && this.#program.code !== null;
  }

  /** @param {string} file @returns {((line: number) => void) | null} */
  #openerOf(file) {
    if (this.#isInEditor(file)) return (line) => this.#editor.goToLine(line);
    const listing = file === this.#listingName ? listingElement(this.#program.listing ?? 0) : null;
    if (!listing) return null;
    return () => {
      this.#panes.show("read");
      pointAt(listing);
    };
  }

  /** @param {boolean} running */
  #setRunning(running) {
    this.#root.toggleAttribute("data-running", running);
    this.#part("stop").setAttribute("aria-disabled", String(!running));
  }

  get #runKey() {
    return `run:${this.#root.dataset.lesson}`;
  }

  /** A page that is loaded again takes its unfinished run up again. */
  #rememberRun() {
    const run = this.#session?.run;
    if (run) remember(session, this.#runKey, JSON.stringify({ url: run.url, program: this.#program }));
  }

  async #resume() {
    const remembered = recall(session, this.#runKey);
    if (!remembered) return;
    remember(session, this.#runKey, null);
    try {
      const { url, program } = JSON.parse(remembered);
      const run = await this.#call("GET", url);
      if (this.#session) return;
      this.#program = program;
      this.#newSession().follow(run);
    } catch {
      // Gone, or not reachable now; the code is there to be run again.
    }
  }

  // --- Words ---------------------------------------------------------------------------------------

  /** @param {import("./drafts.js").DraftStatus} status */
  #showDraftStatus(status) {
    const element = this.#part("draft-status");
    element.dataset.status = status;
    const text = this.#t(`draft-${status}`);
    if (element.textContent !== text) element.textContent = text;
    if (status === "signed-out") this.#offerSignIn("sign-in-again");
  }

  // --- Signing in ----------------------------------------------------------------------------------

  /** The page is an account's, and the site takes it for one no more. @param {number | null} status of an answer */
  #isSignedOut(status) {
    const signedOut = Boolean(this.#root.dataset.user) && isSignedOut(status);
    if (signedOut) this.#offerSignIn("sign-in-again");
    return signedOut;
  }

  #holdsAccountDraft() {
    try {
      return hasAccountDraft(Object.keys(localStorage), this.#root.dataset.lesson ?? "");
    } catch {
      return false; // a browser that keeps nothing
    }
  }

  /** @param {string} reason */
  #offerSignIn(reason) {
    this.#part("sign-in-text").textContent = this.#t(reason);
    this.#part("sign-in").hidden = false;
  }

  #showKeys() {
    /** @type {HTMLDialogElement} */ (this.#part("keys-dialog")).showModal();
  }

  /** @param {string} sentence */
  #announce(sentence) {
    this.#part("announcement").textContent = sentence;
  }
}

/** The listing that the page's starter is taken from. @param {string} code @returns {number | null} */
function starterListing(code) {
  const first = listingCode(0);
  return first !== null && first.trim() === code.trim() ? 0 : null;
}

/** @param {Map<string, string>} messages */
function phrasesIn(messages) {
  /** @type {Record<string, string>} */
  const phrases = {};
  for (const [key, text] of messages) if (key.startsWith("cm:")) phrases[key.slice(3)] = text;
  return phrases;
}
