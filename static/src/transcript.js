/**
 * What a program printed, as text in the page.
 *
 * Pieces are gathered and put into the page once per animation frame, a bounded amount each time, so
 * that any flood of output leaves the page responsive. Lines are never split between two text nodes of
 * the same look, so that each node can be searched on its own.
 */

import { AnsiReader } from "./ansi.js";
import { framesIn } from "./traceback.js";

/** @typedef {"stdout" | "stderr" | "stdin"} Stream */

const PER_FRAME = 64 * 1024; // characters
const NODE = 16 * 1024; // characters of one text node
const SHOWN = 1024 * 1024; // characters in the page

export class Transcript {
  #element;
  #onChange;
  /** @type {{stream: Stream, text: string}[]} */
  #waiting = [];
  #frame = 0;
  #shown = 0;
  /** Text nodes of the line being written. @type {Text[]} */
  #line = [];
  #returned = false;
  /** @type {(() => void) | null} */
  #whenSettled = null;
  #readers = newReaders();

  /**
   * @param {HTMLElement} element
   * @param {(cut: boolean) => void} onChange after text has come into the page; cut: there was more than it takes
   */
  constructor(element, onChange) {
    this.#element = element;
    this.#onChange = onChange;
  }

  clear() {
    cancelAnimationFrame(this.#frame);
    this.#frame = this.#shown = 0;
    this.#waiting = [];
    this.#line = [];
    this.#returned = false;
    this.#whenSettled = null;
    this.#readers = newReaders();
    this.#element.replaceChildren();
  }

  /** @param {Stream} stream @param {string} text */
  write(stream, text) {
    if (!text) return;
    const last = this.#waiting.at(-1);
    if (last?.stream === stream) last.text += text;
    else this.#waiting.push({ stream, text });
    if (!this.#frame) this.#frame = requestAnimationFrame(() => this.#work());
  }

  /** Put everything that waits into the page now, when it is little. */
  flush() {
    const length = this.#waiting.reduce((sum, piece) => sum + piece.text.length, 0);
    if (length > PER_FRAME) return;
    cancelAnimationFrame(this.#frame);
    this.#work();
  }

  /** Call `act` once all that was written is in the page. @param {() => void} act */
  settled(act) {
    this.#whenSettled = act;
    if (!this.#frame) this.#settle();
  }

  #settle() {
    const act = this.#whenSettled;
    this.#whenSettled = null;
    act?.();
  }

  /**
   * Turn the places that tracebacks name into buttons.
   *
   * @param {(file: string, line: number) => HTMLElement | null} makeLink null: leave it as text
   */
  linkFrames(makeLink) {
    for (const piece of this.#element.querySelectorAll(".stderr")) {
      const node = piece.firstChild;
      if (!(node instanceof Text)) continue;
      for (const frame of framesIn(node.data).reverse()) {
        const link = makeLink(frame.file, frame.line);
        if (!link) continue;
        node.splitText(frame.end);
        const place = node.splitText(frame.start);
        link.textContent = place.data;
        place.replaceWith(link);
      }
    }
    this.#line = [];
  }

  #work() {
    this.#frame = 0;
    let room = PER_FRAME;
    let cut = false;
    while (room > 0 && this.#waiting.length) {
      const piece = this.#waiting[0];
      let text = piece.text.slice(0, room);
      if (text.length < piece.text.length) piece.text = piece.text.slice(text.length);
      else this.#waiting.shift();
      room -= text.length;
      if (this.#shown + text.length > SHOWN) {
        text = text.slice(0, Math.max(0, SHOWN - this.#shown));
        this.#waiting = [];
        cut = true;
      }
      this.#shown += text.length;
      this.#put(piece.stream, text);
    }
    if (this.#waiting.length) this.#frame = requestAnimationFrame(() => this.#work());
    this.#onChange(cut);
    if (!this.#frame) this.#settle();
  }

  /** @param {Stream} stream @param {string} text */
  #put(stream, text) {
    for (const step of this.#readers[stream].read(text)) {
      if (step.kind === "text") this.#putText(step.style ? `${stream} ${step.style}` : stream, step.text);
      else if (step.kind === "return") this.#returned = true;
      else if (step.kind === "clear-line") this.#clearLine();
      else this.#removeLastCharacter();
    }
  }

  /** @param {string} look class names @param {string} text */
  #putText(look, text) {
    // "\r" before a line break is the other system's line break; before text it starts the line anew.
    if (this.#returned && text[0] !== "\n") this.#clearLine();
    this.#returned = false;
    const end = text.lastIndexOf("\n") + 1;
    if (end > 0) {
      this.#append(look, text.slice(0, end), false);
      this.#line = [];
    }
    if (end < text.length) this.#append(look, text.slice(end), true);
  }

  /** @param {string} look @param {string} text @param {boolean} isTail text of a line that may still change */
  #append(look, text, isTail) {
    const last = /** @type {HTMLElement | null} */ (this.#element.lastElementChild);
    const node = last?.className === look && last.lastChild instanceof Text ? last.lastChild : null;
    // A line's beginning gets a node of its own, so that it can be taken back alone.
    const startsLine = isTail && this.#line.length === 0;
    if (node && !startsLine && node.length < NODE) {
      node.appendData(text);
      return;
    }
    const piece = document.createElement("span");
    piece.className = look;
    const added = document.createTextNode(text);
    piece.append(added);
    this.#element.append(piece);
    if (isTail) this.#line.push(added);
  }

  #clearLine() {
    for (const node of this.#line) node.parentElement?.remove();
    this.#line = [];
  }

  #removeLastCharacter() {
    const node = this.#line.at(-1);
    if (!node?.length) return;
    node.deleteData(node.length - 1, 1);
  }
}

function newReaders() {
  return { stdout: new AnsiReader(), stderr: new AnsiReader(), stdin: new AnsiReader() };
}
