"""Answers of the tutor while they are written, over Redis.

What is written goes into a stream per answer, so that any page, in any process, sees all of it and goes on
from where it was. Orders to stop come the other way, and a sign of life of the process that writes: without
one the answer is known to have been cut off. All of it may vanish; the row is the truth.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import Future
from contextlib import suppress
from functools import cache
from typing import Any, Literal

import redis
import structlog
from django.conf import settings

from tutor import background, streams
from tutor.streams import Event

log = structlog.get_logger(__name__)

EventKind = Literal["token", "citation", "usage", "error", "done"]
KINDS: tuple[EventKind, ...] = ("token", "citation", "usage", "error", "done")
_FINAL: frozenset[str] = frozenset({"done"})

_KEPT_SECONDS = 600  # how long an answer can still be followed after its last event
_MOST_EVENTS = 50_000
_BEAT_SECONDS = 3
_LOOK_SECONDS = 2  # shorter than connections to Redis may be silent
LOST_SECONDS = 10  # without a sign of life


def _stream(answer_id: int) -> str:
    return f"answer:{answer_id}"


def _orders(answer_id: int) -> str:
    return f"answer:{answer_id}:orders"


def _life(answer_id: int) -> str:
    return f"answer:{answer_id}:alive"


@cache
def client() -> redis.Redis:
    """This process's connections to Redis; safe to share between threads."""
    return redis.Redis.from_url(settings.REDIS_URL, decode_responses=True)


# --- For whoever writes ---------------------------------------------------------------------------


def publish(answer_id: int, kind: EventKind, /, **data: Any) -> None:
    """Append an event. Without Redis the page has to read the row."""
    try:
        with client().pipeline(transaction=False) as pipe:
            pipe.xadd(
                _stream(answer_id),
                {"kind": kind, "data": json.dumps(data)},
                maxlen=_MOST_EVENTS,
                approximate=True,
            )
            pipe.expire(_stream(answer_id), _KEPT_SECONDS)
            pipe.execute()
    except redis.RedisError as error:
        log.warning("redis_unavailable", doing="publish an answer", error=str(error))


def prepare(answer_id: int) -> None:
    """Begin with an empty stream, and say that somebody is about to write."""
    with suppress(redis.RedisError), client().pipeline() as pipe:
        pipe.delete(_stream(answer_id), _orders(answer_id))  # of a database that was there before
        pipe.set(_life(answer_id), "1", ex=LOST_SECONDS)
        pipe.execute()


def obey(answer_id: int, stop: Callable[[], object]) -> Future[None]:
    """Show signs of life, and call `stop` when that is ordered, until the future is cancelled."""
    return asyncio.run_coroutine_threadsafe(_obey(answer_id, stop), background.loop())


async def _obey(answer_id: int, stop: Callable[[], object]) -> None:
    async with streams.connect(silence=_BEAT_SECONDS) as connection:
        while True:
            try:
                await streams.ask(connection.set(_life(answer_id), "1", ex=LOST_SECONDS))
                orders = connection.xread({_orders(answer_id): "0"}, block=_BEAT_SECONDS * 1000)
                if await streams.ask(orders):
                    stop()
                    return
            except redis.RedisError:
                await asyncio.sleep(_BEAT_SECONDS)


# --- For whoever reads ----------------------------------------------------------------------------


def order_stop(answer_id: int) -> bool:
    """Have whoever writes the answer stop; False when Redis could not pass it on."""
    try:
        with client().pipeline() as pipe:
            pipe.xadd(_orders(answer_id), {"order": "stop"})
            pipe.expire(_orders(answer_id), _KEPT_SECONDS)
            pipe.execute()
    except redis.RedisError as error:
        log.warning("redis_unavailable", doing="stop an answer", error=str(error))
        return False
    return True


def is_alive(answer_id: int) -> bool | None:
    """Whether somebody writes the answer; None when Redis cannot tell."""
    try:
        return bool(client().exists(_life(answer_id)))
    except redis.RedisError:
        return None


def follow(answer_id: int, *, after: str, idle_seconds: float) -> AsyncGenerator[Event | None, None]:
    """Yield the answer's events after the id `after`, up to `done`; None when nothing came for a while."""
    return streams.follow(_stream(answer_id), after=after, final=_FINAL, idle_seconds=idle_seconds)


def wait_until_done(answer_id: int, *, seconds: float) -> bool:
    """Block until the answer is over, at most `seconds`; whether it is."""
    last, deadline = "0", time.monotonic() + seconds
    with suppress(redis.RedisError):
        while (left := deadline - time.monotonic()) > 0:
            block = max(1, int(min(left, _LOOK_SECONDS) * 1000))
            reply = client().xread({_stream(answer_id): last}, block=block)
            for event in streams.events_in(reply):
                if event.kind in _FINAL:
                    return True
                last = event.id
    return False
