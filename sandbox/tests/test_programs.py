"""A program behaves as under `python main.py`, and what it says arrives in order and in time."""

from __future__ import annotations

import textwrap
import time

import pytest

from sandbox.control import RunControl
from sandbox.execution import AwaitingInput, Output, RunEvent, Source, Started, Stream
from sandbox.pool import Pool
from sandbox.tests.conftest import run


def test_hello(pool: Pool) -> None:
    finished = run(pool, 'print("hi")')

    assert finished.outcome == "ok"
    assert finished.result.exit_code == 0
    assert finished.result.output == (Output(Stream.STDOUT, "hi\n"),)
    assert finished.events[0] == Started()
    assert "".join(event.text for event in finished.events if isinstance(event, Output)) == "hi\n"
    assert not finished.result.truncated
    assert 0 < finished.result.cpu_time < 5
    assert 0 < finished.result.wall_time < 5
    assert 2**20 < finished.result.peak_memory < 2**27


def test_a_child_that_comes_to_the_end_of_the_program_does_not_end_it(pool: Pool) -> None:
    code = """
        import os, sys
        child = os.fork()
        if child:
            print("parent", os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        else:
            print("child")
            sys.exit(3)
    """
    finished = run(pool, textwrap.dedent(code))

    assert (finished.outcome, finished.stdout) == ("ok", "child\nparent 3\n")


def test_a_program_may_replace_what_its_end_is_made_of(pool: Pool) -> None:
    code = """
        import signal, time
        def wait(seconds): raise ValueError(missing)
        time.sleep = wait
        signal.signal(signal.SIGALRM, wait)
        signal.setitimer(signal.ITIMER_REAL, 0.01, 0.01)
        print("done")
        raise SystemExit(4)
    """
    for _ in range(5):
        finished = run(pool, textwrap.dedent(code))

        assert (finished.result.exit_code, finished.stdout) == (4, "done\n")


@pytest.mark.parametrize("end", ["pass", "import os; os._exit(0)", "import os; os.system('true')"])
def test_what_a_program_used_is_told_however_it_ends(pool: Pool, end: str) -> None:
    code = f"""
        import time
        held = bytearray(b"x") * 50_000_000
        while time.process_time() < 0.2: pass
        {end}
    """
    finished = run(pool, textwrap.dedent(code))

    assert finished.outcome == "ok"
    assert 0.2 <= finished.result.cpu_time < 0.4
    assert 50_000_000 < finished.result.peak_memory < 90_000_000


def test_stdout_and_stderr_keep_their_order(pool: Pool) -> None:
    code = """
        import os, subprocess, sys
        print("one", end="")
        print("two", file=sys.stderr)
        sys.stdout.buffer.write(b"three\\n")
        os.write(2, b"four\\n")
        print("five")
        subprocess.run(["echo", "six"])
        print("seven", file=sys.stderr)
        os.system("echo eight >&2")
        print("nine")
    """
    finished = run(pool, textwrap.dedent(code))

    assert [(piece.stream, piece.text) for piece in finished.result.output] == [
        ("stdout", "one"),
        ("stderr", "two\n"),
        ("stdout", "three\n"),
        ("stderr", "four\n"),
        ("stdout", "five\nsix\n"),
        ("stderr", "seven\neight\n"),
        ("stdout", "nine\n"),
    ]


def test_many_interleaved_lines_stay_in_order(pool: Pool) -> None:
    code = "import sys\nfor i in range(2000): print(i, file=(sys.stdout, sys.stderr)[i % 2])"
    finished = run(pool, code)

    assert "".join(piece.text for piece in finished.result.output).split() == [str(i) for i in range(2000)]


def test_an_uncaught_exception_shows_the_program_alone(pool: Pool) -> None:
    finished = run(pool, "def divide(a, b):\n    return a / b\n\nprint('so far')\ndivide(1, 0)\n")

    assert finished.outcome == "failed"
    assert finished.result.exit_code == 1
    assert finished.stdout == "so far\n"
    lines = finished.stderr.splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert [line for line in lines if "File" in line] == [
        '  File "main.py", line 5, in <module>',
        '  File "main.py", line 2, in divide',
    ]
    assert "    return a / b" in lines
    assert lines[-1] == "ZeroDivisionError: division by zero"


def test_a_syntax_error_is_an_ordinary_failure(pool: Pool) -> None:
    finished = run(pool, "x = 1\nprint('never'\n")

    assert finished.outcome == "failed"
    assert finished.result.exit_code == 1
    assert finished.stderr.startswith('  File "main.py", line 2\n')
    assert "SyntaxError: '(' was never closed" in finished.stderr
    assert "Traceback" not in finished.stderr


