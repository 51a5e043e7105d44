/**
 * An answer as it is written: the little of Markdown that helps while reading along, as elements made here.
 *
 * No HTML of the model's is ever parsed. When the answer is complete, the server's rendering takes its place.
 */

/**
 * @typedef {object} Block
 * @property {"text" | "heading" | "code" | "bullets" | "numbers"} kind
 * @property {string} text of a list: as it was written
 *
 * @typedef {{text: string, inner: string}} Item of a list; inner: what stands further in, Markdown again
 */

const FENCE = /^\s*(`{3,}|~{3,})/;
const HEADING = /^ {0,3}#{1,6}\s+(.*?)\s*#*$/;
const ITEM_TO_BE = { bullets: /^ ?[-*+]$/, numbers: /^ ?\d{1,9}[.)]?$/ };
const ITEM = /^ ?(?:[-*+]|(\d{1,9})[.)])\s+(.*)$/;

/** @param {string} text @returns {Block[]} as they follow each other, the last perhaps not complete */
export function blocksOf(text) {
  /** @type {Block[]} */
  const blocks = [];
  let fence = "";
  let isBlank = true; // the line before
  for (const line of text.split("\n")) {
    const last = blocks.at(-1);
    const mark = FENCE.exec(line)?.[1] ?? "";
    if (fence) {
      if (mark && mark[0] === fence[0] && mark.length >= fence.length) fence = "";
      else if (last) last.text += `${line}\n`;
      continue;
    }
    const heading = HEADING.exec(line)?.[1];
    const kind = listOf(line);
    if (mark) {
      fence = mark;
      blocks.push({ kind: "code", text: "" });
    } else if (heading) blocks.push({ kind: "heading", text: heading });
    else if (kind && last?.kind !== kind) blocks.push({ kind, text: line });
    else if (line.trim()) {
      if (last && goesOn(last, line, isBlank)) last.text += `\n${line}`;
      else blocks.push({ kind: "text", text: line });
    }
    isBlank = !line.trim();
  }
  return blocks;
}

/** @param {string} line @returns {"bullets" | "numbers" | null} what it is an item of */
function listOf(line) {
  const item = ITEM.exec(line);
  return item && (item[1] ? "numbers" : "bullets");
}

/** Whether a line belongs to the block before it. @param {Block} block @param {string} line @param {boolean} afterBlank */
function goesOn({ kind }, line, afterBlank) {
  if (kind === "text") return !afterBlank;
  if (kind === "bullets" || kind === "numbers") {
    return !afterBlank || listOf(line) === kind || ITEM_TO_BE[kind].test(line) || /^\s{2}/.test(line);
  }
  return false;
}

/** @param {string} text of a list @returns {Item[]} */
export function itemsOf(text) {
  /** @type {Item[]} */
  const items = [];
  for (const line of text.split("\n")) {
    const item = ITEM.exec(line);
    const last = items.at(-1);
    if (item) items.push({ text: item[2], inner: "" });
    else if (last && /^\s{2}/.test(line)) last.inner += `${line.replace(/^\s{2,4}/, "")}\n`;
    else if (last) last.text += ` ${line.trim()}`;
  }
  return items;
}

/**
 * @param {string} text of a paragraph
 * @returns {{look: "plain" | "code" | "strong" | "cited", text: string}[]} `text` of a citation is its id
 */
export function spansOf(text) {
  const spans = [];
  let at = 0;
  for (const match of text.matchAll(/`([^`\n]+)`|\*\*([^*\n]+)\*\*|\[\[([^[\]\n]+)\]\]/g)) {
    spans.push({ look: /** @type {const} */ ("plain"), text: text.slice(at, match.index) });
    if (match[1]) spans.push({ look: /** @type {const} */ ("code"), text: match[1] });
    else if (match[2]) spans.push({ look: /** @type {const} */ ("strong"), text: match[2] });
    else spans.push({ look: /** @type {const} */ ("cited"), text: match[3] ?? "" });
    at = match.index + match[0].length;
  }
  spans.push({ look: /** @type {const} */ ("plain"), text: text.slice(at) });
  return spans.filter((span) => span.text);
}

export class LiveText {
  #root;
  #text = "";
  /** How many blocks will not change any more. */
  #settled = 0;
  /** Ids, in the order they were cited. @type {string[]} */
  #cited = [];
  #isDue = false;

  /** @param {HTMLElement} root */
  constructor(root) {
    this.#root = root;
  }

  /** @param {string} text @param {() => void} shown called when it is on the page */
  add(text, shown) {
    this.#text += text;
    if (this.#isDue) return;
    this.#isDue = true;
    // At once where nobody sees the page: there are no frames then.
    const draw = () => {
      this.#isDue = false;
      this.#draw();
      shown();
    };
    if (document.hidden) draw();
    else requestAnimationFrame(draw);
  }

  /** @param {string} id */
  cite(id) {
    if (!this.#cited.includes(id)) this.#cited.push(id);
  }

  #draw() {
    const blocks = blocksOf(this.#text);
    while (this.#root.childNodes.length > this.#settled) this.#root.lastChild?.remove();
    for (const block of blocks.slice(this.#settled)) this.#root.append(this.#element(block));
    this.#settled = Math.max(this.#settled, blocks.length - 1);
  }

  /** @param {Block} block @returns {HTMLElement} */
  #element({ kind, text }) {
    switch (kind) {
      case "code":
        return this.#code(text);
      case "bullets":
      case "numbers":
        return this.#list(kind, text);
      default:
        return this.#words(kind === "heading" ? "h4" : "p", text);
    }
  }

  /** @param {string} text */
  #code(text) {
    const pre = document.createElement("pre");
    const code = document.createElement("code");
    pre.className = "code plain";
    code.textContent = text;
    pre.append(code);
    return pre;
  }

  /** @param {"bullets" | "numbers"} kind @param {string} text */
  #list(kind, text) {
    const list = document.createElement(kind === "numbers" ? "ol" : "ul");
    if (list instanceof HTMLOListElement) list.start = Number(ITEM.exec(text.split("\n")[0])?.[1] ?? 1);
    for (const { text: words, inner } of itemsOf(text)) {
      const item = this.#words("li", words);
      item.append(...blocksOf(inner).map((block) => this.#element(block)));
      list.append(item);
    }
    return list;
  }

  /** @param {string} tag @param {string} text */
  #words(tag, text) {
    const place = document.createElement(tag);
    for (const span of spansOf(text)) {
      if (span.look === "plain") {
        place.append(span.text);
        continue;
      }
      const element = document.createElement(span.look === "cited" ? "sup" : span.look);
      if (span.look === "cited") this.cite(span.text);
      element.textContent = span.look === "cited" ? String(this.#cited.indexOf(span.text) + 1) : span.text;
      place.append(element);
    }
    return place;
  }
}
