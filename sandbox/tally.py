"""Counts for monitoring that outlive their process: each worker adds its own to one hash in Redis.

What a process could not write yet it keeps and writes later; what it had not written when it was killed, a
few seconds' worth, is lost. An emptied Redis begins at nought, as counters may.
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections import Counter

import redis

KEY = "sandbox:tally"
# Upper bounds in seconds; the last class has none.
RUN_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
WAIT_SECONDS = (0.005, 0.01, 0.02, 0.04, 0.08, 0.15, 0.3, 1.0, 3.0, 10.0, 60.0)


class Tally:
    """What this process has counted since it last wrote. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()

    def note_run(
        self, *, language: str, outcome: str, seconds: float | None = None, wait: float | None = None
    ) -> None:
        """A run that is over: what its program took, and what its learner waited beyond that."""
        counts = {f"runs {language} {outcome}": 1.0}
        if seconds is not None:
            counts[f"seconds {language} {outcome} {class_of(seconds, RUN_SECONDS)}"] = 1.0
            counts[f"seconds_sum {language} {outcome}"] = seconds
        if wait is not None:
            counts[f"wait {language} {class_of(wait, WAIT_SECONDS)}"] = 1.0
            counts[f"wait_sum {language}"] = max(0.0, wait)
        with self._lock:
            self._counts.update(counts)

    def write(self, client: redis.Redis) -> None:
        """Add the counts to those in Redis. RedisError: they are kept for the next time."""
        with self._lock:
            counts, self._counts = self._counts, Counter()
        if not counts:
            return
        try:
            with client.pipeline() as pipe:  # all or nothing
                for name, amount in counts.items():
                    pipe.hincrbyfloat(KEY, name, amount)
                pipe.execute()
        except redis.RedisError:
            with self._lock:
                self._counts.update(counts)
            raise


def count_fault(pipe: redis.client.Pipeline, what: str) -> None:
    pipe.hincrbyfloat(KEY, f"faults {what}", 1)


def read(client: redis.Redis, key: str = KEY) -> dict[tuple[str, ...], float]:
    """All counts of a hash, by the words of their names. Raises RedisError."""
    counts: dict[str, str] = client.hgetall(key)  # type: ignore[assignment] # the client decodes
    return {tuple(name.split()): float(value) for name, value in counts.items()}


def class_of(seconds: float, bounds: tuple[float, ...]) -> str:
    """The bound that a histogram counts a duration under."""
    place = bisect_left(bounds, seconds)
    return str(bounds[place]) if place < len(bounds) else "+Inf"
