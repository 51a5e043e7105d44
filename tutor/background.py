"""One event loop per process, in a thread of its own, in which providers are asked.

Answering threads read from it as from any iterator. An answer can be cancelled from any thread at any moment,
also before its first byte, which blocking sockets do not allow.
"""

from __future__ import annotations

import asyncio
import os
import queue
import threading
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator
from concurrent.futures import Future
from contextlib import aclosing
from typing import Any, Generic, TypeVar

T = TypeVar("T")

_AHEAD = 32  # items that may wait for their reader; then the provider has to

_lock = threading.Lock()
_loop: asyncio.AbstractEventLoop | None = None
_owner = 0  # a forked process has no thread of its parent's


class Cancelled(Exception):
    """`cancel()` was called."""


def loop() -> asyncio.AbstractEventLoop:
    """This process's loop, started when it is first needed."""
    global _loop, _owner
    with _lock:
        if _loop is None or _owner != os.getpid() or _loop.is_closed():
            _loop, _owner = asyncio.new_event_loop(), os.getpid()
            threading.Thread(target=_loop.run_forever, name="model-providers", daemon=True).start()
        return _loop


def run(coroutine: Coroutine[Any, Any, T], *, seconds: float) -> T:
    """Run a coroutine in the loop and wait for it."""
    return asyncio.run_coroutine_threadsafe(coroutine, loop()).result(seconds)


class Stream(Generic[T]):
    """Items of an asynchronous iterator, as they come, for a thread to read. One reader; any canceller."""

    def __init__(self, make: Callable[[], AsyncGenerator[T, None]]) -> None:
        self._loop = loop()
        self._items: queue.SimpleQueue[tuple[bool, Any]] = queue.SimpleQueue()
        self._room = asyncio.Semaphore(_AHEAD)
        self._done: Future[None] = asyncio.run_coroutine_threadsafe(self._read(make), self._loop)

    def __iter__(self) -> Iterator[T]:
        """Raises what the iterator raises, and Cancelled."""
        while True:
            is_item, value = self._items.get()
            if not is_item:
                if value is not None:
                    raise value
                return
            self._loop.call_soon_threadsafe(self._room.release)
            yield value

    def cancel(self) -> None:
        """Hang up. Harmless when it is over."""
        self._done.cancel()
        self._items.put((False, Cancelled()))  # the task may not have begun, and then says nothing

    async def _read(self, make: Callable[[], AsyncGenerator[T, None]]) -> None:
        error: BaseException | None = None
        try:
            async with aclosing(make()) as items:
                async for item in items:
                    await self._room.acquire()
                    self._items.put((True, item))
                    await asyncio.sleep(0)  # its reader's turn, also while more is coming
        except asyncio.CancelledError:
            error = Cancelled()
        except BaseException as raised:  # noqa: BLE001 - handed to the reader
            error = raised
        finally:
            self._items.put((False, error))
