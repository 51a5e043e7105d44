"""Whoever writes an answer shows signs of life, and no longer than that."""

from __future__ import annotations

import asyncio
import gc
import time
from contextlib import suppress

import pytest
import redis

from tutor import background, live, streams


def test_nobody_lives_on_whenever_they_are_told_to_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when that comes just as a question to Redis is sent, where redis-py loses it."""
    monkeypatch.setattr(live, "_BEAT_SECONDS", 60)  # who waits for an order longer was not ended, but lost
    assert live.client().ping()
    before = asyncio.all_tasks(background.loop())
    for step in range(200):
        signs = live.obey(10_000_000 + step, lambda: None)
        time.sleep(step * 0.00003)
        signs.cancel()

    deadline = time.monotonic() + 10
    while left := asyncio.all_tasks(background.loop()) - before:
        assert time.monotonic() < deadline, left
        time.sleep(0.01)


def test_a_question_that_loses_its_cancellation_is_told_again() -> None:
    """Also when it is told twice, and the question ends with an error."""
    events = []

    async def deaf_once() -> None:
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(30)
        events.append("lost")
        try:
            await asyncio.sleep(30)
        finally:
            events.append("ended")
            raise redis.ConnectionError

    async def tell() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _loop, what: events.append(what["message"]))
        asking = asyncio.ensure_future(streams.ask(deaf_once()))
        for _ in range(2):
            await asyncio.sleep(0.01)
            asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        gc.collect()  # asyncio complains of an unread error when it is collected

    asyncio.run(asyncio.wait_for(tell(), 10))
    assert events == ["lost", "ended"]


def test_a_connection_is_closed_also_when_whoever_closes_it_is_told_to_end() -> None:
    """As when a stop was obeyed, and the answer ended by it."""
    opened: list[tuple[object, str]] = []  # kept: one that is collected is closed by that

    async def leave() -> None:
        async with streams.connect(silence=1) as connection:
            opened.append((connection, str(await connection.client_id())))
            task = asyncio.current_task()
            assert task
            asyncio.get_running_loop().call_soon(task.cancel)

    async def tell() -> None:
        with pytest.raises(asyncio.CancelledError):
            await leave()
        await asyncio.sleep(0.1)

    asyncio.run(tell())
    ((_, number),) = opened
    assert number not in {client["id"] for client in live.client().client_list()}
