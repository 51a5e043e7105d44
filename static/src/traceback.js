/**
 * Python's tracebacks: which lines of which file they name, and what went wrong.
 */

/**
 * @typedef {{file: string, line: number, start: number, end: number}} Frame
 *   line: from 1; start, end: where it stands in the text
 *
 * @typedef {{file: string, error: string, message: string}} PreludeFailure an earlier listing that failed
 */

// As Python writes it, and as the policy's findings are listed: `main.py:3:1: …`.
const FRAME = /File "([^"\n]+)", line (\d+)|^([^\s:"]+\.py):(\d+):\d+(?=: )/gm;
// Exception groups are drawn as a tree: "  + Exception Group Traceback …", then "  | " before each line.
const HEAD = /^(?: *\+ Exception Group )?Traceback \(most recent call last\):$/gm;
const BRANCH = /^ *\| /;
// The program's own lines are indented in a traceback, so the first that is not names the error.
const ERROR = /^[\p{L}_][\p{L}\p{N}_.]*(?:: .*)?$/u;
// What the supervisor writes of a listing that came before the program and failed.
const PRELUDE = /^(\S*listing-\d+\.py): ([\w.]+)(?:: (.*))?$/gm;
const CRASH = /^Fatal Python error: (.+)$/m;

/**
 * @param {string} text
 * @returns {Frame[]} in the order of the text
 */
export function framesIn(text) {
  return Array.from(text.matchAll(FRAME), (match) => ({
    file: match[1] ?? match[3],
    line: Number(match[2] ?? match[4]),
    start: match.index,
    end: match.index + match[0].length,
  }));
}

/**
 * What the program died of: the last error line of its standard error and the innermost of the
 * learner's own lines before it.
 *
 * @param {string} stderr
 * @param {(file: string) => boolean} isOwn tells the learner's own file from Python's and the lesson's
 * @returns {{message: string, line: number | null} | null} null when there is no error in it
 */
export function failureIn(stderr, isOwn) {
  const head = lastMatch(stderr, HEAD);
  const frames = framesIn(stderr);
  // A syntax error has no "Traceback" line before it, only the file and the error.
  const from = head >= 0 ? head : (frames[0]?.start ?? -1);
  if (from < 0) return null;
  const message = errorLine(stderr.slice(from));
  if (message === null) return null;
  const own = frames.filter((frame) => frame.start >= from && isOwn(frame.file)).at(-1);
  return { message, line: own?.line ?? null };
}

/**
 * The earlier listing whose failure the program died of: the first one, unless it only missed a name itself.
 *
 * @param {string} stderr
 * @returns {PreludeFailure | null}
 */
export function preludeFailureIn(stderr) {
  const head = lastMatch(stderr, HEAD);
  const before = head < 0 ? stderr : stderr.slice(0, head);
  const failures = Array.from(before.matchAll(PRELUDE), ([, file, error, message = ""]) => ({ file, error, message }));
  return failures.find(({ error }) => error !== "NameError") ?? failures[0] ?? null;
}

/** What Python says of its own crash. @param {string} stderr @returns {string | null} */
export function crashIn(stderr) {
  return CRASH.exec(stderr)?.[1] ?? null;
}

/** @param {string} text @param {RegExp} pattern global */
function lastMatch(text, pattern) {
  let at = -1;
  for (const match of text.matchAll(pattern)) at = match.index;
  return at;
}

/** @param {string} traceback from its head on */
function errorLine(traceback) {
  const lines = traceback.split("\n").slice(1);
  return lines.map((line) => line.replace(BRANCH, "").trimEnd()).find((line) => ERROR.test(line)) ?? null;
}
