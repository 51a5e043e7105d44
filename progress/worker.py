"""A worker process beside its tasks: how it starts, what it says about itself, how it ends."""

from __future__ import annotations

import os
import threading
import time
from dataclasses import asdict
from typing import Any

import structlog
from django.conf import settings
from django.db import DatabaseError, InterfaceError, OperationalError, connections

from progress import orders, tasks
from progress.images import images_of_courses
from progress.models import Submission
from sandbox import hosts
from sandbox.errors import EngineUnavailable, SandboxError
from sandbox.pools import Pools, close_pool, get_pool
from tutor import choosing
from tutor.providers import clients

log = structlog.get_logger(__name__)

_LAST_SECONDS = 5  # for runs that were handed over to let go

_heart: hosts.Heart | None = None
_asked_to_end = False
_no_engine = ""  # why there is none, in words
_is_warm = False


def start() -> None:
    """Listen for orders, join the hosts, and warm containers before the first learner clicks."""
    global _heart
    orders.start_listening()
    _heart = hosts.start(figures=_figures, watch=_watch)
    try:
        if choosing.site_providers():
            clients.load_ahead()
    finally:
        connections.close_all()


def _warm_up(pool: Pools) -> None:
    """Should the database not tell now which images are needed, the next figures try again."""
    global _is_warm
    try:
        pool.warm(images_of_courses())
        _is_warm = True
    except (SandboxError, DatabaseError, InterfaceError) as error:
        log.warning("not_warmed_up", error=str(error))
    finally:
        connections.close_all()


def leave() -> None:
    """Asked to end: let programs finish for a while, then give the rest away. Returns at once."""
    global _asked_to_end
    _asked_to_end = True
    threading.Thread(target=_leave, name="worker-leaves", daemon=True).start()


def end() -> None:
    """The last thing: every thread and container of ours goes, and this host is off the list."""
    orders.stop_listening()
    if _heart:
        _heart.stop()  # first, because gathering figures would make another pool
    close_pool()


def _leave() -> None:
    log.info("worker_leaves", running=len(orders.held()), seconds=settings.WORKER_STOP_SECONDS)
    _nothing_held(settings.WORKER_STOP_SECONDS)
    orders.leave()  # what was delivered just now goes back, too
    deadline = time.monotonic() + _LAST_SECONDS
    while (held := orders.held()) and time.monotonic() < deadline:
        for submission, control in held:
            if _let_go(submission):
                control.cancel()
        _nothing_held(0.2)
    connections.close_all()
    if orders.held():
        # Some thread does not let go of its container, and the worker would wait for it for ever.
        log.error("worker_forced_to_end", held=len(orders.held()))
        end()
        os._exit(1)


def _let_go(submission: Submission) -> bool:
    """Whether a run is no longer this host's; while the database is away, nobody else could have it."""
    try:
        tasks.hand_over(submission)
    except (OperationalError, InterfaceError) as error:
        log.warning("database_unavailable", error=str(error))
        connections.close_all()
        return False
    return True


def _nothing_held(seconds: float) -> None:
    """Wait until no run is held, at most `seconds`."""
    deadline = time.monotonic() + seconds
    while orders.held() and time.monotonic() < deadline:
        time.sleep(0.05)


def _watch() -> None:
    """Free what other hosts left behind. Not a task, because it must not wait while every thread is busy."""
    try:
        tasks.recover()
    finally:
        connections.close_all()


def _figures() -> dict[str, Any]:
    """What this host tells the others about itself."""
    orders.catch_up()
    oldest = min((run.started_at for run, _ in orders.held() if run.started_at), default=None)
    return {
        "leaving": _asked_to_end,
        "running": len(orders.held()),
        "oldest_running_at": oldest.timestamp() if oldest else None,
        **_pool_figures(),
    }


def _pool_figures() -> dict[str, Any]:
    global _no_engine, _is_warm
    try:
        pool = get_pool()
    except EngineUnavailable as error:
        # The site is of use without: each run says so to its learner, and tries again.
        if not _no_engine:
            log.error("no_sandbox", error=str(error))
        _no_engine, _is_warm = str(error), False
        return {"engine": None, "limits": None, "pool": {"message": _no_engine}}
    _no_engine = ""
    if not _is_warm:
        _warm_up(pool)
    return {"engine": pool.engine.name, "limits": asdict(pool.limits), "pool": pool.stats()}
