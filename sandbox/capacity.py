"""How many containers the pools of a process may have together, and who parts with one for another."""

from __future__ import annotations

import threading
from typing import Protocol


class Sharer(Protocol):
    """A pool, as the others of its process see it.

    No lock may be held when `give_up_idle` or `retry` is called: they take the pool's own.
    """

    def size(self) -> int:
        """How many containers it has or is making. Takes no lock."""

    def give_up_idle(self) -> bool:
        """Part with an idle container, whatever the pool's minimum; False when it has none."""

    def retry(self) -> None:
        """There may be room now."""


class Capacity:
    """Places for containers, shared by the pools that have joined. Thread-safe."""

    def __init__(self, places: int) -> None:
        self._lock = threading.Lock()
        self._free = places
        self._sharers: list[Sharer] = []
        self._short: set[Sharer] = set()  # those somebody waits for, and that got no place

    def join(self, sharer: Sharer) -> None:
        self._sharers.append(sharer)

    def take(self, sharer: Sharer, *, waiting: bool) -> bool:
        """A place for one more container. Without one, and with somebody waiting, `relieve` comes next."""
        with self._lock:
            if self._free > 0:
                self._free -= 1
                return True
            if waiting:
                self._short.add(sharer)
            return False

    def withdraw(self, sharer: Sharer) -> None:
        """Nobody waits for this one any more: no other pool need part with a container for it."""
        if sharer in self._short:  # seldom, and only then the lock is worth taking
            with self._lock:
                self._short.discard(sharer)

    def give_back(self) -> bool:
        """Free a place; whether somebody has to be told so by `tell`."""
        with self._lock:
            self._free += 1
            return bool(self._short)

    def tell(self) -> None:
        """Have those that are short of a place try again."""
        with self._lock:
            short, self._short = self._short, set()
        for sharer in short:
            sharer.retry()

    def relieve(self, short: Sharer) -> None:
        """Have another pool part with an idle container."""
        for other in self._sharers:
            if other is not short and other.give_up_idle():
                return

    def claims(self, sharer: Sharer, *, waiting: bool) -> bool:
        """Whether a pool should rather part with a container than keep it.

        Where somebody waits on both sides, the smaller pool has the better claim.
        """
        short = self._short - {sharer}
        if not short or not waiting:
            return bool(short)
        return any(other.size() == 0 or other.size() + 1 < sharer.size() for other in short)
