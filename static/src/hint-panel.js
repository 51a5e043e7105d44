/** A hint at the cursor: asked for by the learner alone, one step further each time it is asked for the same place. */

import { Refused } from "./http.js";

/**
 * @typedef {{current_context: string, hint: string, reference_code: string | null, key_concepts: string[],
 *   given_by: "author" | "model" | "program", model: string, more: boolean,
 *   sections: {title: string, url: string}[], trouble: {message: string} | null}} Hint
 * @typedef {{code: string, line: number, column: number}} Place
 * @typedef {{key: string, hintCount: number}} Exercise what is in the editor, with how many hints of its author
 */

/**
 * Whether a place is the one before, so that the next hint goes further.
 *
 * @typedef {{code: string, line: number, exercise: string | null}} Asked
 * @param {Asked | null} before @param {Asked} now
 */
export function isSamePlace(before, now) {
  return before !== null && before.code === now.code && before.line === now.line && before.exercise === now.exercise;
}

/**
 * A text with `code` between backticks, in pieces; the emphasis of a whole sentence is not shown.
 *
 * @param {string} text @returns {{text: string, isCode: boolean}[]}
 */
export function pieces(text) {
  return text
    .replaceAll(/\*(\([^*]*\))\*/g, "$1")
    .split(/`([^`\n]+)`/)
    .map((piece, at) => ({ text: piece, isCode: at % 2 === 1 }))
    .filter((piece) => piece.text !== "");
}

export class HintPanel {
  #root;
  #t;
  #door;
  /** @type {(Place & {exercise: string | null}) | null} */
  #before = null;
  /** What the panel was opened for. @type {Place | null} */
  #asked = null;
  #step = 0;
  #number = 0;

  /**
   * @param {HTMLElement} root
   * @param {(name: string, values?: Record<string, string | number>) => string} t
   * @param {object} door
   * @param {(body: object) => Promise<Hint>} door.ask
   * @param {() => Place} door.place
   * @param {() => Exercise | null} door.exercise its author's hints are taken before one asks here
   * @param {(step: number, more: boolean) => void} door.given
   * @param {() => void} door.leave
   */
  constructor(root, t, door) {
    this.#root = root;
    this.#t = t;
    this.#door = door;
    this.#part("close").addEventListener("click", () => this.#leave());
    this.#part("more").addEventListener("click", () => void this.ask());
    root.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.#leave();
    });
  }

  /** What it tells, or is asked, belongs to what is there no more. */
  close() {
    this.#root.hidden = true;
    this.#number++;
  }

  /** The code is another: a hint stays with its line as it was. @param {string} code */
  codeChanged(code) {
    if (!this.#root.hidden && this.#asked && lineOf(code, this.#asked.line) !== lineOf(this.#asked.code, this.#asked.line)) this.close();
  }

  /** Ask for a hint where the cursor is. */
  async ask() {
    const exercise = this.#door.exercise();
    const place = { ...this.#door.place(), exercise: exercise?.key ?? null };
    const step = isSamePlace(this.#before, place) ? this.#step + 1 : (exercise?.hintCount ?? 0) + 1;
    const number = ++this.#number;
    this.#asked = place;
    this.#show({ text: this.#t("hint-asking") });
    try {
      const hint = await this.#door.ask({
        code: place.code || "\n",
        cursor_line: place.line,
        cursor_column: place.column,
        step,
        ...(exercise ? { exercise: exercise.key } : {}),
      });
      if (number !== this.#number) return; // asked anew or closed meanwhile
      this.#before = place;
      this.#step = step;
      this.#show({ text: hint.hint, hint });
      this.#door.given(step, hint.more);
    } catch (error) {
      if (number === this.#number) this.#show({ text: (error instanceof Refused && error.message) || this.#t("hint-failed") });
    }
  }

  /** @param {{text: string, hint?: Hint}} shown */
  #show({ text, hint }) {
    this.#part("place").textContent = hint?.current_context ?? "";
    this.#part("text").replaceChildren(
      ...pieces(text).map((piece) => {
        const element = document.createElement(piece.isCode ? "code" : "span");
        element.textContent = piece.text;
        return element;
      }),
    );
    this.#part("code").textContent = hint?.reference_code ?? "";
    this.#part("code").hidden = !hint?.reference_code;
    this.#part("sections").replaceChildren(...(hint?.sections ?? []).map(sectionLink));
    const said = hint ? [...hint.key_concepts, this.#whose(hint), hint.trouble?.message ?? ""] : [];
    this.#part("source").textContent = said.filter(Boolean).join(" · ");
    this.#part("more").hidden = !hint?.more;
    this.#root.hidden = false;
  }

  /** @param {Hint} hint */
  #whose({ given_by: giver, model }) {
    if (giver === "author") return this.#t("hint-author");
    return giver === "model" ? this.#t("hint-model", { model }) : this.#t("hint-program");
  }

  #leave() {
    this.close();
    this.#door.leave();
  }

  /** @param {string} name @returns {HTMLElement} */
  #part(name) {
    return /** @type {HTMLElement} */ (this.#root.querySelector(`[data-hint="${name}"]`));
  }
}

/** @param {string} code @param {number} line from 1 */
function lineOf(code, line) {
  return code.split("\n")[line - 1];
}

/** @param {{title: string, url: string}} section */
function sectionLink({ title, url }) {
  const item = document.createElement("li");
  const link = document.createElement("a");
  link.href = url;
  link.textContent = title;
  item.append(link);
  return item;
}
