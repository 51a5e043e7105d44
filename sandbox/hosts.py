"""Worker hosts, as Redis knows them: who lives, how they do, who is lost.

Each worker process is a host with a pool of its own. It shows that it lives by a heartbeat that carries its
figures. All times are Redis' own, so the hosts' clocks need not agree. Nothing here is kept for good: when
Redis is emptied, the next heartbeats bring everything back.
"""

from __future__ import annotations

import json
import os
import platform
import secrets
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, partial
from pathlib import Path
from typing import Any

import redis
import structlog
from django.conf import settings

from sandbox.latency import count_durations, percentile
from sandbox.tally import Tally, count_fault

log = structlog.get_logger(__name__)

ALIVE_SECONDS = 60  # a host heard of within this time is alive, after it silent
GONE_SECONDS = 120  # then it is forgotten
TELL_SECONDS = 2  # a host's figures are not older, but for what it tells at once
HISTORY_SECONDS = 900  # what the charts show
_FAULTS_KEPT = 30
_FAULTS_SECONDS = 7 * 24 * 3600

_HOSTS = "sandbox:hosts"  # sorted set: host id → time of its last heartbeat
_FAULTS = "sandbox:faults"
_WATCH = "sandbox:watch"


def _report_key(host: str) -> str:
    return f"sandbox:host:{host}"


def _history_key(host: str) -> str:
    return f"sandbox:host:{host}:history"


def _missing_key(host: str) -> str:
    return f"sandbox:host:{host}:missing-since"


@cache
def client() -> redis.Redis:
    """Connections that give up soon: a heartbeat that hangs is as bad as none."""
    return redis.Redis.from_url(
        settings.REDIS_URL, decode_responses=True, socket_timeout=3, socket_connect_timeout=3
    )


def now() -> float:
    """The time in Redis, seconds since the epoch. Raises RedisError."""
    seconds, microseconds = client().time()
    return float(seconds) + float(microseconds) / 1e6


@cache
def own_id() -> str:
    """This process among the hosts. A restarted worker is another host: its predecessor's runs are lost."""
    return f"{own_name()}-{os.getpid()}-{secrets.token_hex(3)}"


def own_name() -> str:
    return str(settings.WORKER_NAME or socket.gethostname())[:60]


