"""The beat process: it sends out what is due, and shows that it lives."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import redis
import structlog
from celery.beat import PersistentScheduler
from django.conf import settings

from sandbox import hosts

log = structlog.get_logger(__name__)

_TICKED = "beat:ticked"
_SHOWN_EVERY = 10.0  # seconds


class Scheduler(PersistentScheduler):
    """Celery's, looking often enough to be seen, and telling monitors when it last looked."""

    _shown_at = float("-inf")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.max_interval = int(_SHOWN_EVERY)

    def tick(self, *args: Any, **kwargs: Any) -> float:
        if time.monotonic() >= self._shown_at + _SHOWN_EVERY / 2:
            self._shown_at = time.monotonic()
            self._show()
        return float(super().tick(*args, **kwargs))

    def _show(self) -> None:
        if settings.ALIVE_FILE:
            Path(settings.ALIVE_FILE).touch()
        try:
            hosts.client().set(_TICKED, time.time())
        except redis.RedisError as error:
            log.warning("redis_unavailable", doing="beat", error=str(error))


def last_tick() -> float | None:
    """When beat last looked what is due, seconds since the epoch; None when that is not known."""
    try:
        ticked: Any = hosts.client().get(_TICKED)
    except redis.RedisError:
        return None
    return float(ticked) if ticked else None
