"""Languages other than Python, on both engines."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

import pytest
from pytest_django import Settings

from sandbox.control import RunControl
from sandbox.engines import Engine, Limits
from sandbox.engines.bubblewrap import Bubblewrap
from sandbox.errors import ImageMissing
from sandbox.execution import AwaitingInput, Output, RunEvent, Stream
from sandbox.image import JAVASCRIPT
from sandbox.pool import Pool
from sandbox.pools import Pools
from sandbox.tests.conftest import Finished, run


@pytest.fixture(scope="module")
def node_pool(engine: Engine, missing: Callable[[str], NoReturn]) -> Iterator[Pool]:
    try:
        engine.check(JAVASCRIPT)
    except ImageMissing as error:
        missing(str(error))
    limits = Limits.from_settings(JAVASCRIPT)
    pool = Pool(engine, limits=limits, initial=1, minimum=1, maximum=1, image=JAVASCRIPT)
    yield pool
    pool.close()


def run_js(pool: Pool | Pools, code: str, **options: object) -> Finished:
    return run(pool, code, language="javascript", name="main.js", **options)  # type: ignore[arg-type] # pools run too


def test_javascript_runs(node_pool: Pool) -> None:
    finished = run_js(node_pool, "console.log([1, 2, 3].map(n => n * n).join()); console.error('oh')")
    assert (finished.outcome, finished.stdout, finished.stderr) == ("ok", "1,4,9\n", "oh\n")


def test_an_error_names_file_and_line(node_pool: Pool) -> None:
    finished = run_js(node_pool, "const a = 1;\nnothing();\n")
    assert (finished.outcome, finished.result.exit_code) == ("failed", 1)
    assert "main.js:2" in finished.stderr
    assert "ReferenceError: nothing is not defined" in finished.stderr


def test_exit_codes_and_input(node_pool: Pool) -> None:
    code = """
const lines = require("fs").readFileSync(0, "utf8").split("\\n");
console.log("Hello, " + lines[0]);
process.exit(3);
"""
    finished = run_js(node_pool, code, stdin="Ada\n")
    assert (finished.stdout, finished.result.exit_code, finished.outcome) == ("Hello, Ada\n", 3, "failed")


READERS = {
    "readline": """
const rl = require("readline").createInterface({ input: process.stdin, output: process.stdout });
rl.question("name? ", name => rl.question("age? ", age => { console.log(name, age); rl.close(); }));
""",
    "promises": """
const rl = require("readline/promises").createInterface({ input: process.stdin, output: process.stdout });
(async () => {
  const name = await rl.question("name? ");
  console.log(name, await rl.question("age? "));
  rl.close();
})();
""",
    "a stream": """
let said = [];
process.stdout.write("name? ");
process.stdin.setEncoding("utf8").on("data", line => {
  said.push(line.trim());
  if (said.length === 1) return process.stdout.write("age? ");
  console.log(...said);
  process.stdin.destroy();
});
""",
    "at once": """
const { readSync } = require("fs");
const ask = question => {
  process.stdout.write(question);
  const line = Buffer.alloc(100);
  return line.toString("utf8", 0, readSync(0, line)).trim();
};
console.log(ask("name? "), ask("age? "));
""",
    "a module": """
