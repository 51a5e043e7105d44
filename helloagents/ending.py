"""That this web process was asked to end, for whatever in it has to know: its probe, its streams, its work.

A stream that was asked for by GET can be taken up elsewhere, so it is ended: the browser asks again, and
another process goes on where it was.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

_LOOKS_EVERY = 0.02  # seconds

Message = Mapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Any, Receive, Send], Awaitable[None]]

_deadline: float | None = None  # monotonic; None: nobody has asked
_streams: set[asyncio.Task[Any]] = set()  # those that write one
_streams_are_over = False


def begin(seconds: float) -> None:
    """This process is to end within so many seconds."""
    global _deadline
    _deadline = time.monotonic() + seconds


def has_begun() -> bool:
    return _deadline is not None


async def wait_until(done: Callable[[], bool], *, seconds: float | None = None) -> None:
    """Wait for something, so many seconds at most; by default as long as this process may last."""
    deadline = time.monotonic() + seconds if seconds is not None else _deadline or 0.0
    while not done() and time.monotonic() < deadline:
        await asyncio.sleep(_LOOKS_EVERY)


def end_streams() -> None:
    """End those that there are and those that will be. To be called in the event loop."""
    global _streams_are_over
    _streams_are_over = True
    for stream in _streams:
        stream.cancel()


async def answer_endable(application: Application, scope: Any, receive: Receive, send: Send) -> None:
    """Have the application answer; should it be by a stream to a GET, `end_streams` ends that properly."""
    if scope["method"] != "GET":
        await application(scope, receive, send)
        return
    stream: asyncio.Task[Any] | None = None

    async def send_on(message: Message) -> None:
        nonlocal stream
        await send(message)
        if message["type"] == "http.response.start" and _is_stream(message):
            stream = asyncio.current_task()
            _note(stream)
        elif stream and not message.get("more_body"):
            _streams.discard(stream)
            stream = None

    try:
        await application(scope, receive, send_on)
    finally:
        if stream:
            _streams.discard(stream)
    if stream:
        await send({"type": "http.response.body"})


def _is_stream(start: Message) -> bool:
    return any(
        name.lower() == b"content-type" and value.startswith(b"text/event-stream")
        for name, value in start["headers"]
    )


def _note(stream: asyncio.Task[Any] | None) -> None:
    if stream is None:
        return
    _streams.add(stream)
    if _streams_are_over:
        stream.cancel()
