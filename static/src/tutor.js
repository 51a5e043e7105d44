/**
 * The tutor's panel: asking, following an answer while it is written, and what can be done with it.
 *
 * A bundle of its own, loaded when the panel is first opened. Messages come as the server draws them.
 */

import { csrfToken, fetchHtml, jsonCaller, Refused } from "./http.js";
import { copyText } from "./listings.js";
import { readMessages, translator } from "./messages.js";
import { parse } from "./trace-cards.js";
import { Pictures } from "./tutor-pictures.js";
import { LiveText } from "./tutor-text.js";

/**
 * @typedef {object} Bench what the tutor knows of the workbench beside it
 * @property {() => string} code
 * @property {() => string | null} run the id of the last run
 * @property {(code: string, name: string) => void} open puts code into the editor
 */

const NEAR_THE_END = 60; // pixels
const ABOVE = 12; // pixels between the panel's top and what is read from there
const AGAIN_AFTER = 2_000; // milliseconds until a stream that cannot be had is tried again

/** @param {HTMLElement} place holds the panel @param {Bench | null} bench null: there is none on this page */
export function openTutor(place, bench) {
  const channel = new BroadcastChannel("tutor");
  let tutor = new Tutor(place, bench, channel);
  const show = async (/** @type {string} */ query) => {
    const html = await fetchHtml(tutor.url(query));
    const question = tutor.leave();
    place.replaceChildren(parse(html));
    tutor = new Tutor(place, bench, channel);
    tutor.type(question);
  };
  place.addEventListener("click", (event) => {
    const target = event.target instanceof Element ? event.target : null;
    if (target?.closest("[data-tutor=new]")) void show("&new").then(() => tutor.focus());
  });
  // Another tab of this browser has asked, or has heard the end.
  channel.addEventListener("message", (event) => {
    if (tutor.concerns(event.data)) void show(`&conversation=${event.data.conversation}`).catch(() => {});
  });
}

class Tutor {
  #panel;
  #bench;
  #channel;
  #t;
  #call = jsonCaller(csrfToken);
  /** @type {Pictures | null} */
  #pictures = null;
  /** The answer that is being written. @type {HTMLElement | null} */
  #writing = null;
  /** @type {EventSource | null} */
  #events = null;
  #isAsking = false;
  /** The earlier question that is being changed. @type {number | null} */
  #replaces = null;
  /** Where the reader has the conversation: left to the panel, at the end, or anywhere else. @type {"panel" | "end" | "reader"} */
  #place = "panel";
  #scrolledTo = 0;

