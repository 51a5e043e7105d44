"""Every limit ends a program with its own outcome, keeps what it had said, and hurts nobody else."""

from __future__ import annotations

import threading

import pytest

from sandbox.control import RunControl
from sandbox.engines import Limits
from sandbox.execution import Output, RunEvent, Started
from sandbox.pool import Pool
from sandbox.tests.conftest import Finished, MakePool, run


def was_reported(finished: Finished) -> bool:
    """Whether its supervisor ended it in time; of a container that was given up for late nothing is known."""
    return finished.result.peak_memory > 0


def test_time_limit_keeps_what_was_said(pool: Pool) -> None:
    finished = run(pool, "print('working', end='')\nwhile True: pass", timeout=1)

    assert finished.outcome == "timeout"
    assert finished.result.exit_code is None
    assert finished.stdout == "working"
    assert finished.result.wall_time >= 1
    assert was_reported(finished)


def test_time_limit_on_a_program_that_sleeps_and_ignores_signals(pool: Pool) -> None:
    code = """
import signal, time
for number in range(1, 65):
    try: signal.signal(number, signal.SIG_IGN)
    except (OSError, ValueError): pass
signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))
time.sleep(100)
"""
    assert run(pool, code, timeout=1).outcome == "timeout"


def test_cancel_ends_a_busy_program_at_once(pool: Pool) -> None:
    control = RunControl()

    def cancel(event: RunEvent) -> None:
        if isinstance(event, Output):
            control.cancel()

    code = "import sys; sys.stdout.write('go\\n')\nwhile True: pass"
    finished = run(pool, code, control=control, on_event=cancel)

    assert finished.outcome == "cancelled"
    assert finished.stdout == "go\n"
    assert was_reported(finished)


def test_cancel_from_another_thread_while_input_is_awaited(pool: Pool) -> None:
    control = RunControl()
    started = threading.Event()

    def wait_and_cancel() -> None:
        started.wait()
        control.cancel()

    canceller = threading.Thread(target=wait_and_cancel)
    canceller.start()

    def note(event: RunEvent) -> None:
        if isinstance(event, Started):
            started.set()

    assert run(pool, "input()", control=control, on_event=note, stdin=None).outcome == "cancelled"
    canceller.join()


def test_cancelled_before_the_start_never_runs(pool: Pool) -> None:
    control = RunControl()
    control.cancel()
    finished = run(pool, "print('ran')", control=control)

    assert finished.outcome == "cancelled"
    assert finished.events == []


@pytest.mark.parametrize(
    "write",
    [
        "print('x' * 1000)",
        "import os; os.write(1, b'y' * 1000)",
        "import sys; sys.stderr.write('z' * 999)",
        "import sys; sys.stdout.buffer.write(b'\\xff' * 4096)",
    ],
)
def test_output_limit_keeps_the_beginning(pool: Pool, limits: Limits, write: str) -> None:
    finished = run(pool, f"while True: {write}")

    assert finished.outcome == "output_limit"
    assert finished.result.truncated
    assert len(finished.stdout + finished.stderr) == limits.output


def test_output_just_within_the_limit_is_whole(pool: Pool, limits: Limits) -> None:
    finished = run(pool, f"print('x' * {limits.output - 1})")

    assert finished.outcome == "ok"
    assert not finished.result.truncated
    assert len(finished.stdout) == limits.output


def test_output_in_tiny_pieces_is_no_flood_of_events(pool: Pool) -> None:
    finished = run(pool, "import sys\nwhile True: sys.stdout.write('o'); sys.stderr.write('e')")

    assert finished.outcome == "output_limit"
    assert 1000 < len(finished.result.output) < 5000
    assert len(finished.events) < 10_000


@pytest.mark.parametrize(
    "code",
    [
        "block = bytearray(400 * 1024 * 1024)",
        "blocks = []\nwhile True: blocks.append(bytearray(1024 * 1024))",
        "import os\nos.fork(); os.fork()\nblocks = []\nwhile True: blocks.append(bytearray(1024 * 1024))",
    ],
)
def test_memory_limit(pool: Pool, code: str) -> None:
    finished = run(pool, f"print('before')\n{code}")

    assert finished.outcome == "memory"
    assert "before" in finished.stdout
    assert run(pool, "print('next')").stdout == "next\n"


def test_coping_with_too_little_memory_is_no_failure(pool: Pool) -> None:
    code = "try: [0] * 10**15\nexcept MemoryError: print('coped')"
    finished = run(pool, code)

    assert finished.outcome == "ok"
    assert finished.stdout == "coped\n"


@pytest.mark.parametrize(
    "code",
    [
        "import os\nwhile True: os.fork()",
        "from threading import Thread\nwhile True: Thread(target=input, daemon=True).start()",
    ],
    ids=["processes", "threads"],
)
def test_process_limit(pool: Pool, code: str) -> None:
    assert run(pool, code, timeout=10, stdin=None).outcome == "process_limit"
    assert run(pool, "print('next')").stdout == "next\n"


def test_tmp_is_small_and_a_full_one_is_the_programs_problem(pool: Pool, limits: Limits) -> None:
    code = """
import os
with open("/tmp/big", "wb") as file:
    written = 0
    try:
        while True:
            written += file.write(bytes(65536)); file.flush()
    except OSError as error:
        print(written, error.errno)
"""
    written, number = run(pool, code).stdout.split()

    assert int(written) <= limits.tmp
    assert number == "28"  # ENOSPC
    assert run(pool, "open('/tmp/x', 'w').write('y' * 100000)").outcome == "ok"


def test_open_files_are_limited(pool: Pool, limits: Limits) -> None:
    code = """
files = []
try:
    while True: files.append(open("/dev/null"))
except OSError as error: print(len(files), error.errno)
"""
    opened, number = run(pool, code).stdout.split()

    assert int(opened) < limits.open_files
    assert number == "24"  # EMFILE


def test_deep_recursion_is_an_ordinary_failure(pool: Pool) -> None:
    finished = run(pool, "def f(): f()\nf()")

    assert finished.outcome == "failed"
    assert "RecursionError" in finished.stderr


def test_a_daemon_neither_stretches_the_run_nor_survives(pool: Pool) -> None:
    code = """
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        while True: os.write(1, b"daemon "); time.sleep(0.01)
    os._exit(0)
os.wait()
time.sleep(0.05)
print("end")
"""
    finished = run(pool, code)

    assert finished.outcome == "ok"  # stretched by the daemon, it would have run into its limit
    assert "end" in finished.stdout
    left = """
import os
others = {p for p in os.listdir("/proc") if p.isdigit()} - {"1", str(os.getpid())}
print([p for p in others if "\\nUid:\\t0\\t0\\t0" not in open(f"/proc/{p}/status").read()])
"""
    for _ in range(3):  # all containers of the pool
        assert run(pool, left).stdout == "[]\n"


def test_orphans_do_not_use_up_the_processes(pool: Pool) -> None:
    code = """
import os
for _ in range(150):
    if os.fork() == 0:
        if os.fork() == 0: os._exit(0)
        os._exit(0)
    os.wait()
print("made")
"""
    assert run(pool, code).stdout == "made\n"


def test_a_run_larger_than_a_request_may_be_is_rejected(make_pool: MakePool) -> None:
    finished = run(make_pool(), "x = 1", files={"big.txt": "x" * 9_000_000})

    assert finished.outcome == "rejected"
