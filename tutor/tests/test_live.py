"""Whoever writes an answer shows signs of life, and no longer than that."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress

import pytest

from tutor import background, live, streams


def test_nobody_lives_on_whenever_they_are_told_to_end() -> None:
    """Also when that comes just as a question to Redis is sent, where redis-py loses it."""
    for step in range(200):
        signs = live.obey(10_000_000 + step, lambda: None)
        time.sleep(step * 0.00003)
        signs.cancel()

    deadline = time.monotonic() + 10
    while left := [task for task in asyncio.all_tasks(background.loop()) if "_obey" in repr(task)]:
        assert time.monotonic() < deadline, left
        time.sleep(0.01)


def test_a_question_that_loses_its_cancellation_is_told_again() -> None:
    events = []

    async def deaf_once() -> None:
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(30)
        events.append("lost")
        try:
            await asyncio.sleep(30)
        finally:
            events.append("ended")

    async def tell() -> None:
        asking = asyncio.ensure_future(streams.ask(deaf_once()))
        await asyncio.sleep(0.01)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking

    asyncio.run(asyncio.wait_for(tell(), 10))
    assert events == ["lost", "ended"]