  /** @param {HTMLElement} place @param {Bench | null} bench @param {BroadcastChannel} channel */
  constructor(place, bench, channel) {
    this.#panel = /** @type {HTMLElement} */ (place.querySelector("[data-tutor=panel]"));
    this.#bench = bench;
    this.#channel = channel;
    this.#t = translator(readMessages(/** @type {HTMLTemplateElement} */ (this.#part("messages"))));
    this.#listen();
    for (const item of this.#part("thread").children) this.#take(/** @type {HTMLElement} */ (item));
    this.#showLast();
  }

  /** @param {string} query @returns {string} of the panel */
  url(query) {
    return `${this.#panel.dataset.panelUrl}${query}`;
  }

  /** Stop listening; the question that was not asked yet. */
  leave() {
    this.#events?.close();
    this.#writing = null;
    return this.#question?.value ?? "";
  }

  /** @param {string} question */
  type(question) {
    if (this.#question && question) this.#question.value = question;
  }

  focus() {
    this.#question?.focus();
  }

  /** @param {{lesson: string, conversation: string}} news of another tab */
  concerns({ lesson, conversation }) {
    const { dataset } = this.#panel;
    return !this.#writing && !this.#isAsking && (dataset.conversation ? dataset.conversation === conversation : dataset.lesson === lesson);
  }

  // --- Parts ---------------------------------------------------------------------------------------

  /** @param {string} name @returns {HTMLElement} */
  #part(name) {
    return /** @type {HTMLElement} */ (this.#panel.querySelector(`[data-tutor="${name}"]`));
  }

  get #question() {
    return /** @type {HTMLTextAreaElement | null} */ (this.#panel.querySelector("[data-tutor=question]"));
  }

  #listen() {
    this.#part("thread").addEventListener("click", (event) => this.#act(event));
    this.#part("scroller").addEventListener("scroll", () => this.#noteScroll(), { passive: true });
    const form = this.#part("form");
    if (!form || !this.#question) return;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#ask();
    });
    this.#question.addEventListener("keydown", (event) => {
      // Enter that chooses a Chinese word is no sending.
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      void this.#ask();
    });
    this.#part("stop").addEventListener("click", () => void this.#stop());
    this.#part("keep").addEventListener("click", () => this.#edit(null));
    const choose = /** @type {HTMLInputElement | null} */ (this.#part("choose"));
    if (choose) this.#listenForPictures(choose);
  }

  /** @param {HTMLInputElement} choose */
  #listenForPictures(choose) {
    const pictures = new Pictures(this.#part("pictures"), Number(choose.dataset.most), this.#t, (sentence) => this.#tell(sentence));
    this.#pictures = pictures;
    choose.addEventListener("change", () => {
      void pictures.take(Array.from(choose.files ?? []));
      choose.value = "";
    });
    this.#question?.addEventListener("paste", (event) => {
      const files = Array.from(event.clipboardData?.files ?? []).filter((file) => file.type.startsWith("image/"));
      if (files.length === 0) return;
      event.preventDefault();
      void pictures.take(files);
    });
  }

  // --- Asking --------------------------------------------------------------------------------------

  async #ask() {
    const question = this.#question;
    if (!question || !question.value.trim() || this.#writing || this.#isAsking) return;
    const withCode = /** @type {HTMLInputElement | null} */ (this.#part("with-code"))?.checked && this.#bench;
    const { lesson, conversation } = this.#panel.dataset;
    const replaces = this.#replaces;
    const added = await this.#send(this.#panel.dataset.askUrl ?? "", {
      message: question.value,
      conversation: conversation || null,
      lesson: lesson ? Number(lesson) : null,
      replaces,
      code: withCode ? withCode.code() : "",
      run: withCode ? withCode.run() : null,
      images: this.#pictures?.urls ?? [],
    });
    if (!added) return;
    question.value = "";
    this.#pictures?.clear();
    if (replaces !== null) this.#removeFrom(replaces);
    this.#edit(null);
    this.#add(added);
  }

  /** @param {string} url @param {unknown} body @returns {Promise<any>} null: the problem has been told */
  async #send(url, body) {
    this.#tell("");
    this.#isAsking = true;
    try {
      return await this.#call("POST", url, body);
    } catch (error) {
      this.#tell(error instanceof Refused && error.message ? error.message : this.#t("unreachable"));
      return null;
    } finally {
      this.#isAsking = false;
    }
  }

  /** @param {{conversation: {id: string, title: string}, html: string}} added */
  #add({ conversation, html }) {
    this.#panel.dataset.conversation = conversation.id;
    this.#part("title").textContent = conversation.title;
    const begin = this.#part("new");
    if (begin) begin.hidden = false;
    this.#part("intro").hidden = true;
    this.#takeIn(html, null);
    this.#tellTabs();
    this.#showLast();
  }

  /** Put messages at the end, or in the place of one. @param {string} html @param {HTMLElement | null} instead */
  #takeIn(html, instead) {
    for (const button of this.#part("thread").querySelectorAll("[data-tutor-action=again]")) button.remove();
    const items = Array.from(parse(html).children, (item) => /** @type {HTMLElement} */ (item));
    if (instead) instead.replaceWith(...items);
    else this.#part("thread").append(...items);
    for (const item of items) this.#take(item);
  }

  async #stop() {
    const url = this.#writing?.dataset.stopUrl;
    if (url) await this.#send(url, {});
  }

  /** @param {HTMLElement | null} item the question to change; null: none any more */
  #edit(item) {
    this.#replaces = item ? Number(item.dataset.messageId) : null;
    this.#part("editing").hidden = !item;
    if (!item || !this.#question) return;
    this.#question.value = item.querySelector("[data-tutor=words]")?.textContent ?? "";
    this.#question.focus();
  }

  /** @param {number} id */
  #removeFrom(id) {
    const thread = this.#part("thread");
    for (const item of Array.from(thread.children)) {
      if (Number(/** @type {HTMLElement} */ (item).dataset.messageId) >= id) item.remove();
    }
  }

  // --- Answers -------------------------------------------------------------------------------------

  /** A message that has come onto the page. @param {HTMLElement} item */
  #take(item) {
    if (item.dataset.status === "streaming") this.#follow(item);
    for (const block of item.querySelectorAll(".talk-text :is(.code-block, .listing)")) this.#addButtons(/** @type {HTMLElement} */ (block));
  }

  /** @param {HTMLElement} item */
  #follow(item) {
    this.#setWriting(item);
    let live = new LiveText(/** @type {HTMLElement} */ (item.querySelector("[data-tutor=live]")));
    const events = new EventSource(item.dataset.eventsUrl ?? "");
    this.#events = events;
    events.addEventListener("citation", (event) => live.cite(JSON.parse(event.data).id));
    events.addEventListener("token", (event) => {
      item.querySelector("[data-tutor=writing]")?.remove();
      live.add(JSON.parse(event.data).text, () => this.#keepInView());
    });
    events.addEventListener("done", (event) => {
      events.close();
      if (this.#writing !== item) return;
      const { html, status, budget } = JSON.parse(event.data);
      this.#setWriting(null);
      this.#takeIn(html, item);
      this.#part("budget")?.replaceChildren(parse(budget));
      this.#announce(this.#t({ complete: "ended", stopped: "stopped" }[/** @type {string} */ (status)] ?? "failed"));
      this.#keepInView();
      this.#tellTabs();
    });
    events.addEventListener("error", () => {
      // The browser connects again by itself, and goes on where it was, unless the site said no.
      if (events.readyState !== EventSource.CLOSED) return;
      setTimeout(() => {
        if (this.#writing !== item) return;
        item.querySelector("[data-tutor=live]")?.replaceChildren();
        this.#follow(item);
      }, AGAIN_AFTER);
    });
    this.#announce(this.#t("writing"));
  }

  /** @param {HTMLElement | null} item */
  #setWriting(item) {
    this.#writing = item;
    this.#panel.toggleAttribute("data-writing", item !== null);
    this.#part("stop")?.setAttribute("aria-disabled", String(item === null));
    this.#part("send")?.setAttribute("aria-disabled", String(item !== null));
  }

  /** @param {HTMLElement} block of code in an answer */
  #addButtons(block) {
    const code = block.querySelector("pre")?.textContent ?? "";
    let bar = block.querySelector(".code-bar");
    if (!bar) {
      bar = document.createElement("div");
      bar.className = "code-bar";
      block.prepend(bar);
    }
    /** @param {string} word @param {() => void} act */
    const add = (word, act) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = this.#t(word);
      button.addEventListener("click", act);
      bar?.append(button);
    };
    const bench = this.#bench;
    if (bench) add("open", () => bench.open(code, this.#t("opened")));
    add("copy", () => void this.#copy(code));
  }

  /** @param {Event} event */
  #act(event) {
    const button = event.target instanceof Element ? event.target.closest("[data-tutor-action]") : null;
    const item = /** @type {HTMLElement | null | undefined} */ (button?.closest("li[data-message-id]"));
    if (!(button instanceof HTMLElement) || !item) return;
    switch (button.dataset.tutorAction) {
      case "copy":
        return void this.#copy(button.dataset.text ?? "");
      case "again":
        return void this.#again(item);
      case "sent":
        return void this.#showSent(button, item);
      case "edit":
        if (!this.#writing) this.#edit(item);
    }
  }

  /** @param {HTMLElement} item */
  async #again(item) {
    if (this.#writing || this.#isAsking) return;
    const added = await this.#send(item.dataset.againUrl ?? "", {});
    if (!added) return;
    this.#takeIn(added.html, item);
    this.#tellTabs();
    this.#showLast();
    this.#part("stop")?.focus();
  }

  /** @param {HTMLElement} button @param {HTMLElement} item */
  async #showSent(button, item) {
    const place = /** @type {HTMLElement} */ (item.querySelector("[data-tutor=sent]"));
    if (place.hidden && !place.firstChild) {
      try {
        place.replaceChildren(parse(await fetchHtml(item.dataset.sentUrl ?? "")));
      } catch {
        this.#tell(this.#t("unreachable"));
        return;
      }
    }
    place.hidden = !place.hidden;
    button.setAttribute("aria-expanded", String(!place.hidden));
    if (!place.hidden) place.scrollIntoView({ block: "nearest" });
  }

  /** @param {string} text */
  async #copy(text) {
    this.#announce(this.#t((await copyText(text)) ? "copied" : "not-copied"));
  }

  // --- Words and places ----------------------------------------------------------------------------

  /** @param {string} problem "": none */
  #tell(problem) {
    const place = this.#part("problem");
    if (!place) return;
    place.textContent = problem;
    place.hidden = !problem;
  }

  /** @param {string} sentence */
  #announce(sentence) {
    this.#part("announcement").textContent = sentence;
  }

  #tellTabs() {
    const { lesson, conversation } = this.#panel.dataset;
    this.#channel.postMessage({ lesson, conversation });
  }

  /** The last message, from its beginning. */
  #showLast() {
    this.#place = "panel";
    this.#keepInView();
  }

  /**
   * As far down as there is something to read, but not past the beginning of an answer: it is read from there.
   * Whoever goes on to the end stays at the end, and whoever went elsewhere stays there.
   */
  #keepInView() {
    const last = this.#part("thread").lastElementChild;
    // What stands there before anything is said begins with its first sentence.
    if (!last || this.#place === "reader") return;
    const scroller = this.#part("scroller");
    const beginning = scroller.scrollTop + last.getBoundingClientRect().top - scroller.getBoundingClientRect().top;
    scroller.scrollTop = this.#place === "end" ? scroller.scrollHeight : beginning - ABOVE;
    this.#scrolledTo = scroller.scrollTop;
  }

  #noteScroll() {
    const { scrollTop, scrollHeight, clientHeight } = this.#part("scroller");
    const isAtEnd = scrollHeight - scrollTop - clientHeight < NEAR_THE_END;
    // Neither what the panel did itself nor the end that comes up when it grows is a move of the reader's.
    if (Math.abs(scrollTop - this.#scrolledTo) >= 2 && !(isAtEnd && scrollTop < this.#scrolledTo)) {
      this.#place = isAtEnd ? "end" : "reader";
    }
    this.#scrolledTo = scrollTop;
  }
}

// A conversation's own page.
const page = /** @type {HTMLElement | null} */ (document.querySelector("[data-tutor-page]"));
if (page) openTutor(page, null);
