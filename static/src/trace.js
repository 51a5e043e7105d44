/** Pages that show a trace by themselves. */

import { fetchHtml } from "./http.js";
import { listenToCards } from "./trace-cards.js";

for (const trace of document.querySelectorAll(".trace")) listenToCards(/** @type {HTMLElement} */ (trace), fetchHtml);
