"""What one run learns of another, and what a program is given to hold; `test_hostile` has the attacks."""

from __future__ import annotations

import os
import secrets
import textwrap

import pytest

from sandbox.control import RunControl
from sandbox.execution import AwaitingInput, Output, RunEvent, Source, Started, Stream
from sandbox.pool import Pool
from sandbox.tests.conftest import Finished, MakePool, run


def run_dedented(pool: Pool, code: str) -> Finished:
    return run(pool, textwrap.dedent(code))


def test_every_run_is_somebody_else(make_pool: MakePool) -> None:
    pool = make_pool()
    seen = {run(pool, "import os; print(os.getuid())").stdout for _ in range(3)}

    assert len(seen) == 3


def test_no_descriptor_of_the_supervisor_is_inherited(pool: Pool) -> None:
    code = """
        import os
        paths = [f"/proc/self/fd/{fd}" for fd in range(4096)]
        print(sorted(os.readlink(path).split(":")[0] for path in paths if os.path.islink(path)))
    """
    assert run_dedented(pool, code).stdout == "['pipe', 'pipe', 'pipe', 'socket']\n"


def test_closing_every_descriptor_only_silences_the_program(pool: Pool) -> None:
    finished = run(pool, "import os\nprint('said')\nos.closerange(0, 4096)\nos._exit(3)")

    assert finished.result.exit_code == 3
    assert finished.result.output == (Output(Stream.STDOUT, "said\n"),)


def test_the_zygote_is_as_hard_to_reach_as_the_supervisor(pool: Pool) -> None:
    code = """
        import os, signal
        changes = (lambda pid: os.setpriority(os.PRIO_PROCESS, pid, 19), lambda pid: os.setpgid(pid, pid),
            lambda pid: os.sched_setaffinity(pid, [0]), lambda pid: os.pidfd_open(pid) and os.kill(pid, 18))
        for pid in {int(p) for p in os.listdir("/proc") if p.isdigit()} - {os.getpid()}:
            for name in "environ mem maps fd/0 fd/101 cwd root syscall auxv".split():
                try:
                    with open(f"/proc/{pid}/{name}", "rb") as file: file.read(1)
                    print("read", name)
                except OSError: pass
            try: print("listed", os.listdir(f"/proc/{pid}/fd"))
            except OSError: pass
            for number in range(1, 65):
                try: os.kill(pid, number); print("sent", number)
                except OSError: pass
            for change in changes:
                try: change(pid); print("changed")
                except OSError: pass
        print("end")
    """
    assert run_dedented(pool, code).stdout == "end\n"
    assert run(pool, "print('alive')").stdout == "alive\n"


def test_endless_packets_do_not_reach_the_learner(pool: Pool) -> None:
    code = """
        import os, socket, struct
        fd, = (fd for fd in range(3, 300) if "socket" in os.path.realpath(f"/proc/self/fd/{fd}"))
        packets = socket.socket(fileno=fd)
        while True: packets.send(struct.pack("=BQ", 16, 0))
    """
    finished = run(pool, textwrap.dedent(code), timeout=1, stdin=None)

    assert finished.outcome == "timeout"
    assert len(finished.events) <= 2


def test_one_run_does_not_hear_of_another(pool: Pool) -> None:
    run(pool, "print('mine'); import time; time.sleep(0.01)")

    heard = run(pool, "print('yours')").events
    assert heard[0] == Started()
    assert "".join(event.text for event in heard[1:] if isinstance(event, Output)) == "yours\n"


# --- Memory ---------------------------------------------------------------------------------------------

# Tells a secret in every way that a program and its learner have of saying anything.
TELL = """
import os, sys
given = input(), sys.stdin.readline()
SECRET = "{secret}"
print(SECRET, given); print(SECRET, given, file=sys.stderr)
os.write(1, SECRET.encode() * 50); os.write(2, SECRET.encode() * 50)
os.environ["SECRET"] = SECRET; open("secret", "w").write(SECRET); os.system("echo $SECRET")
print(open("data/{secret}.txt").read(), SECRET * 2000)
raise ValueError(SECRET)
"""
LEAVE_A_DAEMON = "import subprocess; subprocess.Popen(['sleep', '60'], start_new_session=True)"
# Looks through all memory of its own process, which is a copy of the supervisor's, for what begins so.
SEARCH = r"""
import re
found = set()
for line in open("/proc/self/maps"):
    span, mode = line.split()[:2]
    if "r" not in mode or line.endswith(("[vvar]\n", "[vsyscall]\n", "[vvar_vclock]\n")): continue
    start, end = (int(edge, 16) for edge in span.split("-"))
    with open("/proc/self/mem", "rb", buffering=0) as memory:
        memory.seek(start)
        found |= set(re.findall(rb"secret[-][0-9a-f]{6}", memory.read(end - start)))
print(sorted(found))
"""


@pytest.mark.parametrize("between", ["", LEAVE_A_DAEMON], ids=["at once", "after a daemon"])
def test_memory_holds_nothing_of_an_earlier_run(make_pool: MakePool, between: str) -> None:
    """Neither its program, nor what it was given, nor what it said: a fork copies what lies about, too."""
    pool = make_pool()
    secret = f"secret-{secrets.token_hex(16)}"
    control = RunControl()
    given = iter([f"{secret} first\n", f"{secret} second\n"])

    def answer(event: RunEvent) -> None:
        if isinstance(event, AwaitingInput):
            control.send_input(next(given))

    told = run(
        pool,
        TELL.format(secret=secret),
        stdin=None,
        prelude=(Source(name="listing-1.py", code=f"first = '{secret}'\n" * 500),),
        files={f"data/{secret}.txt": secret * 3000},
        control=control,
        on_event=answer,
    )
    assert told.stdout.count(secret) > 2000
    assert f"ValueError: {secret}" in told.stderr

    run(pool, between)
    for _ in range(3):
        assert run(pool, SEARCH).stdout == "[]\n"


def test_the_search_of_memory_finds_what_is_there(pool: Pool) -> None:
    secret = f"secret-{os.urandom(3).hex()}"
    assert run(pool, f"kept = '{secret}'\n{SEARCH}").stdout == f"[b'{secret}']\n"
