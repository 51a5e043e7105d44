"""How programs and the gateway talk: OpenAI's chat completions, or Anthropic's messages.

Within, a request is always one of OpenAI's and an answer is its chunks. A dialect reads what a program sent
and says the answer in the program's own words; it lives for one call.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from tutor import messages, reading
from tutor.errors import Refusal

Json = dict[str, Any]


class Dialect(Protocol):
    def read(self, body: bytes) -> tuple[str, Json]:
        """The model asked for, and the request in OpenAI's words. Raises Refusal."""

    def piece(self, chunk: Json) -> bytes:
        """What the program is sent of a streamed answer for this chunk; may be nothing."""

    def finish(self) -> bytes:
        """What ends a streamed answer."""

    def whole(self, completion: Json) -> Json:
        """An answer that is not streamed."""

    def error(self, refusal: Refusal) -> Json: ...

    def error_piece(self, refusal: Refusal) -> bytes:
        """An error in the middle of a streamed answer."""


class ChatCompletions:
    def __init__(self) -> None:
        self._wants_usage = False

    def read(self, body: bytes) -> tuple[str, Json]:
        model, request = reading.read_chat(body)
        self._wants_usage = bool((request.get("stream_options") or {}).get("include_usage"))
        return model, request

    def piece(self, chunk: Json) -> bytes:
        if not chunk.get("choices") and not self._wants_usage:
            return b""  # programs that did not ask for usage take each chunk to have a choice
        return _event(chunk)

    def finish(self) -> bytes:
        return b"data: [DONE]\n\n"

    def whole(self, completion: Json) -> Json:
        return completion

    def error(self, refusal: Refusal) -> Json:
        return refusal.body

    def error_piece(self, refusal: Refusal) -> bytes:
        return _event(refusal.body)  # SDKs raise it


class Messages:
    """Anthropic's; see `tutor.messages` for the translation."""

    def __init__(self) -> None:
        self._answer = messages.Answer()

    def read(self, body: bytes) -> tuple[str, Json]:
        return reading.check_chat(messages.as_chat(reading.read_object(body)))

    def piece(self, chunk: Json) -> bytes:
        return _named(self._answer.events_of(chunk))

    def finish(self) -> bytes:
        return _named(self._answer.last_events())

    def whole(self, completion: Json) -> Json:
        return messages.as_message(completion)

    def error(self, refusal: Refusal) -> Json:
        return messages.as_error(refusal.status, refusal.message)

    def error_piece(self, refusal: Refusal) -> bytes:
        return _named([self.error(refusal)])


def dumped(body: Mapping[str, Any]) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def _event(body: Json) -> bytes:
    return b"data: " + dumped(body) + b"\n\n"


def _named(events: Iterator[Json] | list[Json]) -> bytes:
    return b"".join(b"event: " + event["type"].encode() + b"\n" + _event(event) for event in events)
