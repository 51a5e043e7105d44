"""Following a stream of events in Redis, from whatever place in it."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Iterator, Set
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, TypeVar

import redis
import redis.asyncio
import structlog
from django.conf import settings

log = structlog.get_logger(__name__)

T = TypeVar("T")

_TOLD_AGAIN_SECONDS = 0.05
_EVENT_ID = re.compile(r"[0-9]{1,19}(-[0-9]{1,19})?")  # Redis's ids are of two numbers of 64 bits


@dataclass(frozen=True)
class Event:
    """One event; `id` is the stream's own, which SSE clients send back to resume."""

    id: str
    kind: str
    data: dict[str, Any]


@asynccontextmanager
async def connect(*, silence: float) -> AsyncIterator[redis.asyncio.Redis]:
    """A connection of one's own, for questions that Redis may leave open for `silence` seconds.

    Cancelled while it closes, redis-py's own `async with` never comes to closing, and its `aclose` cancels
    the tasks that have not begun to; both leave connections open. So this closes apart from whoever waits.
    """
    connection = redis.asyncio.Redis.from_url(
        settings.REDIS_URL, decode_responses=True, retry=None, socket_timeout=silence + 5
    )
    try:
        yield connection
    finally:
        await asyncio.shield(connection.aclose())


async def ask(question: Awaitable[T]) -> T:
    """Await redis-py's answer, and end when told to.

    redis-py sends with `asyncio.wait_for`, which before Python 3.12 loses a cancellation that comes just
    as the sending is over. It would wait on for the answer; so it is told until it has heard.
    """
    asking = asyncio.ensure_future(question)
    try:
        return await asyncio.shield(asking)
    except asyncio.CancelledError:
        while not asking.done():
            asking.cancel()
            with suppress(asyncio.CancelledError):  # whoever says it twice hears of it below
                await asyncio.wait({asking}, timeout=_TOLD_AGAIN_SECONDS)
        if not asking.cancelled():
            asking.exception()  # read, so that asyncio does not miss a reader
        raise


async def follow(
    key: str, *, after: str, final: Set[str], idle_seconds: float
) -> AsyncGenerator[Event | None, None]:
    """Yield the stream's events after the id `after`, or all when that is no id.

    Yields None whenever nothing came for `idle_seconds`.
    Ends with an event of a `final` kind. Without Redis it yields None at the same pace.
    """
    async with connect(silence=idle_seconds) as connection:
        last = after if _EVENT_ID.fullmatch(after) else "0"
        while True:
            try:
                reply = await ask(connection.xread({key: last}, block=int(idle_seconds * 1000)))
            except redis.RedisError as error:
                log.warning("redis_unavailable", doing="follow", error=str(error))
                await asyncio.sleep(idle_seconds)
                reply = []
            events = list(events_in(reply))
            if not events:
                yield None
            for event in events:
                last = event.id
                yield event
                if event.kind in final:
                    return


def events_in(reply: Any) -> Iterator[Event]:
    """The events of what XREAD answers."""
    entries = reply.values() if isinstance(reply, dict) else [entries for _, entries in reply or []]
    for batch in entries:
        for id_, fields in batch:
            yield Event(id=id_, kind=fields["kind"], data=json.loads(fields["data"]))


def message(kind: str, data: dict[str, Any], *, id_: str = "") -> str:
    """An event as server-sent text."""
    head = f"id: {id_}\n" if id_ else ""
    return f"{head}event: {kind}\ndata: {json.dumps(data)}\n\n"
