/** Moves what this browser kept for a guest into the account, on the first page after signing in. */

import { LocalDrafts, moveGuestDrafts } from "./drafts.js";
import { csrfToken, jsonCaller } from "./http.js";

const script = /** @type {HTMLElement | null} */ (document.querySelector("script[data-guest-drafts]"));
// The page of a lesson does it for its own lesson, and asks when two drafts went apart.
const open = /** @type {HTMLElement | null} */ (document.querySelector("[data-workbench]"))?.dataset.lesson;

let storage = null;
try {
  storage = localStorage;
} catch {
  // A browser that keeps nothing has nothing to move.
}
if (script && storage) {
  const pattern = script.dataset.guestDrafts ?? "";
  void moveGuestDrafts({
    keys: Object.keys(storage),
    drafts: new LocalDrafts(storage),
    call: jsonCaller(csrfToken),
    urlOf: (lesson, exercise) => pattern.replace("/0/", `/${lesson}/`) + (exercise ? `?exercise=${exercise}` : ""),
    except: open ?? null,
  });
}
