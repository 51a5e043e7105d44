"""Figures for Prometheus at /metrics: this process's requests, and what each app says of the whole site.

One scrape of any web process sees every worker, since workers leave their figures in Redis. Requests are
counted by each web process; with PROMETHEUS_MULTIPROC_DIR set, one scrape sees all of a machine's.
"""

from __future__ import annotations

import ipaddress
import secrets
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from typing import Any, cast

from asgiref.sync import iscoroutinefunction
from django.conf import settings
from django.db import connection
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import resolve
from django.utils.decorators import sync_and_async_middleware
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from django_prometheus.middleware import PrometheusAfterMiddleware, PrometheusBeforeMiddleware
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.core import Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from helloagents import beat
from helloagents.health import PARTS, Status, look_at
from sandbox.metrics import SandboxCollector, gauge, gauges
from tutor.metering import ModelsCollector


class SiteCollector(Collector):
    """How each part does, when beat last looked, and this process's connections to PostgreSQL."""

    def collect(self) -> Iterator[Metric]:
        found = look_at(PARTS)[1]
        healthy = {(part,): float(finding.status is Status.HEALTHY) for part, finding in found.items()}
        yield gauges("part_healthy", "Whether a part of the site works", ["part"], healthy)
        if (ticked := beat.last_tick()) is not None:
            yield gauge("beat_tick_timestamp_seconds", "When beat last looked what is due", ticked)
        pool = getattr(connection, "pool", None)  # SQLite has none
        if pool is not None:
            figures = pool.get_stats()
            states = {
                ("idle",): figures["pool_available"],
                ("in_use",): figures["pool_size"] - figures["pool_available"],
                ("waited_for",): figures["requests_waiting"],
            }
            yield gauges("database_connections", "Of this process", ["state"], states)


# What the apps tell of the whole site, each from where all processes leave it.
COLLECTORS = (SandboxCollector(), ModelsCollector(), SiteCollector())

# Any of these says that a request has come through a proxy.
_FORWARDED = {b"forwarded", b"x-forwarded-for", b"x-real-ip", b"via"}


@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """For those whom METRICS_TOKEN or METRICS_NETWORKS admits; to others the address does not exist."""
    if not may_scrape(request):
        raise Http404
    return HttpResponse(b"".join(map(generate_latest, _registries())), content_type=CONTENT_TYPE_LATEST)


def _registries() -> Iterator[CollectorRegistry]:
    if settings.PROMETHEUS_MULTIPROC_DIR:
        of_all_processes = CollectorRegistry()
        MultiProcessCollector(of_all_processes)  # type: ignore[no-untyped-call] # the package leaves it untyped
        yield of_all_processes
    else:
        yield REGISTRY
    of_the_site = CollectorRegistry()
    for collector in COLLECTORS:
        of_the_site.register(collector)
    yield of_the_site


def answer_scrapes(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[..., HttpResponseBase]:
    """Answer whoever shows the token whatever the Host header says: Prometheus asks a process by its address.

    ALLOWED_HOSTS stays as it is, so that no link in a mail ever names such an address. Without the token the
    name counts as everywhere: a page that makes its own name mean this machine cannot read the figures.
    """

    def respond(request: HttpRequest) -> HttpResponseBase:
        if request.path_info == "/metrics" and shows_token(request):
            request.resolver_match = resolve(request.path_info)  # requests are counted by it
            return metrics(request)
        return get_response(request)

    return respond


def shows_token(request: HttpRequest) -> bool:
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    token = settings.METRICS_TOKEN
    return bool(token) and secrets.compare_digest(given.encode(), token.encode())


def may_scrape(request: HttpRequest) -> bool:
    if shows_token(request):
        return True
    if _came_through_unknown_proxy(request):
        return False  # its address is the proxy's, which may well be an allowed one
    address = ipaddress.ip_address(request.META["REMOTE_ADDR"])
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped  # how a server that listens for both names an IPv4 client
    return any(address in network for network in settings.METRICS_NETWORKS)


def _came_through_unknown_proxy(request: HttpRequest) -> bool:
    """`helloagents.proxies` keeps X-Forwarded-For if it trusts the proxy; then the address is right."""
    if "HTTP_X_FORWARDED_FOR" in request.META:
        return False
    headers: list[tuple[bytes, bytes]] = getattr(request, "scope", {}).get("headers", [])
    return any(name.lower() in _FORWARDED for name, _ in headers)


# --- Requests -------------------------------------------------------------------------------------


class _Inner(PrometheusAfterMiddleware):  # type: ignore[misc] # the package has no types
    """django-prometheus's, but a request's method is one of the known ones wherever it is a label."""

    def label_metric(self, metric: Any, request: Any, response: Any = None, **labels: str) -> Any:
        if "method" in labels:
            labels["method"] = self._method(request)
        return super().label_metric(metric, request, response, **labels)


@sync_and_async_middleware
def count_requests(
    get_response: Callable[[HttpRequest], HttpResponseBase | Awaitable[HttpResponseBase]],
) -> Callable[[HttpRequest], HttpResponseBase | Awaitable[HttpResponseBase]]:
    """Count and time requests, by django-prometheus's metrics.

    They are called directly. As middleware each of its two classes would go to another thread and back, again
    and again, which costs a third of a millisecond under ASGI; this costs a tenth of that.
    """
    outer, inner = PrometheusBeforeMiddleware(get_response), _Inner(get_response)

    def begin(request: HttpRequest) -> None:
        outer.process_request(request)
        with suppress(ValueError):  # a Content-Length that is no number
            inner.process_request(request)

    def end(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        inner.process_response(request, response)
        outer.process_response(request, response)
        return response

    if iscoroutinefunction(get_response):

        async def respond_async(request: HttpRequest) -> HttpResponseBase:
            begin(request)
            return end(request, await cast(Awaitable[HttpResponseBase], get_response(request)))

        return respond_async

    def respond(request: HttpRequest) -> HttpResponseBase:
        begin(request)
        return end(request, cast(HttpResponseBase, get_response(request)))

    return respond
