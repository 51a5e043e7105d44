"""A run's events as a server-sent stream, for the page and for the API."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from typing import Any

from asgiref.sync import sync_to_async
from django.http import StreamingHttpResponse

from progress import events, lifecycle, places
from progress.models import Submission
from tutor.streams import message

_IDLE_SECONDS = 1.0  # how often a silent stream looks at the database and the queue

Describe = Callable[[Submission], dict[str, Any]]


def event_stream(submission: Submission, *, after: str, describe: Describe) -> StreamingHttpResponse:
    """The events after the id `after` (or all), up to the end, which tells the run as `describe` does."""
    return StreamingHttpResponse(
        _sse(submission, after=after, describe=describe),
        content_type="text/event-stream",
        headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"},
    )


async def _sse(submission: Submission, *, after: str, describe: Describe) -> AsyncIterator[str]:
    look = sync_to_async(places.released(_standing))
    news = said = await look(submission, describe)
    if news:
        yield news
    if submission.is_over:
        return
    following = events.follow(submission.pk, after=after, idle_seconds=_IDLE_SECONDS)
    async with aclosing(following):  # its connection to Redis goes with the page, not some time later
        async for event in following:
            if event is not None and event.kind not in events.FINAL:
                said = ""
                yield message(event.kind, event.data, id_=event.id)
                continue
            # The end, or silence: the database knows, whatever Redis said.
            must_look = event is not None or lifecycle.is_hopeless(submission)
            place = None if must_look else places.place_at_hand(submission.pk)
            news = _queued_message(place) if place else await look(submission, describe)
            yield news if news and news != said else ": no news\n\n"
            said = news
            if submission.is_over:
                return


def _standing(submission: Submission, describe: Describe) -> str:
    """The message for where the run stands in the database; empty while it runs."""
    submission.refresh_from_db()
    lifecycle.close_if_hopeless(submission)
    if submission.is_over:
        return message(submission.status, describe(submission))
    place = places.place_of(submission)
    return _queued_message(place) if place else ""


def _queued_message(place: int) -> str:
    return message("queued", {"position": place, "workers": places.workers()})
