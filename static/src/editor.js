/**
 * The code editor: CodeMirror with Python, in the site's colours, for keyboards, mice and fingers.
 */

import { acceptCompletion, completionStatus, insertBracket } from "@codemirror/autocomplete";
import { indentLess, indentMore } from "@codemirror/commands";
import { python } from "@codemirror/lang-python";
import { HighlightStyle, indentUnit, syntaxHighlighting } from "@codemirror/language";
import { forEachDiagnostic, lintGutter, nextDiagnostic, setDiagnostics } from "@codemirror/lint";
import { Annotation, EditorSelection, EditorState, Prec, StateEffect, StateField } from "@codemirror/state";
import { closeHoverTooltips, Decoration, keymap, showTooltip, tooltips } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { basicSetup, EditorView } from "codemirror";

/**
 * @typedef {object} Finding a remark about the code; lines and columns count from 1, columns in characters
 * @property {number} line
 * @property {number} column
 * @property {number} [end_column]
 * @property {string} message
 * @property {"error" | "warning"} severity
 *
 * @typedef {object} EditorOptions
 * @property {HTMLElement} parent
 * @property {string} code
 * @property {string} label what a screen reader calls it
 * @property {Record<string, string>} phrases CodeMirror's own texts, translated
 * @property {string} nonce for the style elements; "" when the page needs none
 * @property {() => void} onChange
 * @property {() => void} onFocus
 */

const INDENT = 4;

// A change that is not the learner's typing: a draft that arrived, a listing that was opened.
const fromOutside = Annotation.define();

export class Editor {
  #view;
  #covered = 0;

  /** @param {EditorOptions} options */
  constructor(options) {
    this.#view = new EditorView({
      parent: options.parent,
      state: EditorState.create({ doc: options.code, extensions: [extensions(options), EditorView.scrollMargins.of(() => ({ bottom: this.#covered }))] }),
    });
  }

  get code() {
    return this.#view.state.doc.toString();
  }

  get hasFocus() {
    return this.#view.hasFocus;
  }

  /** Replace everything; undo brings the old text back. @param {string} code */
  replace(code) {
    if (code === this.code) return;
    this.#view.dispatch({
      changes: { from: 0, to: this.#view.state.doc.length, insert: code },
      selection: { anchor: 0 },
      effects: EditorView.scrollIntoView(0),
      annotations: fromOutside.of(true),
      userEvent: "input.replace",
    });
  }

  /** Where the cursor is: line from 1, column from 0, in characters. */
  get cursor() {
    const { state } = this.#view;
    const line = state.doc.lineAt(state.selection.main.head);
    return { line: line.number, column: [...line.text.slice(0, state.selection.main.head - line.from)].length };
  }

  focus() {
    this.#view.focus();
  }

  blur() {
    this.#view.contentDOM.blur();
  }

  /** Put the cursor at a line's first character and show it. @param {number} number from 1 */
  goToLine(number) {
    const line = this.#lineAt(number);
    const anchor = line.from + (/^\s*/.exec(line.text)?.[0].length ?? 0);
    this.#view.dispatch({
      selection: { anchor },
      effects: EditorView.scrollIntoView(line.from, { y: "center" }),
    });
    this.focus();
  }

  /** The first line that contains the text, from 1; null where none does. @param {string} text */
  lineWith(text) {
    const place = this.code.split("\n").findIndex((line) => line.includes(text));
    return place < 0 ? null : place + 1;
  }

  /** What the course's policy says; replaces what it said before. @param {Finding[]} findings */
  showFindings(findings) {
    const kept = this.#diagnostics().filter((diagnostic) => diagnostic.source === "run");
    const added = findings.map((finding) => this.#diagnosticOf(finding));
    this.#view.dispatch(setDiagnostics(this.#view.state, [...kept, ...added]));
  }

  /** Mark the line on which the program failed. @param {number} number from 1 @param {string} message */
  markFailure(number, message) {
    const line = this.#lineAt(number);
    const kept = this.#diagnostics().filter((diagnostic) => diagnostic.source !== "run");
    this.#view.dispatch(
      setDiagnostics(this.#view.state, [
        ...kept,
        { from: line.from, to: line.from, severity: "error", source: "run", message },
      ]),
      { effects: failedLine.of(line.from) },
    );
  }

