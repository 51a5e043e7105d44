"""Whoever writes an answer shows signs of life, and no longer than that."""

from __future__ import annotations

import asyncio
import time

from tutor import background, live


def test_nobody_lives_on_whenever_they_are_told_to_end() -> None:
    """Also when that comes while they connect to Redis, where redis-py loses it."""
    for step in range(40):
        signs = live.obey(10_000_000 + step, lambda: None)
        time.sleep(step * 0.00006)
        signs.cancel()

    deadline = time.monotonic() + 2
    while left := [task for task in asyncio.all_tasks(background.loop()) if "_obey" in repr(task)]:
        assert time.monotonic() < deadline, left
        time.sleep(0.01)
