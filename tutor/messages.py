"""Anthropic's Messages protocol as programs speak it, translated to and from OpenAI's. No I/O.

The other way round, for a provider that speaks it, is `tutor.providers.anthropic_messages`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from django.utils.translation import gettext as _

from tutor.assembling import arguments_of
from tutor.errors import bad_request

Json = dict[str, Any]

_STOP_REASONS = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "content_filter": "refusal",
}
_ERRORS = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
    504: "timeout_error",
}
_CHOICES: Mapping[Any, str] = {"auto": "auto", "any": "required", "none": "none"}
_SAME = ("model", "max_tokens", "temperature", "top_p", "stream")


# --- The request ----------------------------------------------------------------------------------


def as_chat(said: Json) -> Json:
    """The request in OpenAI's words, which are checked afterwards. Raises Refusal for what has none."""
    if not isinstance(said.get("messages"), list):
        raise bad_request(_("messages is a list with at least one message."), param="messages")
    chat: Json = {name: said[name] for name in _SAME if name in said}
    chat["messages"] = _system(said.get("system"))
    for number, message in enumerate(said["messages"]):
        chat["messages"] += _turn(message, f"messages[{number}]")
    if said.get("stop_sequences"):
        chat["stop"] = said["stop_sequences"]
    if tools := said.get("tools"):
        chat["tools"] = [_tool(tool) for tool in tools] if isinstance(tools, list) else tools
        chat |= _tool_choice(said.get("tool_choice"))
    if said.get("stream"):
        chat["stream_options"] = {"include_usage": True}
    return chat


def _system(said: Any) -> list[Json]:
    text = _text_of(said)
    return [{"role": "system", "content": text}] if text else []


def _turn(message: Any, param: str) -> list[Json]:
    """One message as one or more of OpenAI's: each result of a tool is one of its own, ahead of the rest."""
    if not isinstance(message, dict):
        raise bad_request(_("messages is a list with at least one message."), param=param)
    role, content = message.get("role"), message.get("content")
    if role not in ("user", "assistant"):
        roles = _("A message's role is one of %(roles)s.") % {"roles": "user, assistant"}
        raise bad_request(roles, param=f"{param}.role")
    if isinstance(content, str):
        return [{"role": role, "content": content}]
    if not isinstance(content, list) or not all(isinstance(block, dict) for block in content):
        raise bad_request(_("A message's content is a text or a list of parts."), param=f"{param}.content")
    results = [_tool_result(block) for block in content if block.get("type") == "tool_result"]
    parts = [part for block in content if (part := _part(block, param))]
    calls = [_tool_call(block) for block in content if block.get("type") == "tool_use"]
    turn: Json = {"role": role, "content": _plain(parts)} | ({"tool_calls": calls} if calls else {})
    return [*results, turn] if parts or calls or not results else results


def _part(block: Json, param: str) -> Json | None:
    match block.get("type"):
        case "text":
            return {"type": "text", "text": block.get("text")}
        case "image":
            return {"type": "image_url", "image_url": {"url": _picture(block.get("source"))}}
        case "tool_use" | "tool_result" | "thinking" | "redacted_thinking":
            return None  # told elsewhere, or of use to none but the model that thought it
    what = _("A part of type %(type)s cannot be passed on.") % {"type": str(block.get("type"))[:50]}
    raise bad_request(what, param=f"{param}.content")


def _plain(parts: list[Json]) -> str | list[Json] | None:
    """A single text as such, which is how most programs and scripts look at it."""
    if len(parts) == 1 and parts[0]["type"] == "text":
        return parts[0]["text"]  # type: ignore[no-any-return] # checked with all messages afterwards
    return parts or None


def _picture(source: Any) -> str:
    source = source if isinstance(source, dict) else {}
    if source.get("type") == "base64":
        return f"data:{source.get('media_type')};base64,{source.get('data')}"
    return str(source.get("url"))


def _tool_call(block: Json) -> Json:
    arguments = json.dumps(block.get("input") or {}, ensure_ascii=False)
    function = {"name": block.get("name"), "arguments": arguments}
    return {"id": block.get("id"), "type": "function", "function": function}


def _tool_result(block: Json) -> Json:
    return {
        "role": "tool",
        "tool_call_id": block.get("tool_use_id"),
        "content": _text_of(block.get("content")),
    }


def _text_of(content: Any) -> str:
    """The words of a text or of a list of blocks."""
    if isinstance(content, str):
        return content
    blocks = content if isinstance(content, list) else []
    texts = [block.get("text") for block in blocks if isinstance(block, dict)]
    return "\n\n".join(text for text in texts if isinstance(text, str))