  clearFailure() {
    const kept = this.#diagnostics().filter((diagnostic) => diagnostic.source !== "run");
    this.#view.dispatch(setDiagnostics(this.#view.state, kept), { effects: [failedLine.of(null), tellMessage.of(null)] });
  }

  /** The remark that F8 led to is told no more. */
  hideMessage() {
    this.#view.dispatch({ effects: tellMessage.of(null) });
  }

  /** A phone's keyboard lies over the lower part: keep the cursor above it. @param {number} bottom screen coordinate of its upper edge */
  keepCursorAbove(bottom) {
    const covered = Math.max(0, Math.round(this.#view.dom.getBoundingClientRect().bottom - bottom));
    if (covered === this.#covered) return;
    this.#covered = covered;
    this.#view.dispatch({ effects: EditorView.scrollIntoView(this.#view.state.selection.main.head) });
  }

  /** Type a character as a keyboard would. @param {string} text */
  type(text) {
    const { state } = this.#view;
    const bracket = insertBracket(state, text);
    if (bracket) this.#view.dispatch(bracket);
    else this.#view.dispatch(state.replaceSelection(text), { userEvent: "input.type", scrollIntoView: true });
  }

  indent() {
    indent(this.#view);
  }

  #diagnostics() {
    return diagnosticsOf(this.#view.state);
  }

  /** @param {number} number */
  #lineAt(number) {
    const { doc } = this.#view.state;
    return doc.line(Math.min(Math.max(1, number), doc.lines));
  }

  /** @param {Finding} finding @returns {import("@codemirror/lint").Diagnostic} */
  #diagnosticOf(finding) {
    const line = this.#lineAt(finding.line);
    const from = line.from + offsetOf(line.text, finding.column);
    const to = finding.end_column ? line.from + offsetOf(line.text, finding.end_column) : this.#wordEnd(from, line.to);
    return {
      from,
      to: Math.max(from, to),
      severity: finding.severity === "error" ? "error" : "warning",
      source: "policy",
      message: finding.message,
    };
  }

  /** @param {number} from @param {number} limit */
  #wordEnd(from, limit) {
    return Math.min(this.#view.state.wordAt(from)?.to ?? from + 1, limit);
  }
}

/**
 * @param {string} text of a line
 * @param {number} column from 1, in characters
 * @returns {number} the same place in the string's code units
 */
export function offsetOf(text, column) {
  return Array.from(text)
    .slice(0, column - 1)
    .join("").length;
}

// --- Extensions ------------------------------------------------------------------------------------

/** @param {EditorOptions} options */
function extensions({ label, phrases, nonce, onChange, onFocus }) {
  return [
    Prec.highest([messages(), tabKeys(), replacingMuch()]),
    basicSetup,
    lintGutter(),
    python(),
    indentUnit.of(" ".repeat(INDENT)),
    EditorState.tabSize.of(INDENT),
    EditorState.phrases.of(phrases),
    nonce ? EditorView.cspNonce.of(nonce) : [],
    syntaxHighlighting(HIGHLIGHTS),
    failureField,
    EditorView.lineWrapping,
    EditorView.contentAttributes.of({
      "aria-label": label,
      tabindex: "0", // it is focusable as it is, but checkers of accessibility look for this
      autocapitalize: "off",
      autocomplete: "off",
      autocorrect: "off",
      spellcheck: "false",
      "data-gramm": "false",
    }),
    EditorView.updateListener.of((update) => {
      if (update.docChanged) onChange();
      if (update.focusChanged && update.view.hasFocus) onFocus();
    }),
  ];
}

// The colours are the site's own; listings in the text use the same.
const HIGHLIGHTS = HighlightStyle.define([
  { tag: [tags.keyword, tags.controlKeyword, tags.operatorKeyword, tags.definitionKeyword, tags.moduleKeyword], color: "var(--syn-keyword)" },
  { tag: [tags.string, tags.special(tags.string), tags.docString], color: "var(--syn-string)" },
  { tag: [tags.number, tags.bool, tags.null], color: "var(--syn-number)" },
  { tag: [tags.comment, tags.lineComment], color: "var(--syn-comment)", fontStyle: "italic" },
  { tag: [tags.function(tags.variableName), tags.function(tags.definition(tags.variableName)), tags.function(tags.propertyName)], color: "var(--syn-function)" },
  { tag: [tags.className, tags.definition(tags.className)], color: "var(--syn-class)" },
  { tag: [tags.standard(tags.variableName), tags.self, tags.meta], color: "var(--syn-builtin)" },
  { tag: [tags.operator, tags.punctuation, tags.derefOperator], color: "var(--syn-operator)" },
  { tag: tags.escape, color: "var(--syn-number)" },
  { tag: tags.invalid, color: "var(--error)" },
]);

/** @type {import("@codemirror/state").StateEffectType<number | null>} */
const failedLine = StateEffect.define({
  map: (position, changes) => (position === null ? null : changes.mapPos(position)),
});

const FAILED = Decoration.line({ class: "cm-failed-line" });

/** The mark on the failed line; it goes when that line is edited. */
const failureField = StateField.define({
  create: () => Decoration.none,
  update(marks, transaction) {
    if (transaction.docChanged) {
      const { doc } = transaction.startState;
      const at = marks.iter().value ? doc.lineAt(marks.iter().from) : null;
      if (at && transaction.changes.touchesRange(at.from, at.to)) marks = Decoration.none;
      marks = marks.map(transaction.changes);
    }
    for (const effect of transaction.effects) {
      if (!effect.is(failedLine)) continue;
      marks = effect.value === null ? Decoration.none : Decoration.set(FAILED.range(effect.value));
    }
    return marks;
  },
  provide: (field) => EditorView.decorations.from(field),
});

// --- Remarks by key -------------------------------------------------------------------------------

/** @typedef {import("@codemirror/view").Tooltip & {end: number}} Message */

/** @type {import("@codemirror/state").StateEffectType<Message | null>} */
const tellMessage = StateEffect.define();

/** The remark that F8 led to, until the cursor goes on. */
const message = StateField.define({
  create: () => /** @type {Message | null} */ (null),
  update(told, transaction) {
    const { head } = transaction.newSelection.main;
    if (told && (transaction.docChanged || head < told.pos || head > told.end)) told = null;
    for (const effect of transaction.effects) if (effect.is(tellMessage)) told = effect.value;
    return told;
  },
  provide: (field) => showTooltip.from(field),
});

/** F8 tells a remark below its line, so that it hides neither the line nor what is above the editor. */
function messages() {
  return [
    message,
    // What the pointer brings up goes below where it would leave the editor, too.
    tooltips({ tooltipSpace: (view) => new DOMRect(0, view.dom.getBoundingClientRect().top, innerWidth, innerHeight - view.dom.getBoundingClientRect().top) }),
    EditorView.domEventHandlers({ blur: (event, view) => view.dispatch({ effects: tellMessage.of(null) }) }),
    keymap.of([
      { key: "F8", run: tellNext },
      {
        key: "Escape",
        run: (view) => {
          if (!view.state.field(message)) return false;
          view.dispatch({ effects: tellMessage.of(null) });
          return true;
        },
      },
    ]),
  ];
}

/** @param {EditorView} view */
function tellNext(view) {
  nextDiagnostic(view);
  const { from, to } = view.state.selection.main;
  const found = diagnosticsOf(view.state).filter((diagnostic) => diagnostic.from === from && diagnostic.to === to);
  if (found.length === 0) return false;
  const told = { pos: from, end: to, create: () => messageBox(view, found) };
  const words = found.map((diagnostic) => diagnostic.message).join(" ");
  view.dispatch({ effects: [closeHoverTooltips, tellMessage.of(told), EditorView.announce.of(words)] });
  return true;
}

/** @param {EditorView} view @param {import("@codemirror/lint").Diagnostic[]} diagnostics of one place */
function messageBox(view, diagnostics) {
  const dom = document.createElement("ul");
  dom.className = "cm-tooltip-lint cm-tooltip-told";
  for (const diagnostic of diagnostics) {
    const item = document.createElement("li");
    item.className = `cm-diagnostic cm-diagnostic-${diagnostic.severity}`;
    item.textContent = diagnostic.message;
    dom.append(item);
  }
  // A line may take several rows: below the last of them.
  const getCoords = (/** @type {number} */ pos) => {
    const [start, end] = [view.coordsAtPos(pos), view.coordsAtPos(view.state.doc.lineAt(pos).to)];
    return { left: start?.left ?? 0, right: start?.right ?? 0, top: start?.top ?? 0, bottom: end?.bottom ?? start?.bottom ?? 0 };
  };
  return { dom, getCoords };
}

/** @param {EditorState} state */
function diagnosticsOf(state) {
  /** @type {import("@codemirror/lint").Diagnostic[]} */
  const found = [];
  forEachDiagnostic(state, (diagnostic, from, to) => found.push({ ...diagnostic, from, to }));
  return found;
}

// --- Typing over a selection ----------------------------------------------------------------------

const MUCH = 500; // characters

/**
 * Typing over a long selection changes the text itself. Left to the browser, its elements would be taken out of
 * the page one by one: with a long line of many of them that takes a minute.
 */
function replacingMuch() {
  return EditorView.domEventHandlers({
    beforeinput: (event, view) => {
      const { ranges, main } = view.state.selection;
      if (ranges.length > 1 || main.to - main.from < MUCH || view.composing) return false;
      if (event.inputType.startsWith("delete")) return replaceSelection(view, "", "delete.selection");
      return event.inputType === "insertText" && event.data !== null && replaceSelection(view, event.data, "input.type");
    },
  });
}

/** @param {EditorView} view @param {string} text @param {string} userEvent */
function replaceSelection(view, text, userEvent) {
  const around = text ? insertBracket(view.state, text) : null;
  view.dispatch(around ?? view.state.update(view.state.replaceSelection(text), { userEvent, scrollIntoView: true }));
  return true;
}

// --- The Tab key -----------------------------------------------------------------------------------

/** @type {import("@codemirror/state").StateEffectType<boolean>} */
const setTyping = StateEffect.define();

/**
 * Whether the learner is writing. Only then is Tab an indentation; before, and again after Escape, it
 * leads on to the next control, so that nobody is caught in the editor.
 */
const typing = StateField.define({
  create: () => false,
  update(value, transaction) {
    for (const effect of transaction.effects) if (effect.is(setTyping)) value = effect.value;
    const typed = transaction.docChanged && !transaction.annotation(fromOutside);
    return typed && (transaction.isUserEvent("input") || transaction.isUserEvent("delete")) ? true : value;
  },
  provide: (field) =>
    EditorView.editorAttributes.compute([field], (state) => ({ class: state.field(field) ? "cm-typing" : "" })),
});

function tabKeys() {
  return [
    typing,
    EditorView.domEventHandlers({
      blur: (event, view) => {
        view.dispatch({ effects: setTyping.of(false) });
      },
    }),
    keymap.of([
      {
        key: "Tab",
        run: (view) => acceptCompletion(view) || (view.state.field(typing) && indent(view)),
        shift: (view) => view.state.field(typing) && indentLess(view),
      },
      {
        key: "Escape",
        run: (view) => {
          // The first Escape closes a list of completions, the next one ends typing.
          if (completionStatus(view.state) === null) view.dispatch({ effects: setTyping.of(false) });
          return false;
        },
      },
    ]),
  ];
}

/** Indent the selected lines, or go to the next stop. @param {EditorView} view */
function indent(view) {
  const { state } = view;
  if (state.selection.ranges.some((range) => !range.empty)) return indentMore(view);
  view.dispatch(
    state.changeByRange((range) => {
      const line = state.doc.lineAt(range.head);
      const insert = " ".repeat(INDENT - ((range.head - line.from) % INDENT));
      return {
        changes: { from: range.head, insert },
        range: EditorSelection.cursor(range.head + insert.length),
      };
    }),
    { userEvent: "input.indent", scrollIntoView: true },
  );
  return true;
}
