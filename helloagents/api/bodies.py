"""What goes in and out: JSON objects, whatever the headers wish for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, Any

from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from progress import answers


class JsonObject(BaseParser):
    """A JSON object, read like the bodies of the pages' endpoints. Raises as `answers.json_body`.

    A view that takes a list says so by `body_kind`.
    """

    media_type = "application/json"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        assert parser_context is not None
        view = parser_context.get("view")
        max_bytes = getattr(view, "body_max_bytes", answers.BODY_MAX_BYTES)
        kind = getattr(view, "body_kind", dict)
        return answers.json_body(parser_context["request"]._request, max_bytes=max_bytes, kind=kind)


class OneFormat(BaseContentNegotiation):
    """Each view answers in its own format; a caller that accepts another one still gets that."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        kind = (request.content_type or "").partition(";")[0].strip().lower()
        return next((parser for parser in parsers if parser.media_type == kind), None)

    def select_renderer(
        self, request: Request, renderers: Any, format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        return renderers[0], renderers[0].media_type
