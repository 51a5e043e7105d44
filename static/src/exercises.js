/** The exercises below a lesson's text: put into the editor, answered, told as solved. */

import { Refused } from "./http.js";

const RUNGS = 4; // of the ladder: a line, a question, a concept, an example

/**
 * @typedef {object} Exercise
 * @property {number} id
 * @property {string} key as the API names it
 * @property {string} title
 * @property {string | null} starter null: the listing's code
 * @property {number | null} buildsOn the listing, from 0
 * @property {number} hintCount
 * @property {string} hintUrl
 * @property {string} solutionUrl
 * @property {HTMLElement} element
 *
 * @typedef {object} ExerciseActions
 * @property {(exercise: Exercise) => void} start
 * @property {(code: string) => void} runProgram put a program into the editor and run it
 * @property {() => string} language of the page's text
 * @property {(number: number, count: number) => string} hintName
 * @property {(exercise: Exercise) => void} solved
 * @property {import("./http.js").Call} call
 */

/** @param {ExerciseActions} actions */
export function listenToExercises({ start, runProgram, language, hintName, solved, call }) {
  for (const element of document.querySelectorAll("[data-exercise]")) {
    const exercise = exerciseIn(/** @type {HTMLElement} */ (element));
    onAction(exercise, "start", () => start(exercise));
    onAction(exercise, "run-program", () => runProgram(templateOf(exercise, "program")?.textContent ?? ""));
    const form = /** @type {HTMLFormElement | null} */ (part(exercise, "question"));
    form?.addEventListener("submit", (event) => {
      event.preventDefault();
      void answer(exercise, form, { language, solved, call });
    });
    if (form) offerHints(exercise, hintName, call);
  }
}

/** The exercise of this page with the id, if there is one. @param {number} id @returns {Exercise | null} */
export function exerciseById(id) {
  const element = document.querySelector(`[data-exercise="${id}"]`);
  return element ? exerciseIn(/** @type {HTMLElement} */ (element)) : null;
}

/** How many hints lead up: the author's, and where these are few, those at the cursor. @param {{hintCount: number}} exercise */
export function ladderOf({ hintCount }) {
  return Math.max(RUNGS, hintCount);
}

/** Whether the page's address asks to do the exercise anew. @param {Exercise} exercise */
export function isAskedAgain({ element }) {
  return new URLSearchParams(location.search).get("again") === element.id.replace(/^exercise-/, "");
}

/** The exercise that the page's address names. @returns {Exercise | null} */
export function exerciseInAddress() {
  const element = location.hash ? document.getElementById(decodeURIComponent(location.hash.slice(1))) : null;
  return element?.dataset.exercise && part(exerciseIn(element), "question") === null ? exerciseIn(element) : null;
}

/** @param {Exercise} exercise */
export function isSolved(exercise) {
  return "solved" in exercise.element.dataset;
}

/** @param {Exercise} exercise */
export function markSolved(exercise) {
  exercise.element.dataset.solved = "";
  const link = part(exercise, "solution-link");
  if (link) link.hidden = false;
}

/** The hints that were taken, as the page has them. @param {Exercise} exercise @returns {HTMLElement[]} */
export function takenHints(exercise) {
  const hints = templateOf(exercise, "hints")?.querySelectorAll(".exercise-hint") ?? [];
  return Array.from(hints, (hint) => /** @type {HTMLElement} */ (hint.cloneNode(true)));
}

/** Keep a hint with its exercise, for when that is opened again. @param {Exercise} exercise @param {HTMLElement} hint */
export function keepHint(exercise, hint) {
  templateOf(exercise, "hints")?.append(hint.cloneNode(true));
}

/** @param {HTMLElement} element @returns {Exercise} */
function exerciseIn(element) {
  const { exercise, key, title, hintCount, hintUrl, solutionUrl, buildsOn } = element.dataset;
  return {
    id: Number(exercise),
    key: key ?? "",
    title: title ?? "",
    starter: element.querySelector("[data-exercise-part=starter]") ? (templateIn(element, "starter")?.textContent ?? "") : null,
    buildsOn: buildsOn === undefined ? null : Number(buildsOn),
    hintCount: Number(hintCount),
    hintUrl: hintUrl ?? "",
    solutionUrl: solutionUrl ?? "",
    element,
  };
}

/**
 * The hints of a question: one quiet button until it is answered, which tells what it prints.
 *
 * @param {Exercise} exercise @param {ExerciseActions["hintName"]} hintName @param {import("./http.js").Call} call
 */
function offerHints(exercise, hintName, call) {
  const button = part(exercise, "hint");
  const list = part(exercise, "hint-list");
  if (!button || !list) return;
  const show = () => {
    button.hidden = list.children.length >= exercise.hintCount || isSolved(exercise);
    button.textContent = hintName(list.children.length + 1, exercise.hintCount);
  };
  button.addEventListener("click", async () => {
    const problem = /** @type {HTMLElement} */ (part(exercise, "verdict"));
    try {
      const told = await call("POST", exercise.hintUrl, {});
      list.insertAdjacentHTML("beforeend", told.html);
      problem.textContent = "";
      /** @type {HTMLElement} */ (list.lastElementChild).tabIndex = -1;
      /** @type {HTMLElement} */ (list.lastElementChild).focus();
      show();
    } catch (error) {
      problem.textContent = error instanceof Refused ? error.message : "";
    }
  });
  show();
}

/**
 * @param {Exercise} exercise @param {HTMLFormElement} form
 * @param {Pick<ExerciseActions, "language" | "solved" | "call">} actions
 */
async function answer(exercise, form, { language, solved, call }) {
  const verdict = /** @type {HTMLElement} */ (part(exercise, "verdict"));
  const button = /** @type {HTMLButtonElement} */ (form.querySelector("button"));
  const given = String(new FormData(form).get("answer") ?? "");
  button.disabled = true;
  try {
    const told = await call("POST", exercise.element.dataset.answerUrl ?? "", { answer: given, language_version: language() });
    verdict.innerHTML = told.html;
    if (told.passed) solved(exercise);
    const hint = part(exercise, "hint");
    if (hint) hint.hidden = true;
    const run = exercise.element.querySelector("[data-exercise-action=run-program]");
    if (run) /** @type {HTMLElement} */ (run).hidden = false;
  } catch (error) {
    verdict.textContent = error instanceof Refused ? error.message : "";
  } finally {
    button.disabled = false;
  }
}

/** @param {Exercise} exercise @param {string} name @param {() => void} act */
function onAction(exercise, name, act) {
  exercise.element.querySelector(`[data-exercise-action="${name}"]`)?.addEventListener("click", act);
}

/** @param {Exercise} exercise @param {string} name @returns {HTMLElement | null} */
function part(exercise, name) {
  return exercise.element.querySelector(`[data-exercise-part="${name}"]`);
}

/** @param {Exercise} exercise @param {string} name */
function templateOf(exercise, name) {
  return templateIn(exercise.element, name);
}

/** @param {HTMLElement} element @param {string} name @returns {DocumentFragment | null} */
function templateIn(element, name) {
  return /** @type {HTMLTemplateElement | null} */ (element.querySelector(`template[data-exercise-part="${name}"]`))?.content ?? null;
}