def _tool(tool: Any) -> Any:
    if not isinstance(tool, dict):
        return tool
    function = {"name": tool.get("name"), "description": tool.get("description") or ""}
    return {"type": "function", "function": {**function, "parameters": tool.get("input_schema") or {}}}


def _tool_choice(choice: Any) -> Json:
    if not isinstance(choice, dict):
        return {}
    said: Json = {"tool_choice": _CHOICES.get(choice.get("type"), "auto")}
    if choice.get("type") == "tool":
        said = {"tool_choice": {"type": "function", "function": {"name": choice.get("name")}}}
    return said | ({"parallel_tool_calls": False} if choice.get("disable_parallel_tool_use") else {})


# --- The answer -----------------------------------------------------------------------------------


def as_message(completion: Json) -> Json:
    """A `chat.completion` as a message."""
    choice: Json = (completion.get("choices") or [{}])[0]
    said = choice.get("message") or {}
    blocks: list[Json] = [{"type": "text", "text": said["content"]}] if said.get("content") else []
    for call in said.get("tool_calls") or []:
        function = call.get("function") or {}
        given = arguments_of(function.get("arguments"))
        blocks.append(
            {"type": "tool_use", "id": call.get("id"), "name": function.get("name"), "input": given}
        )
    return {
        **_head(completion),
        "content": blocks,
        "stop_reason": _stop_reason(choice.get("finish_reason")),
        "usage": _usage(completion.get("usage")),
    }


def as_error(status: int, message: str) -> Json:
    return {"type": "error", "error": {"type": _ERRORS.get(status, "api_error"), "message": message}}


class Answer:
    """One streamed answer: chunks in, events out. Texts and tool calls become blocks, one after the other."""

    def __init__(self) -> None:
        self._head: Json = {}
        self._blocks = 0  # begun so far; the last of them is open
        self._open: str | int | None = None  # "text", or the index of the tool call in the chunks
        self._finish: str | None = None
        self._used: Json | None = None

    def events_of(self, chunk: Json) -> Iterator[Json]:
        if not self._head:
            self._head = _head(chunk)
            message = {**self._head, "content": [], "stop_reason": None, "usage": _usage(None)}
            yield {"type": "message_start", "message": message}
        self._used = chunk.get("usage") or self._used
        choice: Json = next((each for each in chunk.get("choices") or [] if not each.get("index")), {})
        delta = choice.get("delta") or {}
        if delta.get("content"):
            yield from self._enter("text", {"type": "text", "text": ""})
            yield self._delta({"type": "text_delta", "text": delta["content"]})
        for piece in delta.get("tool_calls") or []:
            yield from self._tool_piece(piece)
        self._finish = choice.get("finish_reason") or self._finish

    def last_events(self) -> Iterator[Json]:
        yield from self._leave()
        end = {"stop_reason": _stop_reason(self._finish), "stop_sequence": None}
        yield {"type": "message_delta", "delta": end, "usage": _usage(self._used)}
        yield {"type": "message_stop"}

    def _tool_piece(self, piece: Json) -> Iterator[Json]:
        function = piece.get("function") or {}
        name, id_ = function.get("name") or "", piece.get("id") or ""
        yield from self._enter(
            piece.get("index") or 0, {"type": "tool_use", "id": id_, "name": name, "input": {}}
        )
        if function.get("arguments"):
            yield self._delta({"type": "input_json_delta", "partial_json": function["arguments"]})

    def _enter(self, what: str | int, block: Json) -> Iterator[Json]:
        if what == self._open:
            return
        yield from self._leave()
        self._open = what
        self._blocks += 1
        yield {"type": "content_block_start", "index": self._blocks - 1, "content_block": block}

    def _leave(self) -> Iterator[Json]:
        if self._open is not None:
            self._open = None
            yield {"type": "content_block_stop", "index": self._blocks - 1}

    def _delta(self, delta: Json) -> Json:
        return {"type": "content_block_delta", "index": self._blocks - 1, "delta": delta}


def _head(said: Json) -> Json:
    """What a message begins with, of a completion or its first chunk."""
    same = {"id": said.get("id") or "msg", "model": said.get("model") or ""}
    return {**same, "type": "message", "role": "assistant", "stop_sequence": None}


def _stop_reason(finish: Any) -> str:
    return _STOP_REASONS.get(str(finish), "end_turn")


def _usage(used: Any) -> Json:
    used = used if isinstance(used, dict) else {}
    return {
        "input_tokens": used.get("prompt_tokens") or 0,
        "output_tokens": used.get("completion_tokens") or 0,
    }
