"""The threads in which the web process answers."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

from asgiref.sync import sync_to_async

from helloagents.threads import RequestThreads


async def in_thread_of_request(threads: RequestThreads, work: Callable[[], object]) -> int:
    """Which thread did the work."""
    async with threads.lent():
        await sync_to_async(work)()
        return await sync_to_async(threading.get_ident)()


def nothing() -> None:
    pass


def test_a_thread_is_lent_again() -> None:
    threads = RequestThreads()

    async def one_after_the_other() -> set[int]:
        return {await in_thread_of_request(threads, nothing) for _ in range(20)}

    # Some may still be on their way back when the next request comes.
    assert len(asyncio.run(one_after_the_other())) < 20


def test_requests_at_once_do_not_wait_for_each_other() -> None:
    threads = RequestThreads()
    meeting = threading.Barrier(5)

    async def at_once() -> list[int]:
        each = [in_thread_of_request(threads, lambda: meeting.wait(10)) for _ in range(5)]
        return await asyncio.gather(*each)

    assert len(set(asyncio.run(at_once()))) == 5


def test_a_thread_that_still_works_for_somebody_who_hung_up_is_not_lent() -> None:
    threads = RequestThreads()
    begun, may_end = threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        may_end.wait(20)

    async def hang_up_and_ask() -> None:
        async with threads.lent():
            left_behind = asyncio.ensure_future(sync_to_async(work)())
            await asyncio.to_thread(begun.wait, 10)
        await asyncio.wait_for(in_thread_of_request(threads, nothing), 10)
        may_end.set()
        await left_behind

    asyncio.run(hang_up_and_ask())
