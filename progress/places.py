"""The queue as those who wait see it: their places, and how many workers take from it.

Both are read once a second for all, however many they are, and anew for one that was not there yet.
"""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import Callable
from typing import ParamSpec, TypeVar
from uuid import UUID

import redis
import structlog
from django.conf import settings
from django.db import connection

from progress.models import Submission
from sandbox import hosts

log = structlog.get_logger(__name__)

P = ParamSpec("P")
R = TypeVar("R")

_FRESH_SECONDS = 1.0

_places: dict[UUID, int] = {}
_workers: int | None = None
_read_at = float("-inf")
_reading = threading.Lock()


def place_of(submission: Submission) -> int | None:
    """Its place in the queue, 1 for the next; None when it does not wait."""
    if submission.status != Submission.Status.QUEUED:
        return None
    with _reading:
        if _is_old() or submission.pk not in _places:
            _read()
        return _places.get(submission.pk)


def place_at_hand(run_id: UUID) -> int | None:
    """Its place as read within the last second; None when that is not known without asking the database."""
    return None if _is_old() else _places.get(run_id)


def workers() -> int | None:
    """How many workers would take a run, as of the latest look at places; None while Redis is away."""
    return _workers


def released(look: Callable[P, R]) -> Callable[P, R]:
    """`look`, and then give the database connection back: a stream of events lives long and looks seldom."""

    @functools.wraps(look)
    def look_and_release(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return look(*args, **kwargs)
        finally:
            if not connection.in_atomic_block:
                connection.close()

    return look_and_release


def _is_old() -> bool:
    return time.monotonic() - _read_at > _FRESH_SECONDS


def _read() -> None:
    global _places, _workers, _read_at
    waiting = Submission.objects.waiting().values_list("pk", flat=True)
    _places = {pk: place for place, pk in enumerate(waiting, start=1)}
    _workers = _count_workers()
    _read_at = time.monotonic()


def _count_workers() -> int | None:
    try:
        return sum(1 for host in hosts.known() if _takes_runs(host))
    except redis.RedisError as error:
        log.warning("redis_unavailable", doing="count workers", error=str(error))
        return None


def _takes_runs(host: hosts.Host) -> bool:
    # Who is silent for as long as this loses its runs to others: whoever waits should not count on it.
    return host.age < settings.WORKER_LOST_SECONDS and not host.report.get("leaving")
