/**
 * An answer as it is written: the little of Markdown that helps while reading along, as elements made here.
 *
 * No HTML of the model's is ever parsed. When the answer is complete, the server's rendering takes its place.
 */

/** @typedef {{kind: "text" | "code", text: string}} Block */

/** @param {string} text @returns {Block[]} paragraphs and fenced code, the last perhaps not complete */
export function blocksOf(text) {
  /** @type {Block[]} */
  const blocks = [];
  let fence = "";
  for (const line of text.split("\n")) {
    const mark = /^\s*(`{3,}|~{3,})/.exec(line)?.[1] ?? "";
    const last = blocks.at(-1);
    if (fence) {
      if (mark && mark[0] === fence[0] && mark.length >= fence.length) fence = "";
      else if (last) last.text += `${line}\n`;
    } else if (mark) {
      fence = mark;
      blocks.push({ kind: "code", text: "" });
    } else if (!line.trim()) {
      if (last?.kind === "text" && last.text) blocks.push({ kind: "text", text: "" });
    } else if (last?.kind === "text") last.text += last.text ? `\n${line}` : line;
    else blocks.push({ kind: "text", text: line });
  }
  return blocks.filter((block) => block.kind === "code" || block.text);
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

  /** @param {Block} block */
  #element({ kind, text }) {
    if (kind === "code") {
      const pre = document.createElement("pre");
      pre.className = "code plain";
      pre.append(document.createElement("code"));
      /** @type {HTMLElement} */ (pre.firstChild).textContent = text;
      return pre;
    }
    const paragraph = document.createElement("p");
    for (const span of spansOf(text)) {
      if (span.look === "plain") {
        paragraph.append(span.text);
        continue;
      }
      const element = document.createElement(span.look === "cited" ? "sup" : span.look);
      if (span.look === "cited") this.cite(span.text);
      element.textContent = span.look === "cited" ? String(this.#cited.indexOf(span.text) + 1) : span.text;
      paragraph.append(element);
    }
    return paragraph;
  }
}