def _own_memory() -> int:
    """What this process holds in memory, in bytes; 0 where the system does not say."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


# --- This host ------------------------------------------------------------------------------------


class Heart:
    """This process's heartbeat: a thread that beats, one that tells figures, and one that watches the others.

    Three, because telling and watching may have to wait for the engine or the database, and a host that waits
    must not look dead, nor be late with its news. `figures()` is what this process has to say about itself;
    `watch()` is called at every heartbeat's pace on one of the hosts. Both may raise.
    """

    def __init__(self, *, figures: Callable[[], Mapping[str, Any]], watch: Callable[[], None]) -> None:
        self._figures = figures
        self._watch = watch
        self._report: dict[str, Any] = {}
        self._stopping = threading.Event()
        self._news = threading.Event()
        self._lock = threading.Lock()
        self._latencies: list[float] = []
        self._tally = Tally()
        self._last_minute: deque[dict[str, int]] = deque(
            maxlen=max(1, round(60 / settings.WORKER_HEARTBEAT_SECONDS))
        )
        pace = settings.WORKER_HEARTBEAT_SECONDS
        steps = {
            self._beat: partial(self._stopping.wait, pace),
            self._tell: partial(self._news.wait, min(pace, TELL_SECONDS)),
            self._look_around: partial(self._stopping.wait, pace),
        }
        self._threads = [
            threading.Thread(target=self._repeat, args=step, name=f"host-{step[0].__name__}", daemon=True)
            for step in steps.items()
        ]
        self._started_at = time.time()

    def start(self) -> None:
        try:
            self._gather()
        except Exception:  # a host that cannot say how it is lives all the same, and is asked again
            log.exception("host_failed", doing="gather")
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End its threads and take this host off the list."""
        self._stopping.set()
        self._news.set()
        for thread in self._threads:
            thread.join(timeout=5)
        try:
            self._tally.write(client())
            with client().pipeline(transaction=False) as pipe:
                pipe.zrem(_HOSTS, own_id())
                pipe.delete(_report_key(own_id()))
                pipe.execute()
        except redis.RedisError as error:
            log.warning("redis_unavailable", doing="leave", error=str(error))

    def tell(self) -> None:
        """Something is not as it was: tell it now, in the background."""
        self._news.set()

    def note_run(self, latency: float, *, language: str, outcome: str, seconds: float) -> None:
        with self._lock:
            self._latencies.append(latency)
        self._tally.note_run(language=language, outcome=outcome, seconds=seconds, wait=latency)

    def note_broken(self, *, language: str) -> None:
        self._tally.note_run(language=language, outcome="broken")

    def _repeat(self, step: Callable[[], None], pause: Callable[[], object]) -> None:
        while not self._stopping.is_set():
            try:
                step()
            except redis.RedisError as error:
                log.warning("redis_unavailable", doing=step.__name__.strip("_"), error=str(error))
            except Exception:
                log.exception("host_failed", doing=step.__name__.strip("_"))
            pause()

    def _look_around(self) -> None:
        # One watcher at a time is enough; a little less than a beat, so that somebody watches at each.
        hold = int(settings.WORKER_HEARTBEAT_SECONDS * 900)
        if client().set(_WATCH, own_id(), nx=True, px=hold):
            self._watch()

    def _tell(self) -> None:
        self._news.clear()  # before looking: what happens meanwhile is told the next time
        self._gather()
        client().set(_report_key(own_id()), self._in_words(), ex=GONE_SECONDS)

    def _in_words(self) -> str:
        return json.dumps({**self._report, "load": os.getloadavg(), "latency": self._latency()})

    def _gather(self) -> None:
        self._report = {
            "id": own_id(),
            "name": own_name(),
            "pid": os.getpid(),
            "started_at": self._started_at,
            "versions": {"python": platform.python_version(), "kernel": platform.release()},
            "cpus": os.cpu_count(),
            "memory_bytes": _own_memory(),
            "cpu_seconds": time.process_time(),
            **self._figures(),
        }

    def _beat(self) -> None:
        if settings.ALIVE_FILE:  # first: it says that this process lives, not that Redis does
            Path(settings.ALIVE_FILE).touch()
        with self._lock:
            latencies, self._latencies = self._latencies, []
        counts = count_durations(latencies)
        self._last_minute.append(counts)
        pool = self._report.get("pool", {})
        moment = now()
        sample = {
            "at": moment,
            "busy": pool.get("in_use_containers", 0),
            "total": pool.get("total_containers", 0),
            "queue": waiting(),
            "latency": counts,
        }
        key = _history_key(own_id())
        if self._stopping.is_set():  # it took long, and this host has left the list
            return
        with client().pipeline(transaction=False) as pipe:
            pipe.set(_report_key(own_id()), self._in_words(), ex=GONE_SECONDS)
            pipe.zadd(_HOSTS, {own_id(): moment})
            pipe.zremrangebyscore(_HOSTS, 0, moment - HISTORY_SECONDS)
            pipe.rpush(key, json.dumps(sample))
            pipe.ltrim(key, -int(HISTORY_SECONDS / settings.WORKER_HEARTBEAT_SECONDS), -1)
            pipe.expire(key, HISTORY_SECONDS)
            pipe.execute()
        self._tally.write(client())

    def _latency(self) -> dict[str, Any]:
        """Of the last minute, in seconds."""
        minute = list(self._last_minute)
        runs = sum(sum(counts.values()) for counts in minute)
        return {"runs": runs, "p50": percentile(minute, 0.5), "p95": percentile(minute, 0.95)}


_heart: Heart | None = None


def start(*, figures: Callable[[], Mapping[str, Any]], watch: Callable[[], None]) -> Heart:
    """Begin to beat for this process; see `Heart`."""
    global _heart
    _heart = Heart(figures=figures, watch=watch)
    _heart.start()
    return _heart


def tell() -> None:
    """Something about this process is not as it was: its containers, its engine. Returns at once."""
    if _heart:
        _heart.tell()


def note_run(latency: float, *, language: str, outcome: str, seconds: float) -> None:
    """A run has ended here: its program took `seconds`, its learner waited `latency` seconds beyond that."""
    if _heart:
        _heart.note_run(latency, language=language, outcome=outcome, seconds=seconds)


def note_broken(*, language: str) -> None:
    """A run has been closed here as a fault of the platform."""
    if _heart:
        _heart.note_broken(language=language)


# --- All hosts ------------------------------------------------------------------------------------


class State(StrEnum):
    ALIVE = "alive"
    SILENT = "silent"


