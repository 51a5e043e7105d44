"""Finding conversations again, by words of their titles and messages. Chinese needs no spaces."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from django.db.models import Exists, OuterRef, Q

from lessons.search.fulltext import all_of, latest_matches
from lessons.search.tokens import query_terms
from tutor.models import Message
from tutor.models.talks import ConversationQuerySet

MOST = 50  # conversations; who has not found it among them asks otherwise
_LOOKED_AT = 300  # messages, the latest that match: many may be of one conversation
_SLACK = timedelta(hours=1)  # a message is written a moment before or after its conversation is
_ENOUGH = 100  # of them; for more it is not looked further back


@dataclass(frozen=True)
class Hit:
    """A conversation that was found; `message` when not by its title."""

    conversation_id: UUID
    kind: Literal["title", "message"]
    message: Message | None = None


def search(
    conversations: ConversationQuerySet,
    query: str,
    *,
    model: str = "",
    since: datetime | None = None,
    until: datetime | None = None,
) -> list[Hit]:
    """Each conversation once: those found by title first, then by their latest message with all the words.

    `model` is one that answered in it. The times are those of the message, of titles of the last change.
    """
    query = query.replace("\0", " ")
    hits = {hit.conversation_id: hit for hit in _by_title(conversations, query, model, since, until)}
    if len(hits) < MOST:
        for hit in _by_message(conversations, query, model, since, until):
            hits.setdefault(hit.conversation_id, hit)
    return list(hits.values())[:MOST]


def _by_title(
    conversations: ConversationQuerySet,
    query: str,
    model: str,
    since: datetime | None,
    until: datetime | None,
) -> Iterator[Hit]:
    words = query.split()
    if not words:
        return
    found = conversations.filter(*(Q(title__icontains=word) for word in words))
    found = found.filter(**_between("updated_at", since, until))
    if model:
        found = found.filter(
            Exists(Message.objects.standing().filter(conversation=OuterRef("pk"), model=model))
        )
    for pk in found.order_by("-updated_at").values_list("pk", flat=True)[:MOST]:
        yield Hit(pk, "title")


def _by_message(
    conversations: ConversationQuerySet,
    query: str,
    model: str,
    since: datetime | None,
    until: datetime | None,
) -> Iterator[Hit]:
    terms = query_terms(query)
    if not terms:
        return
    # Of conversations from other times no message is looked at.
    if since:
        conversations = conversations.filter(updated_at__gte=since - _SLACK)
    if until:
        conversations = conversations.filter(created_at__lte=until + _SLACK)
    found = Message.objects.standing().filter(conversation__in=conversations)
    found = found.filter(**_between("created_at", since, until))
    if model:
        found = found.filter(model=model)
    latest = latest_matches(found, all_of(terms), enough=_ENOUGH, most=_LOOKED_AT)
    homes = dict(Message.objects.filter(pk__in=latest).values_list("pk", "conversation"))
    chosen: dict[UUID, int] = {}
    for pk in latest:
        if pk in homes:  # and not erased meanwhile
            chosen.setdefault(homes[pk], pk)
    messages = Message.objects.defer("context", "words", "attached").in_bulk(list(chosen.values())[:MOST])
    for conversation, pk in list(chosen.items())[:MOST]:
        yield Hit(conversation, "message", messages[pk])


def _between(field: str, since: datetime | None, until: datetime | None) -> dict[str, datetime]:
    limits = {f"{field}__gte": since, f"{field}__lte": until}
    return {name: moment for name, moment in limits.items() if moment is not None}
