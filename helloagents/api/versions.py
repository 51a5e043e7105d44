"""Versions of the API: which there are, and the old addresses without one, which still answer."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import quote

from asgiref.sync import iscoroutinefunction
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.decorators import sync_and_async_middleware
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

CURRENT = "v1"
SUPPORTED = ["v1"]
DEPRECATED: list[str] = []


class VersionsSerializer(serializers.Serializer[Any]):
    current_version = serializers.CharField()
    supported_versions = serializers.ListField(child=serializers.CharField())
    deprecated_versions = serializers.ListField(child=serializers.CharField())
    latest_version = serializers.CharField()


class Versions(APIView):
    permission_classes = [AllowAny]

    @extend_schema(
        operation_id="versions", tags=["versions"], summary="The API's versions", responses=VersionsSerializer
    )
    def get(self, request: Request) -> Response:
        return Response(
            {
                "current_version": CURRENT,
                "supported_versions": SUPPORTED,
                "deprecated_versions": DEPRECATED,
                "latest_version": SUPPORTED[-1],
            }
        )


def deprecated(view: Callable[..., Any], successor: str) -> Callable[..., Any]:
    """The same view at its old address; `successor` is the new one, with the arguments' {names} in it."""

    @functools.wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        response: HttpResponseBase = view(request, *args, **kwargs)
        response["Deprecation"] = "true"
        names = {name: quote(str(value), safe="") for name, value in kwargs.items()}
        path = request.build_absolute_uri(f"/api/{CURRENT}/{successor.format(**names)}")
        response["Link"] = f'<{path}>; rel="successor-version"'
        return response

    return answer


@sync_and_async_middleware
def version_headers(
    get_response: Callable[[HttpRequest], HttpResponseBase | Awaitable[HttpResponseBase]],
) -> Callable[[HttpRequest], HttpResponseBase | Awaitable[HttpResponseBase]]:
    """X-API-Version and X-Supported-Versions on every answer below /api/; Allow names what works there."""
    if iscoroutinefunction(get_response):

        async def respond_async(request: HttpRequest) -> HttpResponseBase:
            response = get_response(request)
            assert not isinstance(response, HttpResponseBase)
            return _marked(request, await response)

        return respond_async

    def respond(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        assert isinstance(response, HttpResponseBase)
        return _marked(request, response)

    return respond


def _marked(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    if request.path.startswith("/api/"):
        response["X-API-Version"] = CURRENT
        response["X-Supported-Versions"] = ", ".join(SUPPORTED)
        if "Allow" in response:  # OPTIONS is for CORS alone, which no view answers
            methods = response["Allow"].split(", ")
            response["Allow"] = ", ".join(method for method in methods if method != "OPTIONS")
    return response
