import assert from "node:assert/strict";
import { test } from "node:test";
import { failureIn, framesIn } from "../traceback.js";

const isOwn = (/** @type {string} */ file) => file === "main.py";

const NESTED = `Traceback (most recent call last):
  File "main.py", line 7, in <module>
    load("{")
  File "main.py", line 4, in load
    return json.loads(text)
  File "/usr/lib/python3.12/json/decoder.py", line 355, in raw_decode
    obj, end = self.scan_once(s, idx)
json.decoder.JSONDecodeError: Expecting value: line 1 column 2 (char 1)
`;

test("frames say where they stand in the text", () => {
  const frames = framesIn(NESTED);
  assert.deepEqual(
    frames.map(({ file, line }) => [file, line]),
    [["main.py", 7], ["main.py", 4], ["/usr/lib/python3.12/json/decoder.py", 355]],
  );
  assert.equal(NESTED.slice(frames[1].start, frames[1].end), 'File "main.py", line 4');
});

test("the failed line is the innermost of the learner's own, not the library's", () => {
  assert.deepEqual(failureIn(NESTED, isOwn), {
    message: "json.decoder.JSONDecodeError: Expecting value: line 1 column 2 (char 1)",
    line: 4,
  });
});

test("of chained exceptions the last one counts", () => {
  const chained = `Traceback (most recent call last):
  File "main.py", line 2, in <module>
    1/0
ZeroDivisionError: division by zero

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "main.py", line 4, in <module>
    raise RuntimeError("worse\\nmore")
RuntimeError: worse
more
`;
  assert.deepEqual(failureIn(chained, isOwn), { message: "RuntimeError: worse", line: 4 });
});

test("a syntax error has no traceback line and is found all the same", () => {
  const syntax = '  File "main.py", line 1\n    def f(:\n          ^\nSyntaxError: invalid syntax\n';
  assert.deepEqual(failureIn(syntax, isOwn), { message: "SyntaxError: invalid syntax", line: 1 });
});

test("an exception group is named by its own line", () => {
  const group = `  + Exception Group Traceback (most recent call last):
  |   File "main.py", line 3, in <module>
  |     raise ExceptionGroup("many", [ValueError("a")])
  | ExceptionGroup: many (1 sub-exception)
  +-+---------------- 1 ----------------
    | ValueError: a
    +------------------------------------
`;
  assert.deepEqual(failureIn(group, isOwn), { message: "ExceptionGroup: many (1 sub-exception)", line: 3 });
});

test("an error that is not in the learner's code has a message and no line", () => {
  const other = 'Traceback (most recent call last):\n  File "listing-0.py", line 1, in <module>\n    x\nNameError: x\n';
  assert.deepEqual(failureIn(other, isOwn), { message: "NameError: x", line: null });
});

test("what a program logs to standard error is no failure", () => {
  assert.equal(failureIn("INFO: started\nwarning: slow\n", isOwn), null);
});

test("an error without a message, and one with a name of another script", () => {
  const head = 'Traceback (most recent call last):\n  File "main.py", line 2, in <module>\n    assert x\n';
  assert.equal(failureIn(`${head}AssertionError\n`, isOwn)?.message, "AssertionError");
  assert.equal(failureIn(`${head}__main__.错误: 原因\n`, isOwn)?.message, "__main__.错误: 原因");
});

test("the places that a policy's findings name are found too", () => {
  const findings = "main.py:2:1: “subprocess” starts another program.\nmain.py:14:9: “eval” runs any text as code.\n";
  assert.deepEqual(
    framesIn(findings).map(({ file, line }) => [file, line]),
    [["main.py", 2], ["main.py", 14]],
  );
});
