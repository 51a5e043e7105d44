"""Whether the site works, part by part: for load balancers, monitors and people on call.

`live` says that this process answers, `ready` that it can serve pages and is to go on, `health` how each part
does. Only what no page can do without makes the site unhealthy; without others it is degraded: lessons can be
read. Anybody may ask, so answers hold for a moment, nobody waits long, and nothing internal is told.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum

import redis
import structlog
from django.conf import settings
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from helloagents import ending
from helloagents.celery import app as celery
from progress import events
from sandbox import hosts
from tutor import choosing
from tutor.errors import is_the_providers
from tutor.models import ModelCall

log = structlog.get_logger(__name__)

PATIENCE = 2.0  # seconds; all parts are looked at side by side
FRESH = 1.0  # seconds that a finding is told again
CALLS_THAT_TELL = 5  # failed in a row, they are the provider's trouble and not one program's


class Status(StrEnum):
    HEALTHY = "healthy"
    DEGRADED = "degraded"
    UNHEALTHY = "unhealthy"


class Trouble(Exception):
    """A part does not work; the message may be told to anybody."""


@dataclass(frozen=True)
class Finding:
    status: Status
    message: str
    latency_ms: float
    at: float  # monotonic

    def as_json(self) -> dict[str, object]:
        return {"status": self.status, "message": self.message, "latency_ms": round(self.latency_ms, 2)}


class Part:
    """Something the site stands on. However many ask, it is looked at by one thread at a time."""

    def __init__(self, name: str, look: Callable[[], str], *, vital: bool = False) -> None:
        """`look` returns a few words, or raises; without a `vital` part the site is unhealthy."""
        self.name = name
        self._look = look
        self._bad = Status.UNHEALTHY if vital else Status.DEGRADED
        self._lock = threading.Lock()
        self._thread: ThreadPoolExecutor | None = None
        self._latest: Future[Finding] | None = None

    def begin(self) -> Future[Finding]:
        with self._lock:
            latest = self._latest
            if latest is None or (latest.done() and time.monotonic() - latest.result().at > FRESH):
                self._thread = self._thread or ThreadPoolExecutor(1, thread_name_prefix=f"health-{self.name}")
                self._latest = latest = self._thread.submit(self._find)
            return latest

    def end(self, finding: Future[Finding], *, deadline: float) -> Finding:
        """What was found by `deadline` (monotonic)."""
        try:
            return finding.result(max(0.0, deadline - time.monotonic()))
        except TimeoutError:
            return Finding(self._bad, f"no answer for {PATIENCE:g} s", PATIENCE * 1000, time.monotonic())

    def _find(self) -> Finding:
        begun = time.monotonic()
        status = Status.HEALTHY
        try:
            message = self._look()
        except Trouble as trouble:
            status, message = self._bad, str(trouble)
        except Exception as error:  # noqa: BLE001 - the edge: whatever it is, the part does not work
            status, message = self._bad, "out of reach"
            log.warning("unhealthy", part=self.name, error=repr(error))
        ended = time.monotonic()
        return Finding(status, message, (ended - begun) * 1000, ended)


def look_at(parts: list[Part]) -> tuple[Status, dict[str, Finding]]:
    """The worst of all, and each part's own; takes PATIENCE at most."""
    deadline = time.monotonic() + PATIENCE
    begun = [(part, part.begin()) for part in parts]
    found = {part.name: part.end(finding, deadline=deadline) for part, finding in begun}
    order = list(Status)
    return max((finding.status for finding in found.values()), key=order.index), found


# --- The parts ------------------------------------------------------------------------------------


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def _database() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    finally:
        connection.close()
    return ""


def _migrations() -> str:
    try:
        executor = MigrationExecutor(connection)
        missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    finally:
        connection.close()
    if missing:
        are_not = _count(len(missing), "migration is not", "migrations are not")
        raise Trouble(f"{are_not} applied: manage.py migrate")
    return ""


def _redis() -> str:
    client = redis.Redis.from_url(
        settings.REDIS_URL, socket_timeout=PATIENCE, socket_connect_timeout=PATIENCE
    )
    try:
        client.ping()
    finally:
        client.close()
    return ""


def _broker() -> str:
    with celery.connection_for_read() as broker:
        broker.ensure_connection(max_retries=1, timeout=int(PATIENCE))
    return _count(hosts.waiting(), "task waits", "tasks wait")


def _workers() -> str:
    alive = len(hosts.alive())
    if not alive:
        raise Trouble("no worker host has been heard of for a minute")
    if not events.listeners():
        raise Trouble("no worker host listens: all that were heard of lately have ended")
    return f"{alive} alive"


def _container_pool() -> str:
    pools = [host.pool for host in hosts.alive()]
    containers = sum(pool.get("total_containers", 0) for pool in pools)
    if not containers:
        raise Trouble("no worker host has a container")
    in_trouble = sum(bool(pool.get("message")) for pool in pools)
    if in_trouble:
        raise Trouble(
            f"{in_trouble} of {_count(len(pools), 'worker host', 'worker hosts')} cannot make containers"
        )
    return _count(containers, "container", "containers")


def _model_provider() -> str:
    try:
        if not choosing.site_providers():
            return "none is set up: programs talk to scripted models"
        latest = ModelCall.objects.of_site_providers().order_by("-started_at")[:CALLS_THAT_TELL]
        failed = [is_the_providers(code) for code in latest.values_list("error_code", flat=True)]
    finally:
        connection.close()
    if len(failed) == CALLS_THAT_TELL and all(failed):
        raise Trouble(f"the last {CALLS_THAT_TELL} calls failed")
    return ""


DATABASE = Part("database", _database, vital=True)
MIGRATIONS = Part("migrations", _migrations, vital=True)
PARTS = [
    DATABASE,
    Part("redis", _redis),
    Part("broker", _broker),
    Part("workers", _workers),
    Part("container_pool", _container_pool),
    Part("model_provider", _model_provider),
]


# --- The pages ------------------------------------------------------------------------------------


@never_cache
@require_safe
def live(request: HttpRequest) -> JsonResponse:
    return _answer(Status.HEALTHY, {})


@never_cache
@require_safe
def ready(request: HttpRequest) -> JsonResponse:
    if ending.has_begun():
        finding = Finding(Status.UNHEALTHY, "ending", 0, time.monotonic())
        return _answer(Status.UNHEALTHY, {"process": finding})
    return _answer(*look_at([DATABASE, MIGRATIONS]))


@never_cache
@require_safe
def health(request: HttpRequest) -> JsonResponse:
    return _answer(*look_at(PARTS))


def _answer(status: Status, found: dict[str, Finding]) -> JsonResponse:
    body = {
        "status": status,
        "timestamp": time.time(),
        "checks": {name: finding.as_json() for name, finding in found.items()},
    }
    return JsonResponse(body, status=503 if status is Status.UNHEALTHY else 200)
