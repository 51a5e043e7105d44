/**
 * Program output as a terminal would take it: text with colours, returns and backspaces.
 *
 * Knows the colours and weights of SGR; every other escape sequence is dropped, and control
 * characters become their visible symbols, so that output can neither hide nor move anything. So do
 * those that change the direction of writing. Without scripts progress/printed.py does as much of it as it can.
 */

/**
 * @typedef {{kind: "text", text: string, style: string}} TextStep  style: class names, "" for plain
 * @typedef {{kind: "return"} | {kind: "back"} | {kind: "clear-line"}} MoveStep
 * @typedef {TextStep | MoveStep} Step
 */

const COLOURS = ["black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"];
const PIECE = /\x1b|[\x00-\x08\x0b-\x1a\x1c-\x1f\x7f\x80-\x9f\u202a-\u202e\u2066-\u2069]/g;
const CSI = /^\x1b\[([\x30-\x3f]*)([\x20-\x2f]*)([\x40-\x7e])/;
const OSC = /^\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)/;
const LONGEST_ESCAPE = 256;

/** Reads one stream of output in pieces; an escape sequence may be cut anywhere between them. */
export class AnsiReader {
  #held = "";
  #colour = "";
  #bold = false;
  #dim = false;
  #italic = false;
  #underline = false;
  #inverse = false;

  /**
   * @param {string} text the next piece
   * @returns {Step[]}
   */
  read(text) {
    const input = this.#held + text;
    this.#held = "";
    /** @type {Step[]} */
    const steps = [];
    let from = 0;
    PIECE.lastIndex = 0;
    for (let match = PIECE.exec(input); match; match = PIECE.exec(input)) {
      this.#addText(steps, input.slice(from, match.index));
      const length = match[0] === "\x1b" ? this.#escape(input, match.index, steps) : this.#control(match[0], steps);
      if (length === 0) {
        this.#held = input.slice(match.index);
        return steps;
      }
      from = PIECE.lastIndex = match.index + length;
    }
    this.#addText(steps, input.slice(from));
    return steps;
  }

  /** @param {Step[]} steps @param {string} text */
  #addText(steps, text) {
    if (text) steps.push({ kind: "text", text, style: this.#style() });
  }

  #style() {
    const names = [];
    if (this.#colour) names.push(`ansi-${this.#colour}`);
    if (this.#bold) names.push("ansi-bold");
    if (this.#dim) names.push("ansi-dim");
    if (this.#italic) names.push("ansi-italic");
    if (this.#underline) names.push("ansi-underline");
    if (this.#inverse) names.push("ansi-inverse");
    return names.join(" ");
  }

  /**
   * @param {string} character @param {Step[]} steps
   * @returns {number} characters read
   */
  #control(character, steps) {
    if (character === "\r") steps.push({ kind: "return" });
    else if (character === "\b") steps.push({ kind: "back" });
    else if (character !== "\x07") this.#addText(steps, symbolOf(character));
    return 1;
  }

  /**
   * @param {string} input @param {number} at @param {Step[]} steps
   * @returns {number} characters read; 0 when the sequence is not complete yet
   */
  #escape(input, at, steps) {
    const rest = input.slice(at, at + LONGEST_ESCAPE);
    const csi = CSI.exec(rest);
    if (csi) {
      if (csi[3] === "m") this.#setStyle(csi[1]);
      else if (csi[3] === "K" && csi[1] === "2") steps.push({ kind: "clear-line" });
      return csi[0].length;
    }
    const osc = OSC.exec(rest);
    if (osc) return osc[0].length;
    if (rest.length < LONGEST_ESCAPE && mayGoOn(rest)) return 0;
    this.#addText(steps, symbolOf("\x1b"));
    return 1;
  }

  /** @param {string} parameters of an SGR sequence: "1;31" */
  #setStyle(parameters) {
    const codes = parameters.split(/[;:]/).map(Number);
    for (let i = 0; i < codes.length; i++) {
      const code = codes[i];
      if (code === 0) this.#reset();
      else if (code === 1) this.#bold = true;
      else if (code === 2) this.#dim = true;
      else if (code === 3) this.#italic = true;
      else if (code === 4) this.#underline = true;
      else if (code === 7) this.#inverse = true;
      else if (code === 22) this.#bold = this.#dim = false;
      else if (code === 23) this.#italic = false;
      else if (code === 24) this.#underline = false;
      else if (code === 27) this.#inverse = false;
      else if (code >= 30 && code <= 37) this.#colour = COLOURS[code - 30];
      else if (code >= 90 && code <= 97) this.#colour = COLOURS[code - 90];
      else if (code === 39) this.#colour = "";
      else if (code === 38 || code === 48) {
        const wide = codes[i + 1] === 5;
        if (code === 38) this.#colour = wide && codes[i + 2] < 16 ? COLOURS[codes[i + 2] % 8] : "";
        i += wide ? 2 : 4;
      }
    }
  }

  #reset() {
    this.#colour = "";
    this.#bold = this.#dim = this.#italic = this.#underline = this.#inverse = false;
  }
}

/** @param {string} rest begins with ESC */
function mayGoOn(rest) {
  return /^\x1b(?:$|\[[\x20-\x3f]*$|[\]PX^_][^\x07\x1b]*\x1b?$)/.test(rest);
}

/** Text that is no output, with a mark in the place of what would change the direction of writing. @param {string} text */
export function marked(text) {
  return text.replace(/[\u202a-\u202e\u2066-\u2069]/g, symbolOf);
}

/** @param {string} character a C0 or C1 control, DEL, or one that changes the direction of writing */
function symbolOf(character) {
  const code = character.charCodeAt(0);
  if (code > 0x2000) return `[U+${code.toString(16).toUpperCase()}]`;
  if (code < 0x20) return String.fromCharCode(0x2400 + code);
  return code === 0x7f ? "\u2421" : "\ufffd";
}
