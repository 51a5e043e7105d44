"""What the log leaves out, so that it can be read and paid for when very much happens."""

from __future__ import annotations

import logging
import threading
import time
import zlib
from collections.abc import Callable
from typing import Any

import structlog

# Lines that are written for every request, run and model call. Warnings and errors are always kept.
ROUTINE = frozenset({"request", "run_queued", "run_started", "run_ended", "model_call_ended"})
BURST = 20  # lines of one kind within a window; of the others only their number is told
WINDOW = 10.0  # seconds


_share = 1.0  # of requests whose routine lines are kept


def keep(share: float) -> None:
    """Keep the routine lines of this share of all requests from now on. Loggers in use hear of it, too."""
    global _share
    _share = share


def drop_routine(_logger: Any, _method: str, event: Any) -> Any:
    """A processor that drops the routine lines of the other requests: of one request all or none."""
    if event.get("event") in ROUTINE and zlib.crc32(_name_of(event).encode()) >= _share * 2**32:
        raise structlog.DropEvent
    return event


def _name_of(event: Any) -> str:
    """What lines have in common that tell of one thing, in whichever process."""
    return str(event.get("request_id") or event.get("run") or event.get("task_id") or time.monotonic_ns())


class Burst(logging.Filter):
    """Keeps the first lines of a kind and counts the rest: when Redis is away, each request says so.

    The next line of that kind in a later window says how many there were (`left_out`).
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._lock = threading.Lock()
        self._windows: dict[tuple[str, str], tuple[float, int]] = {}  # kind → begin of its window, lines

    def filter(self, record: logging.LogRecord) -> bool:
        event = record.msg.get("event") if isinstance(record.msg, dict) else record.msg
        if event in ROUTINE:
            return True
        kind, now = (record.name, str(event)[:200]), self._clock()
        with self._lock:
            begun, lines = self._windows.get(kind, (now, 0))
            left_out = 0
            if now - begun >= WINDOW:
                left_out, begun, lines = max(0, lines - BURST), now, 0
            if len(self._windows) > 1000:  # texts that are never the same twice
                self._windows.clear()
            self._windows[kind] = (begun, lines + 1)
        if left_out:
            if isinstance(record.msg, dict):
                record.msg["left_out"] = left_out
            else:
                record.left_out = left_out
        return lines < BURST
