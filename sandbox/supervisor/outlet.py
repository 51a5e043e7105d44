"""A run's output on its way to the platform: bounded, and gathered into few frames."""

from __future__ import annotations

import time

from .frames import Kind
from .link import Link

FRAME_FULL = 32 * 1024  # bytes that are sent without waiting for more
# What each change between the two streams counts as, in bytes: the platform has more work with a piece of
# output than with a long one, and a program may change with every byte.
CHANGE_COST = 64
# Output waits this long for more to share a frame with: hardly, when none was sent lately.
FIRST_DELAY = 0.002
LATER_DELAY = 0.010


class Outlet:
    """Begins with the news that the run has started, which travels with the first output."""

    def __init__(self, link: Link, run: int, limit: int) -> None:
        self._link = link
        self._run = run
        self._left = limit
        self._kind: Kind | None = None  # of the latest output
        self._unsent = [(Kind.STARTED, bytearray())]
        self._size = 0
        self._sent_at = 0.0
        self.due: float | None = time.monotonic() + FIRST_DELAY  # when `send` is to be called

    def add(self, kind: Kind, data: bytes) -> bool:
        """Take in output; False when it was too much, and cut."""
        if self._kind not in (None, kind):
            self._left = max(0, self._left - CHANGE_COST)
        self._kind = kind
        fitting = data[: self._left]
        self._left -= len(fitting)
        self._size += len(fitting)
        if self._unsent and self._unsent[-1][0] is kind:
            self._unsent[-1][1].extend(fitting)
        elif fitting:
            self._unsent.append((kind, bytearray(fitting)))
        now = time.monotonic()
        if self._size >= FRAME_FULL:
            self.due = now
        elif self.due is None:
            self.due = max(now + FIRST_DELAY, self._sent_at + LATER_DELAY)
        return len(fitting) == len(data)

    def send(self) -> None:
        for kind, data in self._unsent:
            self._link.queue(kind, self._run, bytes(data))
        self._unsent.clear()
        self._size = 0
        self.due = None
        self._sent_at = time.monotonic()