import("node:fs").then(({ readSync }) => {
  const line = Buffer.alloc(100), read = () => line.toString("utf8", 0, readSync(0, line)).trim();
  process.stdout.write("name? ");
  const name = read();
  process.stdout.write("age? ");
  console.log(name, read());
});
""",
}


@pytest.mark.parametrize("code", READERS.values(), ids=READERS)
def test_it_is_told_when_a_program_waits_for_input(node_pool: Pool, code: str) -> None:
    control = RunControl()
    answers = iter(["Ada\n", "37\n"])

    def answer(event: RunEvent) -> None:
        if isinstance(event, AwaitingInput):
            control.send_input(next(answers, ""))

    finished = run_js(node_pool, code, control=control, on_event=answer, stdin=None)

    assert (finished.stdout, finished.outcome) == ("name? age? Ada 37\n", "ok")
    asked = [event for event in finished.events if event == AwaitingInput() or isinstance(event, Output)]
    assert [type(event) for event in asked[:4]] == [Output, AwaitingInput, Output, AwaitingInput]
    assert asked[0] == Output(Stream.STDOUT, "name? ")


def test_all_input_is_waited_for_once(node_pool: Pool) -> None:
    control = RunControl()

    def answer(event: RunEvent) -> None:
        if isinstance(event, AwaitingInput):
            control.send_input("Ada\n37\n")
            control.close_input()

    code = "console.log(require('fs').readFileSync(0, 'utf8').split('\\n').length)"
    finished = run_js(node_pool, code, control=control, on_event=answer, stdin=None)

    assert finished.stdout == "3\n"
    assert finished.events.count(AwaitingInput()) == 1


def test_reading_is_otherwise_as_ever(node_pool: Pool) -> None:
    code = """
const fs = require("fs"), read = require("util").promisify(fs.read);
fs.writeFileSync("a.txt", "abc");
const said = read(fs.openSync("a.txt"), Buffer.alloc(3), 0, 3, 0);
said.then(found => console.log(found.bytesRead, fs.read.name));
"""
    assert run_js(node_pool, code).stdout == "3 read\n"


def test_a_program_may_close_what_tells_of_waiting(node_pool: Pool) -> None:
    control = RunControl()
    control.send_input("Ada\n")
    code = """
const fs = require("fs");
fs.closeSync(100);
process.stdin.once("data", line => { console.log("Hello, " + line); process.stdin.destroy(); });
"""
    assert run_js(node_pool, code, control=control, stdin=None).stdout == "Hello, Ada\n\n"


def test_files_beside_the_program_can_be_imported(node_pool: Pool) -> None:
    finished = run_js(
        node_pool, "console.log(require('./tool.js'))", files={"tool.js": "module.exports = 42"}
    )
    assert finished.stdout == "42\n"


@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        ("while (true) {}", "timeout"),
        ("const all = []; while (true) all.push(Buffer.alloc(1 << 20, 1))", "memory"),
        ("const all = []; while (true) all.push(new Array(1000).fill(all.length))", "memory"),
        ("while (true) console.log('x'.repeat(1000))", "output_limit"),
    ],
    ids=["time", "buffers", "heap", "output"],
)
def test_limits_hold(node_pool: Pool, code: str, outcome: str) -> None:
    assert run_js(node_pool, code, timeout=3 if outcome == "timeout" else 20).outcome == outcome
    assert run_js(node_pool, "console.log('next')").stdout == "next\n"


def test_javascript_is_walled_in(node_pool: Pool) -> None:
    code = """
const fs = require("fs"), status = fs.readFileSync("/proc/self/status", "utf8");
const of = name => status.match(new RegExp(name + ":\\\\s*(\\\\S+)"))[1];
console.log(of("CapEff"), of("NoNewPrivs"), of("Seccomp"));
try { fs.writeFileSync("/opt/x", ""); console.log("written"); } catch (error) { console.log(error.code); }
"""
    said = run_js(node_pool, code).stdout.splitlines()
    assert said[0] == "0000000000000000 1 2"
    assert said[1] in ("EROFS", "EACCES")


def test_an_unknown_language_is_refused(node_pool: Pool) -> None:
    with pytest.raises(ValueError, match="cobol"):
        run(node_pool, "DISPLAY 'HI'.", language="cobol")


@pytest.mark.bubblewrap
def test_plain_python_does_not_stand_in_for_a_language(settings: Settings, tmp_path: Path) -> None:
    settings.SANDBOX_PACKAGES_DIR = tmp_path
    pools = Pools(Bubblewrap())
    try:
        with pytest.raises(ImageMissing, match=r"javascript.*manage\.py build_sandbox_image"):
            run_js(pools, "console.log(1)")
    finally:
        pools.close()
