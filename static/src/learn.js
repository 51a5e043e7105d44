/** The learn page: the lesson to read, the workbench beside it. */

import { followReading } from "./contents.js";
import { csrfToken, jsonCaller } from "./http.js";
import { makeDivider, makeTabs } from "./panes.js";
import { followOverflow } from "./scrolling.js";
import { followStanding } from "./standing.js";
import { tellStudy } from "./study.js";
import { Workbench } from "./workbench.js";

const learn = /** @type {HTMLElement | null} */ (document.querySelector("[data-learn]"));
const bench = /** @type {HTMLElement | null} */ (document.querySelector("[data-workbench]"));

if (learn && bench) {
  /** @type {Workbench | null} */
  let workbench = null;
  const tabs = makeTabs(learn, bench.dataset.lesson ?? "", (pane) => workbench?.paneShown(pane));
  const divider = /** @type {HTMLElement | null} */ (learn.querySelector("[data-divider]"));
  if (divider) makeDivider(divider, learn, "--split");
  workbench = new Workbench(bench, tabs);
  workbench.paneShown(learn.dataset.shown ?? "");
  tellStudy(learn.dataset.studyUrl ?? "", jsonCaller(csrfToken));
  const standing = /** @type {HTMLElement | null} */ (learn.querySelector("[data-progress=standing]"));
  if (standing) followStanding(standing, jsonCaller(csrfToken));
}
followReading(Array.from(document.querySelectorAll("a[data-toc-link]"), (link) => /** @type {HTMLAnchorElement} */ (link)));
followOverflow(document.querySelectorAll(".prose [tabindex='0']"));
