"""Following a stream of events in Redis, from whatever place in it."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncGenerator, Iterator, Set
from dataclasses import dataclass
from typing import Any

import redis
import redis.asyncio
import structlog
from django.conf import settings

log = structlog.get_logger(__name__)

_EVENT_ID = re.compile(r"[0-9]{1,19}(-[0-9]{1,19})?")  # Redis's ids are of two numbers of 64 bits


@dataclass(frozen=True)
class Event:
    """One event; `id` is the stream's own, which SSE clients send back to resume."""

    id: str
    kind: str
    data: dict[str, Any]


def end_if_cancelled() -> None:
    """Raise what redis-py swallows: a cancellation that comes while it connects would otherwise be lost."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


async def follow(
    key: str, *, after: str, final: Set[str], idle_seconds: float
) -> AsyncGenerator[Event | None, None]:
    """Yield the stream's events after the id `after`, or all when that is no id.

    Yields None whenever nothing came for `idle_seconds`.
    Ends with an event of a `final` kind. Without Redis it yields None at the same pace.
    """
    # A connection of its own: the stream blocks on it for as long as the page is open.
    connection = redis.asyncio.Redis.from_url(
        settings.REDIS_URL, decode_responses=True, retry=None, socket_timeout=idle_seconds + 5
    )
    async with connection:
        last = after if _EVENT_ID.fullmatch(after) else "0"
        while True:
            try:
                reply = await connection.xread({key: last}, block=int(idle_seconds * 1000))
                end_if_cancelled()
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