@pytest.mark.parametrize(
    ("code", "exit_code", "stderr"),
    [
        ("import sys; sys.exit()", 0, ""),
        ("import sys; sys.exit(3)", 3, ""),
        ("import sys; sys.exit(-1)", 255, ""),
        ("import sys; sys.exit('no')", 1, "no\n"),
        ("exit(4)", 4, ""),
        ("import os; os._exit(5)", 5, ""),
        ("raise SystemExit(False)", 0, ""),
        ("raise KeyboardInterrupt", 130, None),
    ],
)
def test_exit_codes(pool: Pool, code: str, exit_code: int, stderr: str | None) -> None:
    finished = run(pool, code)

    assert finished.result.exit_code == exit_code
    assert finished.outcome == ("ok" if exit_code == 0 else "failed")
    assert stderr is None or finished.stderr == stderr


def test_a_crash_has_no_exit_code(pool: Pool) -> None:
    finished = run(pool, "import ctypes; print('before'); ctypes.string_at(0)")

    assert finished.outcome == "failed"
    assert finished.result.exit_code is None
    assert finished.stdout == "before\n"


def test_the_end_of_a_program_runs_what_python_runs(pool: Pool) -> None:
    code = """
        import atexit, threading, time
        class Thing:
            def __del__(self): print("deleted")
        thing = Thing()
        atexit.register(print, "atexit")
        threading.Thread(target=lambda: (time.sleep(0.05), print("thread"))).start()
        print("main")
    """
    assert run(pool, textwrap.dedent(code)).stdout == "main\nthread\natexit\ndeleted\n"


def test_the_programs_own_excepthook_is_used(pool: Pool) -> None:
    finished = run(pool, "import sys\nsys.excepthook = lambda k, e, t: print('hook', e)\n1/0")

    assert finished.stdout == "hook division by zero\n"
    assert finished.stderr == ""


def test_an_exception_that_cannot_be_shown_is_still_reported(pool: Pool) -> None:
    code = "class Odd(Exception):\n    def __str__(self): raise ValueError\nraise Odd"

    assert "Odd" in run(pool, code).stderr


def test_top_level_await(pool: Pool) -> None:
    finished = run(
        pool, "import asyncio\nawait asyncio.sleep(0)\nx = 1\nprint('done')\nprint(await asyncio.sleep(0, x))"
    )

    assert finished.stdout == "done\n1\n"


def test_a_top_level_await_that_fails_shows_the_program_alone(pool: Pool) -> None:
    finished = run(pool, "import asyncio\nawait asyncio.sleep(0)\n1/0")

    assert finished.stderr.splitlines()[1] == '  File "main.py", line 3, in <module>'


def test_asyncio_run_works_as_ever(pool: Pool) -> None:
    assert run(pool, "import asyncio\nasync def f(): print('in')\nasyncio.run(f())").stdout == "in\n"


def test_main_module_looks_like_a_script(pool: Pool) -> None:
    code = """
        import os, sys
        print(__name__, __file__, sys.argv, sys.path[0], os.getcwd(), sorted(os.listdir()))
        print(sys.modules["__main__"].__dict__ is globals(), "supervisor" in sys.modules)
        def f(): return 1
        import inspect; print(inspect.getsource(f))
    """
    out = run(pool, textwrap.dedent(code)).stdout

    assert out.startswith(
        "__main__ /tmp/work/main.py ['main.py'] /tmp/work /tmp/work ['main.py']\nTrue False\n"
    )
    assert "def f(): return 1" in out


def test_text_is_utf8_and_bad_bytes_do_no_harm(pool: Pool) -> None:
    code = """
        import sys
        print("你好 🌍", input())
        print("\\udc80")
        sys.stdout.buffer.write(b"\\xff\\xe4")
        sys.stdout.buffer.write(b"\\xbd\\xa0 nul:\\x00\\n")
    """
    assert (
        run(pool, textwrap.dedent(code), stdin="héllo\n").stdout
        == "你好 🌍 héllo\n?\n\N{REPLACEMENT CHARACTER}你 nul:␀\n"
    )


def test_random_numbers_differ_between_runs(pool: Pool) -> None:
    seen = {run(pool, "import random, uuid; print(random.random(), uuid.uuid4())").stdout for _ in range(4)}

    assert len(seen) == 4


# --- Input ----------------------------------------------------------------------------------------------


def test_input_given_in_advance(pool: Pool) -> None:
    finished = run(
        pool, "import sys\nname = input('name? ')\nprint(name, sys.stdin.read())", stdin="Ada\nrest"
    )

    assert finished.stdout == "name? Ada rest\n"
    assert AwaitingInput() not in finished.events


def test_input_that_is_missing_is_an_eof_error(pool: Pool) -> None:
    assert "EOFError" in run(pool, "input()", stdin="").stderr


def test_a_lot_of_input(pool: Pool) -> None:
    text = "line\n" * 100_000

    assert run(pool, "import sys; print(len(sys.stdin.read()))", stdin=text).stdout == f"{len(text)}\n"


