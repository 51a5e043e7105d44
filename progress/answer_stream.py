"""An answer of the tutor as a server-sent stream, for the page and for the API."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from typing import Any

from asgiref.sync import sync_to_async
from django.http import StreamingHttpResponse

from progress import places
from tutor import answering, live
from tutor.models import Message
from tutor.streams import message

_IDLE_SECONDS = 2.0  # how often a silent stream looks at the database

Describe = Callable[[Message], dict[str, Any]]


def answer_stream(
    answer: Message, *, after: str, describe: Describe, hanging_up_stops: bool = False
) -> StreamingHttpResponse:
    """The events after the id `after` (or all), up to `done`, which tells the answer as `describe` does.

    `hanging_up_stops`: whoever reads is the only one who wants the answer.
    """
    return StreamingHttpResponse(
        _sse(answer, after=after, describe=describe, hanging_up_stops=hanging_up_stops),
        content_type="text/event-stream",
        headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"},
    )


async def _sse(
    answer: Message, *, after: str, describe: Describe, hanging_up_stops: bool
) -> AsyncIterator[str]:
    look = sync_to_async(places.released(_standing))
    following = live.follow(answer.pk, after=after, idle_seconds=_IDLE_SECONDS)
    is_told = False
    try:
        async with aclosing(following):
            async for event in following:
                if event is not None and event.kind != "done":
                    yield message(event.kind, event.data, id_=event.id)
                    continue
                # The end, or silence: the database knows, whatever Redis said.
                told = await look(answer, describe)
                if told is not None:
                    is_told = True
                    yield message("done", told)
                    return
                yield ": no news\n\n"
    finally:
        if hanging_up_stops and not is_told:
            # By another thread, and not waited for: here others would wait, too, while Redis is away.
            asyncio.get_running_loop().run_in_executor(None, live.order_stop, answer.pk)


def _standing(answer: Message, describe: Describe) -> dict[str, Any] | None:
    """The answer when it is over."""
    answer.refresh_from_db()
    answering.close_if_lost(answer)
    return describe(answer) if answer.is_over else None
