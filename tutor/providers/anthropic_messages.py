"""Anthropic's Messages protocol, translated from and to OpenAI's.

What has no counterpart is refused rather than dropped where it changes the answer (`n` above 1); JSON mode
becomes an instruction. The upstream answer is always streamed and put together when that was not asked for.
"""

from __future__ import annotations

import json
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any
from uuid import uuid4

import anthropic
import httpx2
from anthropic.types import RawMessageStreamEvent

from tutor.assembling import arguments_of, assemble
from tutor.providers import faults
from tutor.providers.interface import Endpoint, Fault, Json, Patience, ProviderError

_DEFAULT_MAX_TOKENS = 4096
_FINISH = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}
_JSON_ONLY = "Answer with one JSON object and nothing else: no words around it, no code fence."


class AnthropicMessages:
    """See `interface.Provider`."""

    def __init__(self, endpoint: Endpoint, patience: Patience) -> None:
        self.endpoint = endpoint
        self.patience = patience
        timeout = httpx2.Timeout(patience.silence, connect=patience.connect)
        self.client = anthropic.AsyncAnthropic(
            api_key=endpoint.key or "none",
            base_url=endpoint.url,
            timeout=timeout,
            max_retries=0,
            http_client=anthropic.DefaultAsyncHttpxClient(follow_redirects=False, timeout=timeout),
        )

    async def chat(self, body: Mapping[str, Any]) -> AsyncGenerator[Json, None]:
        async with aclosing(self._chunks(body)) as chunks:
            if body.get("stream"):
                async for chunk in chunks:
                    yield chunk
            else:
                yield assemble([chunk async for chunk in chunks])

    async def embed(self, body: Mapping[str, Any]) -> Json:
        raise ProviderError(Fault.NO_SUCH_MODEL, f"{self.endpoint.name} has no embeddings")

    async def close(self) -> None:
        await self.client.close()

    async def _chunks(self, body: Mapping[str, Any]) -> AsyncGenerator[Json, None]:
        request = translated(body)
        async with faults.named(self.endpoint, self.patience):
            answer = _Answer(model=str(body.get("model", "")))
            async with await self.client.messages.create(stream=True, **request) as stream:
                async for event in stream:
                    for chunk in answer.chunks_of(event):
                        yield chunk
            if not answer.is_complete:
                raise ProviderError(Fault.BROKEN, "the answer ended before it was complete")


# --- To Anthropic ---------------------------------------------------------------------------------


def translated(body: Mapping[str, Any]) -> Json:
    """The request in Anthropic's words. Raises ProviderError for what these cannot say."""
    if (body.get("n") or 1) != 1:
        raise ProviderError(
            Fault.BAD_REQUEST, "this model gives one answer at a time: leave out n", status=400
        )
    system, messages = _messages(body.get("messages") or [])
    wants_json = (body.get("response_format") or {}).get("type")
    if wants_json in ("json_object", "json_schema"):
        system.append(_json_instruction(body["response_format"]))
    stop = body.get("stop")
    request: Json = {
        "model": body.get("model"),
        "messages": messages,
        "max_tokens": body.get("max_completion_tokens") or body.get("max_tokens") or _DEFAULT_MAX_TOKENS,
        "system": "\n\n".join(system),
        "stop_sequences": [stop] if isinstance(stop, str) else stop,
        "tools": [_tool(tool) for tool in body.get("tools") or []],
        "tool_choice": _tool_choice(body),
        # Theirs ends at 1, OpenAI's at 2; not both may be set.
        "temperature": None if body.get("temperature") is None else min(1.0, body["temperature"]),
        "top_p": body.get("top_p") if body.get("temperature") is None else None,
    }
    request = {key: value for key, value in request.items() if value not in (None, "", [])}
    # No types in the SDK for these any more, though models take them.
    extra = {key: request.pop(key) for key in ("temperature", "top_p") if key in request}
    return request | ({"extra_body": extra} if extra else {})


def _json_instruction(wanted: Mapping[str, Any]) -> str:
    schema = (wanted.get("json_schema") or {}).get("schema")
    return f"{_JSON_ONLY} It must fit this JSON schema: {json.dumps(schema)}" if schema else _JSON_ONLY


def _messages(messages: list[Json]) -> tuple[list[str], list[Json]]:
    """System texts, and the turns: results of tools become blocks of a user's turn, equal roles one turn."""
    system: list[str] = []
    turns: list[Json] = []
    for message in messages:
        role = message.get("role")
        if role in ("system", "developer"):
            system += [block["text"] for block in _blocks(message.get("content")) if block["type"] == "text"]
            continue
        blocks = _turn(message)
        turn_role = "assistant" if role == "assistant" else "user"
        if turns and turns[-1]["role"] == turn_role:
            turns[-1]["content"] += blocks
        elif blocks:
            turns.append({"role": turn_role, "content": blocks})
    return system, turns


