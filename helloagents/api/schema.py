"""The description of the API (OpenAPI 3): what every operation shares."""

from __future__ import annotations

from typing import Any, Literal

from drf_spectacular.authentication import SessionScheme as LibrarysSessionScheme
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiResponse
from rest_framework import serializers

from helloagents.api.codes import INTRODUCTION, table
from progress.answers import STATUS_OF_CODE


class ErrorDetailSerializer(serializers.Serializer[Any]):
    code = serializers.ChoiceField(choices=list(STATUS_OF_CODE))
    message = serializers.CharField(help_text="What happened and what to do, for a person.")
    path = serializers.CharField()
    timestamp = serializers.FloatField(help_text="Seconds since 1970.")
    request_id = serializers.CharField(allow_null=True, help_text="Names the request in the site's log.")
    details = serializers.DictField(
        help_text="For VALIDATION_ERROR `validation_errors`, a list of {field, message, type}; "
        "for RATE_LIMIT_EXCEEDED `retry_after`, in seconds."
    )


class ErrorSerializer(serializers.Serializer[Any]):
    error = ErrorDetailSerializer()


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call] # no annotations
    """How the description names access tokens; found by the library when this module is imported."""

    target_class = "helloagents.api.authentication.TokenAuthentication"
    name = "accessToken"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}


class SessionScheme(LibrarysSessionScheme):  # type: ignore[no-untyped-call] # no annotations
    """How it names sessions: as the library names those of the class that ours is made from."""

    target_class = "helloagents.api.authentication.BrowserSession"


class Operation(AutoSchema):
    """Adds the errors that any operation of its kind may answer with, and those that the view names.

    A view names them by `error_codes`, codes of the error format. `guests_may_call` says that the operator
    decides whether one has to be signed in.
    """

    def get_auth(self) -> list[dict[str, list[str]]]:
        """With "none" where the operator may let guests in."""
        schemes: list[dict[str, list[str]]] = super().get_auth()
        return [*schemes, {}] if getattr(self.view, "guests_may_call", False) else schemes

    def _get_request_body(self, direction: str = "request") -> Any:
        """A body that is described is needed."""
        body = super()._get_request_body(direction)  # type: ignore[no-untyped-call] # no annotations
        return {**body, "required": True} if body else body

    def _get_response_bodies(self, direction: Literal["request", "response"] = "response") -> dict[str, Any]:
        bodies: dict[str, Any] = super()._get_response_bodies(direction)
        for status, codes in sorted(self._errors().items()):
            response = OpenApiResponse(ErrorSerializer, description=", ".join(codes))
            describe = self._get_response_for_code  # has no annotations
            described: Any = describe(response, str(status), direction=direction)  # type: ignore[no-untyped-call]
            bodies.setdefault(str(status), described)
        return bodies

    def _errors(self) -> dict[int, list[str]]:
        codes = ["RATE_LIMIT_EXCEEDED", *getattr(self.view, "error_codes", ())]
        if self.view.authentication_classes:
            codes.append("AUTHENTICATION_ERROR")
        if self.method not in ("GET", "HEAD"):
            codes += ["AUTHENTICATION_ERROR", "AUTHORIZATION_ERROR"]
        if self.method in ("POST", "PUT", "PATCH") and self.get_request_serializer() is not None:
            codes += ["VALIDATION_ERROR", "PAYLOAD_TOO_LARGE", "RESOURCE_NOT_FOUND"]
        if self.get_override_parameters():
            codes += ["VALIDATION_ERROR", "RESOURCE_NOT_FOUND"]
        if "{" in self.path:
            codes.append("RESOURCE_NOT_FOUND")
        statuses: dict[int, list[str]] = {}
        for code in dict.fromkeys(codes):
            statuses.setdefault(STATUS_OF_CODE[code], []).append(code)
        return statuses


def explain_errors(result: dict[str, Any], **_others: Any) -> dict[str, Any]:
    """A hook: put the codes of errors into the description, where whoever calls the API reads them."""
    result["info"]["description"] = f"{INTRODUCTION}\n{table()}"
    return result


def only_current(endpoints: list[Any]) -> list[Any]:
    """Leave the old addresses out: they answer, but nobody should begin with them."""
    return [each for each in endpoints if each[0].startswith("/api/v1/") or each[0] == "/api/version"]
