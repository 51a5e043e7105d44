"""What the container's control groups have counted, read from inside; version 1 and 2."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")
_EVENTS = {
    "memory": (("memory.events", b"oom_kill"), ("memory/memory.oom_control", b"oom_kill")),
    "pids": (("pids.events", b"max"), ("pids/pids.events", b"max")),
}
_LIMITS = {
    "memory": ("memory.max", "memory/memory.limit_in_bytes"),
    "pids": ("pids.max", "pids/pids.max"),
}
UNLIMITED = 2**48  # version 1 says "no limit" by a huge number, version 2 by "max"


class Counter:
    """How often a limit of this container was hit. Kept open: a run reads it twice."""

    def __init__(self, controller: str, root: Path = ROOT) -> None:
        self._fd = -1
        self._key = b""
        for (events, key), limit in zip(_EVENTS[controller], _LIMITS[controller], strict=True):
            if _is_limited(root / limit) and (root / events).exists():
                self._fd = os.open(root / events, os.O_RDONLY)
                self._key = key + b" "
                return

    @property
    def limited(self) -> bool:
        """Whether a control group enforces this limit here."""
        return self._fd >= 0

    def read(self) -> int:
        """Hits so far; 0 where there is nothing to read."""
        if self._fd < 0:
            return 0
        for line in os.pread(self._fd, 4096, 0).splitlines():
            if line.startswith(self._key):
                return int(line[len(self._key) :])
        return 0


def _is_limited(path: Path) -> bool:
    try:
        value = path.read_text().strip()
    except OSError:
        return False
    return value != "max" and int(value) < UNLIMITED
