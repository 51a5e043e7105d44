"""For those who teach or keep the site: how the sandbox does, as a page and for programs."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import redis
import structlog
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from sandbox.dashboard import figures

log = structlog.get_logger(__name__)

View = Callable[[HttpRequest], HttpResponse]


def for_instructors(view: View) -> View:
    """To anybody else the address does not exist."""

    @wraps(view)
    def checked(request: HttpRequest) -> HttpResponse:
        if not may_see_pool(request.user):
            raise Http404
        return view(request)

    return checked


def may_see_pool(user: Any) -> bool:
    roles = ("admins", "instructors")
    return bool(user.is_active and (user.is_staff or user.groups.filter(name__in=roles).exists()))


@require_GET
@never_cache
@for_instructors
def dashboard(request: HttpRequest) -> HttpResponse:
    return render(request, "sandbox/dashboard.html", _context())


@require_GET
@never_cache
@for_instructors
def live_figures(request: HttpRequest) -> HttpResponse:
    """The part of the page that changes."""
    return render(request, "sandbox/_figures.html", _context())


def _context() -> dict[str, Any]:
    try:
        return figures()
    except redis.RedisError as error:
        log.warning("redis_unavailable", doing="dashboard", error=str(error))
        return {"redis_is_away": True}