def _turn(message: Json) -> list[Json]:
    if message.get("role") == "tool":
        content = _blocks(message.get("content"))
        return [{"type": "tool_result", "tool_use_id": message.get("tool_call_id"), "content": content}]
    blocks = _blocks(message.get("content"))
    for call in message.get("tool_calls") or []:
        function = call.get("function") or {}
        blocks.append(
            {
                "type": "tool_use",
                "id": call.get("id"),
                "name": function.get("name"),
                "input": arguments_of(function.get("arguments")),
            }
        )
    return blocks


def _blocks(content: Any) -> list[Json]:
    if isinstance(content, str):
        return [{"type": "text", "text": content}] if content.strip() else []
    blocks: list[Json] = []
    for part in content or []:
        if part.get("type") == "text":
            blocks.append({"type": "text", "text": part.get("text", "")})
        elif part.get("type") == "image_url":
            blocks.append({"type": "image", "source": _image((part.get("image_url") or {}).get("url", ""))})
        else:
            what = f"this model cannot take a part of type {part.get('type')}"
            raise ProviderError(Fault.BAD_REQUEST, what, status=400)
    return blocks


def _image(url: str) -> Json:
    if url.startswith("data:") and ";base64," in url:
        media_type, data = url.removeprefix("data:").split(";base64,", 1)
        return {"type": "base64", "media_type": media_type, "data": data}
    return {"type": "url", "url": url}


def _tool(tool: Json) -> Json:
    function = tool.get("function") or {}
    return {
        "name": function.get("name"),
        "description": function.get("description") or "",
        "input_schema": function.get("parameters") or {"type": "object", "properties": {}},
    }


def _tool_choice(body: Mapping[str, Any]) -> Json | None:
    if not body.get("tools"):
        return None
    choice = body.get("tool_choice")
    if isinstance(choice, dict):
        return {"type": "tool", "name": (choice.get("function") or {}).get("name")}
    kind = {"required": "any", "none": "none"}.get(str(choice), "auto")
    if kind != "none" and body.get("parallel_tool_calls") is False:
        return {"type": kind, "disable_parallel_tool_use": True}
    return {"type": kind} if choice else None


# --- From Anthropic -------------------------------------------------------------------------------


class _Answer:
    """One streamed answer: events in, chunks out."""

    def __init__(self, model: str) -> None:
        self.id = f"chatcmpl-{uuid4().hex}"
        self.model = model
        self.created = int(time.time())
        self.tool_calls = 0
        self.usage = {"prompt_tokens": 0, "completion_tokens": 0}
        self.is_complete = False

    def chunks_of(self, event: RawMessageStreamEvent) -> list[Json]:
        match event.type:
            case "message_start":
                self.model = event.message.model or self.model
                self.note(event.message.usage)
                return [self.chunk({"role": "assistant", "content": ""})]
            case "content_block_start" if event.content_block.type == "tool_use":
                self.tool_calls += 1
                function = {"name": event.content_block.name, "arguments": ""}
                call = {"id": event.content_block.id, "type": "function", "function": function}
                return [self.chunk({"tool_calls": [{"index": self.tool_calls - 1, **call}]})]
            case "content_block_delta" if event.delta.type == "text_delta":
                return [self.chunk({"content": event.delta.text})]
            case "content_block_delta" if event.delta.type == "input_json_delta":
                function = {"arguments": event.delta.partial_json}
                return [self.chunk({"tool_calls": [{"index": self.tool_calls - 1, "function": function}]})]
            case "message_delta":
                self.note(event.usage)
                return [self.chunk({}, finish=_FINISH.get(str(event.delta.stop_reason), "stop"))]
            case "message_stop":
                self.is_complete = True
                total = sum(self.usage.values())
                return [{**self.chunk({}), "choices": [], "usage": {**self.usage, "total_tokens": total}}]
        return []

    def note(self, usage: Any) -> None:
        """Running totals; what was read from or written to a cache was part of the prompt."""
        prompt = sum(
            getattr(usage, name, None) or 0
            for name in ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
        )
        self.usage["prompt_tokens"] = max(self.usage["prompt_tokens"], prompt)
        self.usage["completion_tokens"] = getattr(usage, "output_tokens", None) or 0

    def chunk(self, delta: Json, *, finish: str | None = None) -> Json:
        return {
            "id": self.id,
            "object": "chat.completion.chunk",
            "created": self.created,
            "model": self.model,
            "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
        }
