"""How often somebody may ask: counted in Redis, for all processes together, pages and API alike.

Each limit is a fixed window, counted by django-ratelimit with one atomic increment, so that exactly so many
requests pass however many come at once. When Redis is away nobody is refused: reading goes on, and what costs
most, running programs, needs Redis anyhow.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from math import ceil
from typing import Any

import redis
import structlog
from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _
from django_ratelimit.core import get_usage

from progress import answers

log = structlog.get_logger(__name__)

API = "/api/"
# What a page's own endpoint counts as, by the name of its URL; views of the API say it by `throttle_scope`.
SCOPE_OF_PAGE = {
    "runs": "runs",
    "tutor-ask": "chat",
    "tutor-again": "chat",
    "exercise-hint": "hint",
    "exercise-answer": "exercise",
    "exercise-solution": "exercise",
}
# Pages are counted for guests alone, and only what is a page: a class may share an address.
UNCOUNTED = ("/images/", "/static/", "/health", "/metrics", "/robots.txt", "/favicon.ico")


@dataclass(frozen=True)
class Usage:
    """Where somebody stands with a limit after this request: `remaining` more within `reset` seconds."""

    limit: int
    remaining: int
    reset: int
    refused: bool


def note(request: HttpRequest, usages: Iterable[Usage | None]) -> Usage | None:
    """Remember the tightest of these and of those noted before, for the headers; return it if it refuses."""
    known: Usage | None = getattr(request, "rate_usage", None)
    found = [usage for usage in (known, *usages) if usage is not None]
    if not found:
        return None
    tightest = min(found, key=lambda usage: (not usage.refused, usage.remaining, -usage.reset))
    request.rate_usage = tightest  # type: ignore[attr-defined] # read by RateLimits, below
    return tightest if tightest.refused else None


def by_address(request: HttpRequest) -> Usage | None:
    return _spend(request, "address", address_key(request))


def by_user(request: HttpRequest, user: Any) -> Usage | None:
    return _spend(request, "user", f"user {user.pk}") if user.is_authenticated else None


def in_scope(request: HttpRequest, scope: str | None, user: Any) -> Usage | None:
    """Counts a run, a question, a hint …: by account, for guests by address, with limits of their own."""
    if scope is None:
        return None
    if user.is_authenticated:
        return _spend(request, scope, f"user {user.pk}")
    guests = f"{scope}_guest"
    return _spend(request, guests if guests in settings.RATE_LIMITS else scope, address_key(request))


def address_key(request: HttpRequest) -> str:
    """The address, or of a version 6 its network: who has one has 2⁶⁴ of them."""
    try:
        address = ipaddress.ip_address(request.META["REMOTE_ADDR"])
    except ValueError:
        return "unknown"
    if isinstance(address, ipaddress.IPv6Address):
        mapped = address.ipv4_mapped
        return str(mapped or ipaddress.ip_network((address, 64), strict=False))
    return str(address)


def _spend(request: HttpRequest, name: str, key: str) -> Usage | None:
    """Count one more; None where there is no limit, or nobody to count."""
    rate = settings.RATE_LIMITS.get(name)
    if rate is None:
        return None
    try:
        usage = get_usage(request, group=name, key=lambda *_: key, rate=rate, increment=True)
    except redis.RedisError as error:
        log.warning("redis_unavailable", doing="count requests", limit=name, error=str(error))
        return None
    if usage is None:
        return None
    limit, count = int(usage["limit"]), int(usage["count"])
    reset = max(1, ceil(usage["time_left"]))
    return Usage(limit=limit, remaining=max(0, limit - count), reset=reset, refused=count > limit)


class RateLimits:
    """The middleware: counts addresses, and what pages ask for; says in headers how much is left.

    What an account may ask of the API is counted there, once it is known whose it is (see api/throttles.py).
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        if iscoroutinefunction(self.get_response):
            return self._respond_async(request)
        response: HttpResponseBase = self.get_response(request)
        return _with_headers(request, response)

    async def _respond_async(self, request: HttpRequest) -> HttpResponseBase:
        response: HttpResponseBase = await self.get_response(request)
        return _with_headers(request, response)

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: Any, kwargs: Any
    ) -> HttpResponseBase | None:
        if note(request, _counted(request, view)):
            return refused(request)
        return None


def _counted(request: HttpRequest, view: Callable[..., Any]) -> list[Usage | None]:
    if request.path.startswith(API):
        return [by_address(request)]
    if request.path.startswith(UNCOUNTED):
        return []
    name = request.resolver_match.url_name if request.resolver_match else None
    if scope := SCOPE_OF_PAGE.get(name or ""):
        return [in_scope(request, scope, request.user)]
    if getattr(view, "answers_json", False) or request.user.is_authenticated:
        return []
    return [by_address(request)]


def refused(request: HttpRequest) -> HttpResponse:
    """429 as JSON where programs ask, else as a page."""
    usage: Usage = request.rate_usage  # type: ignore[attr-defined] # noted just before
    match = request.resolver_match
    if request.path.startswith(API) or (match and getattr(match.func, "answers_json", False)):
        message = _("That is too much at once. Try again in %(seconds)s seconds.") % {"seconds": usage.reset}
        return answers.busy(request, "RATE_LIMIT_EXCEEDED", message, seconds=usage.reset)
    page = render(request, "429.html", {"seconds": usage.reset}, status=429)
    page["Retry-After"] = str(usage.reset)
    return page


def _with_headers(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    usage: Usage | None = getattr(request, "rate_usage", None)
    if usage is not None:
        response["X-RateLimit-Limit"] = str(usage.limit)
        response["X-RateLimit-Remaining"] = str(usage.remaining)
        response["X-RateLimit-Reset"] = str(usage.reset)
    return response
