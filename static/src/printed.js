/** The pages of a run: its output with colours, returns and backspaces, as it was seen while it ran. */

import { Transcript } from "./transcript.js";

const place = /** @type {HTMLElement | null} */ (document.querySelector("[data-printed]"));
const output = document.querySelector("script#printed")?.textContent;
if (place && output) {
  const transcript = new Transcript(place, () => {});
  transcript.clear();
  for (const [stream, text] of JSON.parse(output)) transcript.write(stream, text);
}
