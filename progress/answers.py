"""JSON in and out, for the pages' endpoints and the API: reading bodies, and the one format of errors."""

from __future__ import annotations

import functools
import json
import time
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec

import structlog
from asgiref.sync import iscoroutinefunction
from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.db import InterfaceError, OperationalError
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponseNotAllowed, JsonResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _

from progress.forms import WHOLE_SENTENCE

log = structlog.get_logger(__name__)

P = ParamSpec("P")

# Every code that an error may have, with its HTTP status; helloagents/api/codes.py explains each.
STATUS_OF_CODE = {
    "VALIDATION_ERROR": 400,
    "AUTHENTICATION_ERROR": 401,
    "AUTHORIZATION_ERROR": 403,
    "RESOURCE_NOT_FOUND": 404,
    "METHOD_NOT_ALLOWED": 405,
    "CONFLICT": 409,
    "PAYLOAD_TOO_LARGE": 413,
    "RATE_LIMIT_EXCEEDED": 429,
    "SANDBOX_EXECUTION_ERROR": 500,
    "DATABASE_ERROR": 500,
    "CONFIGURATION_ERROR": 500,
    "INTERNAL_ERROR": 500,
    "EXTERNAL_SERVICE_ERROR": 502,
    "CONTAINER_POOL_ERROR": 503,
    "SERVICE_UNAVAILABLE": 503,
    "TIMEOUT_ERROR": 504,
}

_DATABASE_SECONDS = 5  # until asking again may be of use after the database was away
BODY_MAX_BYTES = 4 * settings.RUN_CODE_MAX_BYTES  # JSON may escape each character


class NotJson(ValueError):
    """The body is no JSON of the kind that is wanted: an object (`dict`) or a list."""

    def __init__(self, kind: type) -> None:
        super().__init__()
        self.kind = kind


class BodyTooLarge(ValueError):
    """The body is longer than any that holds what is permitted."""


class Refused(Exception):
    """A request that cannot be done, with the `code` of the error format; `seconds` until it may be again."""

    def __init__(
        self, code: str, message: str, *, seconds: int | None = None, details: dict[str, Any] | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.seconds = seconds
        self.details = details


# What a view for programs may raise, and `refusal` tells in words.
REFUSED = (Http404, Refused, NotJson, BodyTooLarge, RequestDataTooBig, OperationalError, InterfaceError)


def json_endpoint(view: Callable[Concatenate[HttpRequest, P], Any]) -> Any:
    """A view for programs: whatever is wrong with a request is told in the error format, never as a page.

    Goes outermost; other parts of the site know such a view by its `answers_json`.
    """

    @functools.wraps(view)
    def answer(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> Any:
        try:
            return _in_format(request, view(request, *args, **kwargs))
        except REFUSED as problem:
            return refusal(request, problem)

    @functools.wraps(view)
    async def answer_async(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> Any:
        try:
            return _in_format(request, await view(request, *args, **kwargs))
        except REFUSED as problem:
            return refusal(request, problem)

    wrapped: Any = answer_async if iscoroutinefunction(view) else answer
    wrapped.answers_json = True
    return wrapped


def _in_format(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    """The response, or for Django's empty 405 one in the error format."""
    if not isinstance(response, HttpResponseNotAllowed):
        return response
    return method_not_allowed(request, response["Allow"])


def refusal(request: HttpRequest, problem: Exception) -> JsonResponse:
    """What a request gets that named nothing there is, or whose body cannot be read."""
    match problem:
        case Http404():
            return not_found(request, str(problem))
        case Refused():
            return refuse(request, problem)
        case NotJson():
            wanted_a_list = _("The body is not a JSON array: […].")
            message = wanted_a_list if problem.kind is list else _("The body is not a JSON object.")
            return error(request, "VALIDATION_ERROR", message)
        case OperationalError() | InterfaceError():
            log.error("database_unavailable", error=str(problem))
            return busy(
                request,
                "SERVICE_UNAVAILABLE",
                _("The site cannot reach its data at the moment. Your code is kept. Try again soon."),
                seconds=_DATABASE_SECONDS,
            )
        case _:
            return code_too_large(request)


def refuse(request: HttpRequest, problem: Refused) -> JsonResponse:
    if problem.seconds is not None:
        return busy(request, problem.code, problem.message, seconds=problem.seconds)
    return error(request, problem.code, problem.message, details=problem.details)


def json_body(request: HttpRequest, *, max_bytes: int = BODY_MAX_BYTES, kind: type = dict) -> Any:
    """The body, an object or a list. Raises NotJson, BodyTooLarge, RequestDataTooBig for `json_endpoint`."""
    if len(request.body) > max_bytes:
        raise BodyTooLarge
    try:
        body = json.loads(request.body)
    except (ValueError, RecursionError) as problem:
        raise NotJson(kind) from problem
    if not isinstance(body, kind):
        raise NotJson(kind)
    return body


def error(
    request: HttpRequest,
    code: str,
    message: str,
    *,
    status: int | None = None,
    details: dict[str, Any] | None = None,
) -> JsonResponse:
    """An answer in the error format, with the status of its code."""
    body = {
        "code": code,
        "message": message,
        "path": request.path,
        "timestamp": time.time(),
        "request_id": structlog.contextvars.get_contextvars().get("request_id"),
        "details": details or {},
    }
    return JsonResponse({"error": body}, status=status or STATUS_OF_CODE[code])


def not_found(request: HttpRequest, message: str = "") -> JsonResponse:
    return error(request, "RESOURCE_NOT_FOUND", message or _("There is nothing at this address."))


def method_not_allowed(request: HttpRequest, allowed: str) -> JsonResponse:
    """405; `allowed` are the methods that would do, as the header Allow names them."""
    message = _("%(method)s does not work here; use %(allowed)s.")
    answer = error(request, "METHOD_NOT_ALLOWED", message % {"method": request.method, "allowed": allowed})
    answer["Allow"] = allowed
    return answer


def busy(
    request: HttpRequest, code: str, message: str, *, seconds: int, status: int | None = None
) -> JsonResponse:
    """Not now: the caller may try again after these seconds."""
    answer = error(request, code, message, status=status, details={"retry_after": seconds})
    answer["Retry-After"] = str(seconds)
    return answer


def invalid(request: HttpRequest, form: Form) -> JsonResponse:
    """400, naming each field that is wrong; the message is the first problem in words."""
    problems = [
        {"field": field, "message": problem["message"], "type": problem["code"] or "invalid"}
        for field, errors in form.errors.get_json_data().items()
        for problem in errors
    ]
    first = problems[0]
    # Our own messages are whole sentences; those of Django and of the fields speak of "this value".
    message = first["message"] if first["type"] == WHOLE_SENTENCE else f"{first['field']}: {first['message']}"
    return error(request, "VALIDATION_ERROR", message, details={"validation_errors": problems})


def code_too_large(request: HttpRequest) -> JsonResponse:
    limit = settings.RUN_CODE_MAX_BYTES // 1024
    message = _("The code is larger than %(limit)s KB. Shorten it.") % {"limit": limit}
    return error(request, "PAYLOAD_TOO_LARGE", message)
