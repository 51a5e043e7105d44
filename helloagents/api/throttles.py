"""The limits of accounts and of costly calls; helloagents/limits.py counted the address before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from helloagents import limits

if TYPE_CHECKING:  # the framework's views import their throttles
    from rest_framework.views import APIView


class Limits(BaseThrottle):
    """Counts the request for its user, and in the view's `throttle_scope` if it has one."""

    def __init__(self) -> None:
        self._refused: limits.Usage | None = None

    def allow_request(self, request: Request, view: APIView) -> bool:
        plain, scope = request._request, getattr(view, "throttle_scope", None)
        usages = [limits.by_user(plain, request.user), limits.in_scope(plain, scope, request.user)]
        self._refused = limits.note(plain, usages)
        return self._refused is None

    def wait(self) -> float | None:
        return float(self._refused.reset) if self._refused else None
