"""The threads in which requests are answered."""

from __future__ import annotations

from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

from asgiref.sync import ThreadSensitiveContext

_KEPT = 32


class RequestThreads:
    """Lends each request a thread of its own, and keeps it for the next one. For one event loop.

    By itself Django starts a thread for each request and another one to end it, and makes anew what belongs
    to a thread: its wrapper of the database, its caches.
    """

    def __init__(self) -> None:
        self._idle: list[ThreadPoolExecutor] = []

    @asynccontextmanager
    async def lent(self) -> AsyncIterator[None]:
        thread = self._idle.pop() if self._idle else ThreadPoolExecutor(1, thread_name_prefix="request")
        try:
            async with ThreadSensitiveContext(executor=thread):
                yield
        finally:
            # By the thread itself: should it be at work still, for somebody who hung up, it is not idle yet.
            thread.submit(self._take_back, thread)

    def _take_back(self, thread: ThreadPoolExecutor) -> None:
        if len(self._idle) < _KEPT:
            self._idle.append(thread)
        else:
            thread.shutdown(wait=False)
