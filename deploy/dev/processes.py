"""Child processes that end with us, whatever ends us."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PYTHON = str(ROOT / ".venv" / "bin" / "python")

PR_SET_PDEATHSIG = 1  # see prctl(2)


class SetupError(Exception):
    """Something is missing or does not start. The message says what to do."""


class Stopped(SystemExit):
    """A signal asked us to end."""


class Process:
    """A child in a session of its own, so that its end takes along all it started.

    Its output goes line by line to `on_line`, and the last lines are kept to explain a failure; with
    `on_terminal` it goes straight to ours instead.
    Start it from the main thread: on Linux it is killed when the thread that started it ends.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str | Path],
        *,
        env: Mapping[str, str] | None = None,
        user: str | None = None,
        stop_signal: signal.Signals = signal.SIGTERM,
        on_line: Callable[[str, str], None] | None = None,
        on_terminal: bool = False,
    ) -> None:
        self.name = name
        self._stop_signal = stop_signal
        self._asked_to_stop = False
        self._lines: deque[str] = deque(maxlen=40)
        self._on_line = on_line
        self._child = subprocess.Popen(
            [str(part) for part in command],
            cwd=ROOT if user is None else "/",
            env=dict(env) if env is not None else None,
            stdin=subprocess.DEVNULL,
            stdout=None if on_terminal else subprocess.PIPE,
            stderr=None if on_terminal else subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
            user=user,
            group=user,
            extra_groups=[] if user else None,
            preexec_fn=_die_with_parent if sys.platform == "linux" else None,
        )
        self._reader = threading.Thread(target=self._read, name=f"output of {name}", daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def exit_code(self) -> int | None:
        return self._child.poll()

    def output(self) -> str:
        return "\n".join(self._lines)

    def wait(self) -> int:
        code = self._child.wait()
        self._reader.join(timeout=1)
        return code

    def ask_to_stop(self) -> None:
        """Send its stop signal, once: for Celery a second one means to drop its work."""
        if self.exit_code is None and not self._asked_to_stop:
            self._asked_to_stop = True
            self._child.send_signal(self._stop_signal)

    def stop(self, grace: float = 5) -> None:
        """End it: politely, and after `grace` seconds by force. Nothing of its session is left."""
        self.ask_to_stop()
        with suppress(subprocess.TimeoutExpired):
            self._child.wait(grace)
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        self._child.wait()
        self._reader.join(timeout=1)

    def _read(self) -> None:
        if self._child.stdout is None:
            return
        with self._child.stdout as lines:
            for line in lines:
                self._lines.append(line.rstrip("\n"))
                if self._on_line is not None:
                    self._on_line(self.name, line)


@contextmanager
def running(process: Process, *, grace: float = 5) -> Iterator[Process]:
    try:
        yield process
    finally:
        process.stop(grace)


def wait_until(ready: Callable[[], bool], process: Process, *, seconds: float = 30) -> None:
    """Wait for a started process to be of use; raise SetupError with its last words when it is not."""
    deadline = time.monotonic() + seconds
    while not ready():
        if process.exit_code is not None:
            raise SetupError(f"{process.name} ended with code {process.exit_code}:\n{process.output()}")
        if time.monotonic() > deadline:
            raise SetupError(f"{process.name} was not ready in {seconds:g} s:\n{process.output()}")
        time.sleep(0.05)


@contextmanager
def ending_on_signals() -> Iterator[None]:
    """Let the first SIGINT, SIGTERM or SIGHUP leave the block through its `finally`s, undisturbed by more."""

    def leave(number: int, _frame: object) -> None:
        for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(each, signal.SIG_IGN)
        raise Stopped(128 + number)

    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, leave)
    yield


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
