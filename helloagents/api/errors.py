"""Whatever goes wrong in a view of the API, told in the one format of errors (see docs/api-errors.md)."""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil
from typing import Any

import redis
import structlog
from django.core.exceptions import ImproperlyConfigured, PermissionDenied, RequestDataTooBig
from django.core.signals import got_request_exception
from django.db import Error as DatabaseError
from django.http import Http404, HttpRequest, JsonResponse
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from rest_framework import exceptions

from progress import answers

log = structlog.get_logger(__name__)


def answer_exception(problem: Exception, context: dict[str, Any]) -> JsonResponse:
    """DRF's EXCEPTION_HANDLER."""
    request: HttpRequest = context["request"]._request
    match problem:
        case exceptions.ValidationError():
            return _invalid(request, problem)
        case Http404() | answers.Refused() | answers.NotJson() | answers.BodyTooLarge() | RequestDataTooBig():
            return answers.refusal(request, problem)
        case exceptions.NotAuthenticated() | exceptions.AuthenticationFailed():
            return _who_are_you(request, problem)
        case exceptions.PermissionDenied() | PermissionDenied():
            message = str(problem) or _("You may not do this.")
            return answers.error(request, "AUTHORIZATION_ERROR", message)
        case exceptions.NotFound():
            return answers.not_found(request)
        case exceptions.MethodNotAllowed():
            methods = (method for method in context["view"].allowed_methods if method != "OPTIONS")
            return answers.method_not_allowed(request, ", ".join(methods))  # OPTIONS is for CORS alone
        case exceptions.UnsupportedMediaType():
            message = _("Send JSON, with the header Content-Type: application/json.")
            return answers.error(request, "VALIDATION_ERROR", message)
        case exceptions.Throttled():
            seconds = ceil(getattr(problem, "wait", None) or 1)
            message = _("That is too much at once. Try again in %(seconds)s seconds.") % {"seconds": seconds}
            return answers.busy(request, "RATE_LIMIT_EXCEEDED", message, seconds=seconds)
        case _:
            return _our_fault(request, problem)


def _who_are_you(request: HttpRequest, problem: exceptions.APIException) -> JsonResponse:
    if isinstance(problem, exceptions.NotAuthenticated):
        message = _("Sign in first: with a session of the site, or with an access token.")
    else:
        message = _("The access token is not good, or not any more. Get a new one.")
    answer = answers.error(request, "AUTHENTICATION_ERROR", message)
    answer["WWW-Authenticate"] = getattr(problem, "auth_header", "Bearer")
    return answer


def _invalid(request: HttpRequest, problem: exceptions.ValidationError) -> JsonResponse:
    problems = list(_problems(problem.get_full_details()))
    message = _("Request validation failed")
    return answers.error(request, "VALIDATION_ERROR", message, details={"validation_errors": problems})


def _problems(details: Any, field: str = "") -> Iterator[dict[str, str]]:
    """Of nested details, each with its field: `conversation.0.role`."""
    if isinstance(details, dict) and "message" in details and "code" in details:
        name = "" if field == "non_field_errors" else field
        yield {"field": name, "message": str(details["message"]), "type": str(details["code"])}
    elif isinstance(details, dict):
        for name, inner in details.items():
            yield from _problems(inner, f"{field}.{name}" if field else str(name))
    else:
        for at, inner in enumerate(details):
            deeper = isinstance(inner, dict) and not {"message", "code"} <= set(inner)
            yield from _problems(inner, f"{field}.{at}" if deeper else field)


def _our_fault(request: HttpRequest, problem: Exception) -> JsonResponse:
    """A fault of the site: in the log with its stack, in the answer without any of it."""
    got_request_exception.send(sender=None, request=request)  # whoever watches for faults hears of it
    log.error("api_failed", exc_info=problem)  # which address, the line `request` tells by its pattern
    match problem:
        case redis.RedisError():
            code, message = "SERVICE_UNAVAILABLE", _("A part of the site does not answer. Try again soon.")
        case DatabaseError():
            code, message = "DATABASE_ERROR", _("The database did not take this. Try again soon.")
        case ImproperlyConfigured():
            code, message = "CONFIGURATION_ERROR", _("The site is not set up for this. Tell its operator.")
        case _:
            code, message = "INTERNAL_ERROR", _("Something is wrong on our side. It has been noted.")
    return answers.error(request, code, message)


@csrf_exempt
def nothing_here(request: HttpRequest) -> JsonResponse:
    """For addresses below /api/ that lead nowhere."""
    return answers.not_found(request)
