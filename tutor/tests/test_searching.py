"""Search finds what reading everything finds, whichever way it takes to it."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any
from uuid import UUID

import pytest

from lessons.search import fulltext
from lessons.search.tokens import index_text, is_cjk, query_terms
from tutor import searching
from tutor.models import Conversation, Message
from tutor.tests.makers import make_learner

pytestmark = pytest.mark.django_db

_WORDS = ("agent", "agents", "loop", "tool", "zebra", "智能体", "循环", "记忆")
_OFTEN = (60, 30, 30, 10, 1, 30, 10, 2)
_MODELS = ("everywhere", "everywhere", "everywhere", "seldom")
_NOW = datetime(2026, 3, 1, tzinfo=UTC)


def make_talks(chance: random.Random, user: Any, *, number: int) -> None:
    """Talks in which no column follows from another: keys, times and models are in any order."""
    for _ in range(number):
        talk = Conversation.objects.create(
            user=user,
            title=" ".join(chance.choices(_WORDS, _OFTEN, k=2)),
            updated_at=_NOW - timedelta(seconds=chance.randrange(2_000_000)),
            deleted_at=_NOW if chance.random() < 0.1 else None,
        )
        for turn in range(chance.randrange(8)):
            text = " ".join(chance.choices(_WORDS, _OFTEN, k=3))
            Message.objects.create(
                conversation=talk,
                role="assistant" if turn % 2 else "user",
                content=text,
                words=index_text(text),
                model=chance.choice(_MODELS) if turn % 2 else "",
                is_superseded=chance.random() < 0.2,
                created_at=_NOW - timedelta(days=chance.randrange(20)),
            )


def holds(message: Message, query: str) -> bool:
    words, terms = set(message.words.split()), query_terms(query)
    *whole, last = terms
    begun = last in words if is_cjk(last) else any(word.startswith(last) for word in words)
    return begun and words.issuperset(whole)


def by_reading_everything(
    talks: list[Conversation], query: str, model: str, since: datetime | None, until: datetime | None
) -> list[tuple[UUID, int | None]]:
    """Conversations with the message by which they are found; `talks` are all there are, the newest first."""

    def is_of_the_time(moment: datetime) -> bool:
        return (since is None or since <= moment) and (until is None or moment <= until)

    standing = [each for talk in talks for each in talk.messages.all() if not each.is_superseded]
    said = [each for each in standing if not model or each.model == model]
    answered = {each.conversation_id for each in said} if model else {talk.pk for talk in talks}
    found: dict[UUID, int | None] = {
        talk.pk: None
        for talk in talks
        if talk.pk in answered
        and is_of_the_time(talk.updated_at)
        and all(word in talk.title for word in query.split())
    }
    for each in sorted(said, key=lambda message: (message.created_at, message.pk), reverse=True):
        if is_of_the_time(each.created_at) and holds(each, query):
            found.setdefault(each.conversation_id, each.pk)
    return list(found.items())[: searching.MOST]


@pytest.mark.parametrize(
    ("pieces", "few", "most"),
    [((), 0, 50), ((1,), 500, 7), ((7, 20), 0, 7), ((7, 20), 500, 50), ((500, 2_000, 8_000), 0, 50)],
)
def test_the_quick_ways_find_what_reading_everything_finds(
    monkeypatch: pytest.MonkeyPatch, pieces: tuple[int, ...], few: int, most: int
) -> None:
    monkeypatch.setattr(fulltext, "_PIECES", pieces)
    monkeypatch.setattr(searching, "_FEW", few)
    monkeypatch.setattr(searching, "MOST", most)
    chance, ada, eve = random.Random(5), make_learner("ada"), make_learner("eve")
    for _ in range(3):
        make_talks(chance, ada, number=12)
        make_talks(chance, eve, number=4)
    own = Conversation.objects.visible_to(user=ada)
    queries = ("agent", "ag", "zebra", "智能", "循环", "记忆 tool", "agent loop", "loop nowhere")
    times = (None, *(_NOW - timedelta(days=days) for days in (8, 12)))
    talks = list(own.order_by("-updated_at").prefetch_related("messages"))
    counted = 0
    for query, model, since, until in product(queries, ("", "everywhere", "seldom", "none"), times, times):
        hits = searching.search(own, query, model=model, since=since, until=until)

        found = [(hit.conversation_id, hit.message.pk if hit.message else None) for hit in hits]
        assert found == by_reading_everything(talks, query, model, since, until), (query, model, since, until)
        counted += len(found)
    assert counted > 300