def test_input_asked_for_while_running(pool: Pool) -> None:
    control = RunControl()
    answers = iter(["Ada\n", "37\n"])

    def answer(event: RunEvent) -> None:
        if isinstance(event, AwaitingInput):
            control.send_input(next(answers))

    code = "a = input('name? ')\nb = input('age? ')\nprint(a, b)"
    finished = run(pool, code, control=control, on_event=answer, stdin=None)

    assert finished.stdout == "name? age? Ada 37\n"
    kinds = [type(event) for event in finished.events]
    assert kinds[:5] == [Started, Output, AwaitingInput, Output, AwaitingInput]
    assert set(kinds[5:]) == {Output}
    assert finished.events[1] == Output(Stream.STDOUT, "name? ")


def test_input_can_be_ended(pool: Pool) -> None:
    control = RunControl()

    def answer(event: RunEvent) -> None:
        if isinstance(event, AwaitingInput):
            control.send_input("one\ntwo")
            control.close_input()

    code = "import sys\nfor line in sys.stdin: print(repr(line))"
    assert run(pool, code, control=control, on_event=answer, stdin=None).stdout == "'one\\n'\n'two'\n"


def test_input_sent_before_the_start_is_not_lost(pool: Pool) -> None:
    control = RunControl()
    control.send_input("early\n")

    assert run(pool, "print(input())", control=control, stdin=None).stdout == "early\n"


def test_much_input_sent_while_running(pool: Pool) -> None:
    control = RunControl()
    text = "line\n" * 200_000
    control.send_input(text)
    control.close_input()

    code = "import sys; print(len(sys.stdin.read()))"
    assert run(pool, code, control=control, stdin=None).stdout == f"{len(text)}\n"


def test_a_child_process_reads_the_same_input(pool: Pool) -> None:
    assert run(pool, "import subprocess; subprocess.run(['cat'])", stdin="to cat").stdout == "to cat"


# --- Streaming ------------------------------------------------------------------------------------------


def test_output_arrives_while_the_program_runs(pool: Pool) -> None:
    control = RunControl()

    def go_on(event: RunEvent) -> None:
        if isinstance(event, Output):
            control.send_input("go on\n")  # only what has been seen lets the program end

    finished = run(
        pool, "print('first', end='')\nprint(input())", control=control, on_event=go_on, stdin=None
    )

    assert finished.stdout == "firstgo on\n"


# --- Preludes and files ---------------------------------------------------------------------------------


def test_preludes_define_and_keep_quiet(pool: Pool) -> None:
    prelude = (
        Source(
            name="listing-1.py",
            code="import os\nx = 20\nprint('hidden', __name__)\nos.system('echo hidden')\n",
        ),
        Source(
            name="listing-2.py", code="def double(n): return 2 * n\nif __name__ == '__main__': print('no')\n"
        ),
    )
    finished = run(pool, "print(double(x), __name__)", prelude=prelude)

    assert finished.stdout == "40 __main__\n"
    assert finished.stderr == ""


def test_a_prelude_that_fails_costs_one_line(pool: Pool) -> None:
    prelude = (
        Source(name="listing-1.py", code="x = 1\n1/0\n"),
        Source(name="listing-2.py", code="import sys; y = 2; sys.exit(1)"),
        Source(name="listing-3.py", code="name = input()"),
    )
    finished = run(pool, "print(x, y, input())", prelude=prelude, stdin="mine")

    assert finished.outcome == "ok"
    assert finished.stdout == "1 2 mine\n"
    assert finished.stderr.splitlines() == [
        "listing-1.py: ZeroDivisionError: division by zero",
        "listing-2.py: SystemExit: 1",
        "listing-3.py: EOFError: EOF when reading a line",
    ]


def test_tracebacks_through_a_prelude_name_the_listing(pool: Pool) -> None:
    prelude = (Source(name="listing-1.py", code="def fail():\n    raise ValueError('x')\n"),)
    lines = run(pool, "fail()", prelude=prelude).stderr.splitlines()

    assert lines[1:5] == [
        '  File "main.py", line 1, in <module>',
        "    fail()",
        '  File "listing-1.py", line 2, in fail',
        "    raise ValueError('x')",
    ]


def test_files_lie_beside_the_program(pool: Pool) -> None:
    files = {"helper.py": "VALUE = 7\n", "data/table.csv": "a,b\r\n"}
    code = "import helper\nprint(helper.VALUE, repr(open('data/table.csv', newline='').read()))"

    assert run(pool, code, files=files).stdout == "7 'a,b\\r\\n'\n"


def test_large_files_are_handed_over_at_once(pool: Pool) -> None:
    """Meanwhile the supervisor hears nothing, no stop either."""
    began = time.monotonic()
    finished = run(pool, "print(len(open('data.txt').read()))", files={"data.txt": "z" * 7_500_000})

    assert finished.stdout == "7500000\n"
    assert time.monotonic() - began < 2


def test_a_future_import_of_the_platform_does_not_leak_in(pool: Pool) -> None:
    assert run(pool, "def f(x: int): ...\nprint(f.__annotations__)").stdout == "{'x': <class 'int'>}\n"
