/**
 * Writing a lesson: Markdown in CodeMirror, and beside it what readers will see, as the server draws it.
 *
 * Without this script the page is a text field whose preview is as of the last save.
 */

import { markdown } from "@codemirror/lang-markdown";
import { HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import { Prec } from "@codemirror/state";
import { highlightActiveLine, highlightActiveLineGutter, keymap, lineNumbers } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { EditorView, minimalSetup } from "codemirror";

import { csrfToken, jsonCaller } from "./http.js";

const PAUSE = 350; // milliseconds without a key, before the preview is asked for

/**
 * @typedef {{line: number, message: string, is_fault: boolean}} Remark
 * @typedef {{title: string, html: string, remarks: Remark[]}} Preview
 */

const HIGHLIGHTS = HighlightStyle.define([
  { tag: tags.heading, fontWeight: "700" },
  { tag: tags.strong, fontWeight: "700" },
  { tag: tags.emphasis, fontStyle: "italic" },
  { tag: [tags.link, tags.url], color: "var(--link-fg)" },
  { tag: [tags.monospace, tags.special(tags.string)], color: "light-dark(#1f6b43, #93cf9f)" },
  { tag: [tags.processingInstruction, tags.meta, tags.quote, tags.list], color: "var(--body-quiet-color)" },
]);

/** @param {HTMLFormElement} form */
function start(form) {
  const field = /** @type {HTMLTextAreaElement} */ (form.elements.namedItem("markdown"));
  const frame = /** @type {HTMLIFrameElement} */ (form.querySelector("[data-preview-frame]"));
  const call = jsonCaller(csrfToken);
  const began = field.value;
  let isLeaving = false;
  let asked = 0;
  let timer = 0;

  const view = new EditorView({
    doc: began,
    parent: /** @type {HTMLElement} */ (field.parentElement),
    extensions: [
      minimalSetup,
      lineNumbers(),
      highlightActiveLine(),
      highlightActiveLineGutter(),
      markdown(),
      syntaxHighlighting(HIGHLIGHTS),
      EditorView.lineWrapping,
      EditorView.contentAttributes.of({ "aria-label": form.dataset.label ?? "", spellcheck: "true" }),
      EditorView.updateListener.of((update) => {
        if (!update.docChanged) return;
        field.value = view.state.doc.toString();
        clearTimeout(timer);
        timer = window.setTimeout(ask, PAUSE);
      }),
      Prec.highest(keymap.of([{ key: "Mod-s", preventDefault: true, run: save }])),
    ],
  });
  field.hidden = true;

  /** The text is sent as the field has it; the first button is “Save draft”. */
  function save() {
    form.requestSubmit(/** @type {HTMLButtonElement} */ (form.querySelector("button[value=save]")));
    return true;
  }

  async function ask() {
    const mine = ++asked;
    try {
      const answer = await call("POST", form.dataset.preview ?? "", { markdown: field.value });
      if (mine === asked) show(answer); // else a later text is on its way
    } catch {
      if (mine === asked) remark([{ line: 0, message: form.dataset.unreachable ?? "", is_fault: false }]);
    }
  }

  /** @param {Preview} preview */
  function show({ title, html, remarks }) {
    const page = frame.contentDocument;
    const place = page?.querySelector("[data-preview-text]");
    const heading = page?.querySelector("[data-preview-title]");
    // The server has sanitised it, and the frame runs no scripts.
    if (place) place.innerHTML = html;
    if (heading) heading.textContent = title;
    remark(remarks);
  }

  /** @param {Remark[]} remarks */
  function remark(remarks) {
    const list = /** @type {HTMLElement} */ (form.querySelector("[data-remarks]"));
    list.replaceChildren(...remarks.map(item));
    /** @type {HTMLElement} */ (form.querySelector("[data-no-remarks]")).hidden = remarks.length > 0;
  }

  /** @param {Remark} remark */
  function item({ line, message, is_fault }) {
    const element = document.createElement("li");
    element.classList.toggle("fault", is_fault);
    if (line) {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "authoring-line";
      button.dataset.lineNumber = String(line);
      button.textContent = `${form.dataset.line} ${line}`;
      element.append(button, " ");
    }
    element.append(message);
    return element;
  }

  /** @param {number} number from 1 */
  function goTo(number) {
    const line = view.state.doc.line(Math.min(Math.max(1, number), view.state.doc.lines));
    view.dispatch({ selection: { anchor: line.from }, effects: EditorView.scrollIntoView(line.from, { y: "center" }) });
    view.focus();
  }

  /** The preview follows the editor: as far down as that is. */
  function follow() {
    const page = frame.contentDocument?.scrollingElement;
    const { scrollTop, scrollHeight, clientHeight } = view.scrollDOM;
    if (page && scrollHeight > clientHeight) {
      page.scrollTop = (scrollTop / (scrollHeight - clientHeight)) * (page.scrollHeight - page.clientHeight);
    }
  }

  /** In the admin's light or dark. */
  function dress() {
    const root = frame.contentDocument?.documentElement;
    const theme = document.documentElement.dataset.theme;
    if (!root) return;
    if (theme === "light" || theme === "dark") root.dataset.theme = theme;
    else delete root.dataset.theme;
  }

  view.scrollDOM.addEventListener("scroll", follow, { passive: true });
  frame.addEventListener("load", dress);
  dress();
  new MutationObserver(dress).observe(document.documentElement, { attributeFilter: ["data-theme"] });
  form.addEventListener("click", (event) => {
    const button = event.target instanceof Element ? event.target.closest("[data-line-number]") : null;
    if (button instanceof HTMLElement) goTo(Number(button.dataset.lineNumber));
  });
  form.addEventListener("submit", () => {
    isLeaving = true;
  });
  addEventListener("beforeunload", (event) => {
    if (!isLeaving && field.value !== began) event.preventDefault();
  });
}

const form = document.querySelector("[data-lesson-editor]");
if (form instanceof HTMLFormElement) start(form);
