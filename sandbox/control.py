"""Steering a run from outside: stop it, type into it. Usable before and during the run, from any thread."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

# Bytes of input in one run. The program may never read them, and nobody can tell: until it ends they wait
# here or with the supervisor.
MOST_INPUT = 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Wishes:
    """What was typed since the last look."""

    input: bytes
    end_of_input: bool


class RunControl:
    """Wishes about one run, kept until whoever carries out the run looks."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._cancelled = False
        self._input = bytearray()
        self._input_left = MOST_INPUT
        self._input_closed = False
        self._wake: Callable[[], None] | None = None

    def cancel(self) -> None:
        self._cancelled = True
        self._call()

    def send_input(self, text: str) -> bool:
        """Text for the program's standard input; a line ends with a newline.

        False when that is more than a run takes. It takes no other then: input with a gap would mislead.
        """
        data = text.encode("utf-8", "replace")
        with self._lock:
            if len(data) > self._input_left:
                self._input_left = 0
                return False
            self._input_left -= len(data)
            self._input += data
        self._call()
        return True

    def close_input(self) -> None:
        with self._lock:
            self._input_closed = True
        self._call()

    @property
    def cancelled(self) -> bool:
        return self._cancelled

    def wake_by(self, wake: Callable[[], None] | None) -> None:
        """What to call at each new wish; it must be quick and thread-safe. None: nobody is interested."""
        with self._lock:
            self._wake = wake

    def take(self) -> Wishes:
        """What was typed so far. A piece of input is handed out once, and so is its end."""
        with self._lock:
            wishes = Wishes(input=bytes(self._input), end_of_input=self._input_closed)
            self._input.clear()
            self._input_closed = False
            return wishes

    def _call(self) -> None:
        with self._lock:  # so that nobody is woken who has just lost interest
            if self._wake:
                self._wake()
