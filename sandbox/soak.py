"""Whether a run costs the same after thousands: its latency, and the memory of worker and containers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sandbox.benchmark import Latency, door_times
from sandbox.control import RunControl
from sandbox.execution import RunRequest, Stream
from sandbox.pool import Pool

# What the container's control group counts, version 2 or 1; nothing where it has none of its own.
_MEMORY_IN_USE = """
for path in "memory.current", "memory/memory.usage_in_bytes":
    try: print(open("/sys/fs/cgroup/" + path).read()); break
    except OSError: pass
"""
STRETCHES = 10  # in which the runs are told


@dataclass(frozen=True)
class Stretch:
    """Some runs of the many. Memory in bytes."""

    until: int  # runs since the beginning
    latency: Latency
    worker_memory: int
    container_memory: int | None  # of the largest container; None when it cannot be told


def soak(pool: Pool, *, runs: int, containers: int, stretches: int = STRETCHES) -> Iterator[Stretch]:
    """One client's runs, told stretch by stretch; `pool` must not replace containers. SandboxError."""
    done = 0
    for number in range(1, stretches + 1):
        until = runs * number // stretches
        latency = Latency.of(door_times(pool, until - done))
        done = until
        used = [in_use for _ in range(containers) if (in_use := _container_memory(pool)) is not None]
        yield Stretch(done, latency, _own_memory(), max(used, default=None))


def _container_memory(pool: Pool) -> int | None:
    """Of the container whose turn it is."""
    request = RunRequest(code=_MEMORY_IN_USE, stdin="")
    answer = pool.run(request, on_event=lambda _: None, control=RunControl()).text(Stream.STDOUT)
    return int(answer) if answer.strip() else None


def _own_memory() -> int:
    """What of this process is in memory and nobody else's file."""
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("Anonymous:"))
