/** Pictures that go with a question: chosen or pasted, made small before they are sent. */

const LONG_SIDE = 1280; // pixels; models see no more
const QUALITY = 0.85;

export class Pictures {
  #list;
  #most;
  #t;
  #problem;
  /** @type {{url: string, name: string}[]} */
  #pictures = [];

  /**
   * @param {HTMLElement} list
   * @param {number} most
   * @param {import("./reports.js").Translate} t
   * @param {(sentence: string) => void} problem
   */
  constructor(list, most, t, problem) {
    this.#list = list;
    this.#most = most;
    this.#t = t;
    this.#problem = problem;
  }

  /** As addresses, for the site. */
  get urls() {
    return this.#pictures.map((picture) => picture.url);
  }

  clear() {
    this.#pictures = [];
    this.#show();
  }

  /** @param {Iterable<File>} files */
  async take(files) {
    for (const file of files) {
      if (this.#pictures.length >= this.#most) {
        this.#problem(this.#t("too-many-pictures"));
        return;
      }
      try {
        this.#pictures.push({ url: await small(file), name: file.name });
      } catch {
        this.#problem(this.#t("bad-picture"));
      }
      this.#show();
    }
  }

  #show() {
    this.#list.hidden = this.#pictures.length === 0;
    this.#list.replaceChildren(
      ...this.#pictures.map((picture) => {
        const item = document.createElement("li");
        const image = document.createElement("img");
        image.src = picture.url;
        image.alt = picture.name;
        const remove = document.createElement("button");
        remove.type = "button";
        remove.textContent = "×";
        remove.setAttribute("aria-label", this.#t("remove-picture"));
        remove.addEventListener("click", () => {
          this.#pictures = this.#pictures.filter((each) => each !== picture);
          this.#show();
        });
        item.append(image, remove);
        return item;
      }),
    );
  }
}

/** @param {File} file @returns {Promise<string>} a data: address; throws where the file is no picture */
async function small(file) {
  const bitmap = await createImageBitmap(file);
  const scale = Math.min(1, LONG_SIDE / Math.max(bitmap.width, bitmap.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(bitmap.width * scale));
  canvas.height = Math.max(1, Math.round(bitmap.height * scale));
  const context = canvas.getContext("2d");
  if (!context) throw new TypeError("no canvas");
  context.fillStyle = "white";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  return canvas.toDataURL("image/jpeg", QUALITY);
}
