"""What happens around every request."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Awaitable, Callable

import structlog
from asgiref.sync import iscoroutinefunction
from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.utils.decorators import sync_and_async_middleware
from opentelemetry.trace import Span, SpanKind

from helloagents.logging import serving
from sandbox import tracing

log = structlog.get_logger(__name__)

HEADER = "X-Request-ID"
# What a proxy may hand us; anything else could forge lines in the log.
ACCEPTABLE = re.compile(r"[A-Za-z0-9._-]{8,64}")

# What no page of ours asks a browser for, and so no script in one gets either.
PERMISSIONS_POLICY = ", ".join(
    f"{feature}=()"
    for feature in ("camera", "geolocation", "microphone", "payment", "usb", "browsing-topics")
)

# Asked every few seconds by machines, and answered in milliseconds.
PROBES = frozenset({"health", "health-live", "health-ready", "metrics"})
# Its answer is the end of a program, which may take its time.
WAITS_FOR_PROGRAMS = frozenset({"api-execute", "api-submissions"})

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

Respond = Callable[[HttpRequest], HttpResponseBase]
RespondAsync = Callable[[HttpRequest], Awaitable[HttpResponseBase]]


@sync_and_async_middleware
def request_id(get_response: Respond | RespondAsync) -> Respond | RespondAsync:
    """Give each request a name of its own, in its log lines and in its answer's X-Request-ID.

    It is the first step of its trace, too. What took how long is logged by the pattern of its address, which
    holds nothing that somebody made up, and nothing that lets anybody in.
    """
    if iscoroutinefunction(get_response):

        async def respond_async(request: HttpRequest) -> HttpResponseBase:
            name, begun = _bind(request), time.perf_counter()
            with tracing.step("request", kind=SpanKind.SERVER) as span:
                response: HttpResponseBase = await get_response(request)
                _note(request, response, time.perf_counter() - begun, span)
            response[HEADER] = name
            return response

        return respond_async

    def respond(request: HttpRequest) -> HttpResponseBase:
        name, begun = _bind(request), time.perf_counter()
        with tracing.step("request", kind=SpanKind.SERVER) as span:
            response = get_response(request)
            assert isinstance(response, HttpResponseBase)
            _note(request, response, time.perf_counter() - begun, span)
        response[HEADER] = name
        return response

    return respond


def _bind(request: HttpRequest) -> str:
    given = request.headers.get(HEADER, "")
    name = given if ACCEPTABLE.fullmatch(given) else uuid.uuid4().hex
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=name)
    serving.set(request)
    return name


def _note(request: HttpRequest, response: HttpResponseBase, seconds: float, span: Span) -> None:
    """One line of the log, another one when it was slow, and what its step of the trace is called."""
    match = request.resolver_match
    route = match.route if match else ""
    method = request.method if request.method in _METHODS else "OTHER"
    status = response.status_code
    if span.is_recording():
        span.update_name(f"{method} {route}")
        span.set_attributes(
            {"http.request.method": method, "http.route": route, "http.response.status_code": status}
        )
    if match is None and status < 400:  # a static file
        return
    view = match.view_name if match else ""
    if view not in PROBES:
        fields = {"method": method, "route": route, "status": status, "ms": round(seconds * 1000, 1)}
        log.info("request", **fields)
        if seconds > settings.SLOW_REQUEST_SECONDS and view not in WAITS_FOR_PROGRAMS:
            log.warning("slow_request", **fields)


@sync_and_async_middleware
def permissions_policy(get_response: Respond | RespondAsync) -> Respond | RespondAsync:
    """Say in each answer which of the device's senses the site does without."""
    if iscoroutinefunction(get_response):

        async def respond_async(request: HttpRequest) -> HttpResponseBase:
            response: HttpResponseBase = await get_response(request)
            response.setdefault("Permissions-Policy", PERMISSIONS_POLICY)
            return response

        return respond_async

    def respond(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        assert isinstance(response, HttpResponseBase)
        response.setdefault("Permissions-Policy", PERMISSIONS_POLICY)
        return response

    return respond