@dataclass(frozen=True)
class Host:
    """A host as last heard of, `age` seconds ago; `report` is what it said."""

    id: str
    age: float
    report: dict[str, Any]

    @property
    def state(self) -> State:
        return State.ALIVE if self.age <= ALIVE_SECONDS else State.SILENT

    @property
    def pool(self) -> dict[str, Any]:
        pool: dict[str, Any] = self.report.get("pool", {})
        return pool


def known() -> list[Host]:
    """Every host heard of in the last two minutes, in the order of their names. Raises RedisError."""
    moment = now()
    heard: dict[str, float] = dict(_scores(moment - GONE_SECONDS))
    if not heard:
        return []
    reports = client().mget([_report_key(host) for host in heard])
    found = [
        Host(id=host, age=max(0.0, moment - at), report=json.loads(report))
        for (host, at), report in zip(heard.items(), reports, strict=True)
        if report
    ]
    return sorted(found, key=lambda host: (host.report["name"], host.report["started_at"]))


def _scores(start: float) -> list[tuple[str, float]]:
    """The hosts heard of since `start`, with the time of their last heartbeat."""
    found: Any = client().zrange(_HOSTS, start, "+inf", byscore=True, withscores=True)
    return [(host, at) for host, at in found]


def alive() -> list[Host]:
    return [host for host in known() if host.state is State.ALIVE]


def lives(host: str) -> bool:
    """Whether a host has been heard of so lately that its runs are its own, or nobody can tell."""
    try:
        heard = client().zscore(_HOSTS, host)
        return heard is not None and now() - heard <= settings.WORKER_LOST_SECONDS
    except redis.RedisError as error:
        log.warning("redis_unavailable", doing="lives", error=str(error))
        return True


def history() -> dict[str, list[dict[str, Any]]]:
    """What each host of the last quarter of an hour measured at its heartbeats, oldest first."""
    found = [host for host, _ in _scores(0)]
    with client().pipeline(transaction=False) as pipe:
        for host in found:
            pipe.lrange(_history_key(host), 0, -1)
        return {
            host: [json.loads(sample) for sample in samples]
            for host, samples in zip(found, pipe.execute(), strict=True)
        }


def waiting() -> int:
    """How many tasks wait in the queue. Raises RedisError."""
    return int(client().llen(settings.CELERY_TASK_DEFAULT_QUEUE))


def lost(suspects: Collection[str]) -> set[str]:
    """Those of `suspects` that have shown no life for WORKER_LOST_SECONDS. Raises RedisError.

    The first half of that time is silence; through the second half every look must find the host missing,
    and looks may not be far apart. So a Redis that was away, emptied or restored makes nobody look dead:
    the living are back before the second half is over.
    """
    half = settings.WORKER_LOST_SECONDS / 2
    moment = now()
    missing = []
    with client().pipeline(transaction=False) as pipe:
        for host in suspects:
            heard = client().zscore(_HOSTS, host)
            if heard is None or moment - heard >= half:
                missing.append(host)
                pipe.set(_missing_key(host), moment, nx=True)
                pipe.expire(_missing_key(host), int(3 * settings.WORKER_HEARTBEAT_SECONDS) + 1)
            else:
                pipe.delete(_missing_key(host))
        pipe.execute()
    since = client().mget([_missing_key(host) for host in missing]) if missing else []
    return {host for host, at in zip(missing, since, strict=True) if at and moment - float(at) >= half}


# --- Faults of the platform -----------------------------------------------------------------------


def note_fault(*, what: str, detail: str) -> None:
    """Keep a fault of the platform for the dashboard: `what` as a short code, `detail` in words."""
    fault = {"at": time.time(), "host": own_name(), "what": what, "detail": detail[:300]}
    try:
        with client().pipeline(transaction=False) as pipe:
            pipe.lpush(_FAULTS, json.dumps(fault))
            pipe.ltrim(_FAULTS, 0, _FAULTS_KEPT - 1)
            pipe.expire(_FAULTS, _FAULTS_SECONDS)
            count_fault(pipe, what)
            pipe.execute()
    except redis.RedisError as error:
        log.warning("redis_unavailable", doing="note_fault", error=str(error))


def recent_faults() -> list[dict[str, Any]]:
    """The latest faults, newest first. Raises RedisError."""
    return [json.loads(fault) for fault in client().lrange(_FAULTS, 0, _FAULTS_KEPT - 1)]
