"""Streamed pieces of an answer put together again. OpenAI's words; no I/O."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

Json = dict[str, Any]


class Assembly:
    """Collects the chunks of one answer, for the trace and for whoever asked for it whole."""

    def __init__(self) -> None:
        self.head: Json = {}
        self.usage: Json | None = None
        self._choices: dict[int, _Choice] = {}

    def add(self, chunk: Json) -> bool:
        """Take a chunk in; True when it holds something of an answer."""
        if not self.head:
            self.head = {key: chunk[key] for key in ("id", "created", "model") if key in chunk}
        if isinstance(chunk.get("usage"), dict):
            self.usage = chunk["usage"]
        said = False
        for choice in chunk.get("choices") or []:
            if not isinstance(choice, dict):
                continue
            index = choice.get("index", 0)
            said |= self._choices.setdefault(index, _Choice()).add(choice)
        return said

    @property
    def model(self) -> str:
        return str(self.head.get("model") or "")

    def completion(self) -> Json:
        """The `chat.completion` that the chunks amount to."""
        choices = [{"index": index, **choice.whole()} for index, choice in sorted(self._choices.items())]
        whole = {**self.head, "object": "chat.completion", "choices": choices}
        return whole | ({"usage": self.usage} if self.usage else {})


class _Choice:
    def __init__(self) -> None:
        self.texts: dict[str, list[str]] = {}
        self.calls: dict[int, Json] = {}
        self.finish_reason: str | None = None

    def add(self, choice: Json) -> bool:
        delta = choice.get("delta") or {}
        said = False
        for field in ("content", "reasoning_content", "refusal"):
            if isinstance(delta.get(field), str):
                self.texts.setdefault(field, []).append(delta[field])
                said |= bool(delta[field])
        for piece in delta.get("tool_calls") or []:
            self._add_call(piece)
            said = True
        self.finish_reason = choice.get("finish_reason") or self.finish_reason
        return said

    def _add_call(self, piece: Json) -> None:
        empty = {"id": "", "type": "function", "function": {"name": "", "arguments": ""}}
        call = self.calls.setdefault(piece.get("index") or 0, empty)
        function = piece.get("function") or {}
        call["id"] = piece.get("id") or call["id"]
        call["function"]["name"] = function.get("name") or call["function"]["name"]
        call["function"]["arguments"] += function.get("arguments") or ""

    def whole(self) -> Json:
        message: Json = {"role": "assistant", "content": None}
        message |= {field: "".join(pieces) for field, pieces in self.texts.items()}
        if self.calls:
            message["tool_calls"] = [call for _, call in sorted(self.calls.items())]
            message["content"] = message["content"] or None
        return {"message": message, "finish_reason": self.finish_reason}


def arguments_of(text: Any) -> Json:
    """A tool call's arguments; under a name of their own where a model wrote no JSON object."""
    try:
        value = json.loads(text or "{}")
    except (TypeError, ValueError):
        value = None
    return value if isinstance(value, dict) else {"arguments": text}


def assemble(chunks: Iterable[Json]) -> Json:
    """The whole answer of these chunks."""
    assembly = Assembly()
    for chunk in chunks:
        assembly.add(chunk)
    return assembly.completion()
