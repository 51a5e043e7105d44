"""OpenAI's protocol, which DeepSeek, Ollama, vLLM and most others speak.

The SDK sends, authenticates and names errors; bodies pass through as they are, so that what a service can
beyond the SDK's types still works.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing, suppress
from typing import Any

import httpx2
import openai

from tutor.providers import faults
from tutor.providers.interface import Endpoint, Fault, Json, Patience, ProviderError

_ANSWER_LIMIT = 16 * 1024 * 1024  # bytes
_LINE_LIMIT = 4 * 1024 * 1024  # bytes of one event
_DRAIN_SECONDS = 0.5
# OpenAI's own newer models refuse max_tokens; others know nothing else.
_HOSTS_WITH_COMPLETION_TOKENS = ("api.openai.com",)


class OpenAICompatible:
    """See `interface.Provider`."""

    def __init__(self, endpoint: Endpoint, patience: Patience) -> None:
        self.endpoint = endpoint
        self.patience = patience
        timeout = httpx2.Timeout(patience.silence, connect=patience.connect)
        self.client = openai.AsyncOpenAI(
            api_key=endpoint.key or "none",
            base_url=endpoint.url,
            timeout=timeout,
            max_retries=0,  # `routing` retries, and knows what was passed on
            http_client=openai.DefaultAsyncHttpxClient(follow_redirects=False, timeout=timeout),
        )
        host = httpx2.URL(endpoint.url).host
        self._limit_name = "max_completion_tokens" if host in _HOSTS_WITH_COMPLETION_TOKENS else "max_tokens"

    async def chat(self, body: Mapping[str, Any]) -> AsyncGenerator[Json, None]:
        async with faults.named(self.endpoint, self.patience):
            rest = self._adapted(body)
            request = self.client.chat.completions.with_streaming_response.create(
                model=rest.pop("model"), messages=rest.pop("messages"), extra_body=rest
            )
            async with request as response:
                if not body.get("stream"):
                    yield await self._whole(response.iter_bytes())
                    return
                async with aclosing(_events(response.iter_bytes())) as events:
                    async for chunk in events:
                        yield chunk

    async def embed(self, body: Mapping[str, Any]) -> Json:
        async with faults.named(self.endpoint, self.patience):
            rest = dict(body)
            request = self.client.embeddings.with_streaming_response.create(
                model=rest.pop("model"),
                input=rest.pop("input"),
                encoding_format=rest.pop("encoding_format", "float"),
                extra_body=rest,
            )
            async with request as response:
                return await self._whole(response.iter_bytes())
        raise AssertionError("unreachable")

    async def close(self) -> None:
        await self.client.close()

    def _adapted(self, body: Mapping[str, Any]) -> Json:
        rest = dict(body)
        limits = [rest.pop(name, None) for name in ("max_completion_tokens", "max_tokens")]
        if limit := next((limit for limit in limits if limit), None):
            rest[self._limit_name] = limit
        if rest.get("stream"):
            rest["stream_options"] = {**(rest.get("stream_options") or {}), "include_usage": True}
        return rest

    async def _whole(self, pieces: AsyncIterator[bytes]) -> Json:
        collected = bytearray()
        async for piece in pieces:
            collected += piece
            if len(collected) > _ANSWER_LIMIT:
                raise ProviderError(Fault.GARBAGE, "the answer is larger than 16 MB")
        return _object(bytes(collected))


async def _events(pieces: AsyncIterator[bytes]) -> AsyncGenerator[Json, None]:
    """The JSON of server-sent events up to [DONE], each as soon as its line is complete."""
    waiting = b""
    finished = False
    async for piece in pieces:
        *lines, waiting = (waiting + piece).split(b"\n")
        if len(waiting) > _LINE_LIMIT:
            raise ProviderError(Fault.GARBAGE, "an event is larger than 4 MB")
        for line in lines:
            if not line.startswith(b"data:"):
                _refuse_what_is_no_event(line)
                continue
            data = line[5:].strip()
            if data == b"[DONE]":
                await _drain(pieces)
                return
            chunk = _object(data)
            if chunk.get("error"):
                raise ProviderError(Fault.BROKEN, faults.message_in(chunk) or "the provider broke off")
            finished = finished or any(
                isinstance(choice, dict) and choice.get("finish_reason")
                for choice in chunk.get("choices") or []
            )
            yield chunk
    if not finished:  # some services forget [DONE], none forgets why it ended
        raise ProviderError(Fault.BROKEN, "the answer ended before it was complete")


async def _drain(pieces: AsyncIterator[bytes]) -> None:
    """Read the little that follows the end, so that the connection can be used again."""
    with suppress(TimeoutError):
        async with asyncio.timeout(_DRAIN_SECONDS):
            async for _ in pieces:
                pass


def _refuse_what_is_no_event(line: bytes) -> None:
    """Comments, other fields and empty lines belong to the protocol."""
    if line.strip() and not line.startswith((b":", b"event", b"id", b"retry")):
        raise ProviderError(Fault.GARBAGE, "the stream holds something else than events")


def _object(data: bytes) -> Json:
    try:
        value = json.loads(data)
    except ValueError as error:
        raise ProviderError(Fault.GARBAGE, "the answer is not JSON") from error
    if not isinstance(value, dict):
        raise ProviderError(Fault.GARBAGE, "the answer is no JSON object")
    return value
