"""Finding conversations again, by words of their titles and messages. Chinese needs no spaces."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from django.db.models import Exists, OuterRef, Q

from lessons.search.fulltext import all_of, matches_in_order
from lessons.search.tokens import query_terms
from tutor.models import Message
from tutor.models.talks import ConversationQuerySet, MessageQuerySet

MOST = 50  # conversations; who has not found it among them asks otherwise
_FEW = 500  # conversations whose messages are looked up by them, not among everybody's by time


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
    messages = Message.objects.standing().filter(**_between("created_at", since, until))
    own = Exists(conversations.filter(pk=OuterRef("conversation")))
    if model:
        messages = messages.filter(model=model)
        answers = Message.objects.standing().filter(conversation=OuterRef("pk"), model=model)
        conversations = conversations.filter(Exists(answers))
    homes = list(conversations.order_by().values_list("pk", flat=True)[: _FEW + 1])
    if not homes:
        return []
    if len(homes) <= _FEW:
        conversations = conversations.filter(pk__in=homes)
        messages = messages.filter(conversation__in=homes)
    else:
        messages = messages.filter(own)
    hits = _by_title(conversations.filter(**_between("updated_at", since, until)), query)
    if len(hits) < MOST:
        titled = {hit.conversation_id for hit in hits}
        hits += [hit for hit in _by_message(messages, query) if hit.conversation_id not in titled]
    return hits[:MOST]


def _by_title(conversations: ConversationQuerySet, query: str) -> list[Hit]:
    """The last changed with all the words."""
    words = query.split()
    if not words:
        return []
    found = conversations.filter(*(Q(title__icontains=word) for word in words))
    return [Hit(pk, "title") for pk in found.order_by("-updated_at").values_list("pk", flat=True)[:MOST]]


def _by_message(messages: MessageQuerySet, query: str) -> list[Hit]:
    """The conversations of the latest that match, each with the latest of its own."""
    terms = query_terms(query)
    if not terms:
        return []
    latest: dict[UUID, int] = {}
    in_order = messages.order_by("-created_at", "-pk")
    for pk, conversation in matches_in_order(in_order, all_of(terms), fields=["conversation"]):
        latest.setdefault(conversation, pk)
        if len(latest) == MOST:
            break
    shown = Message.objects.defer("context", "words", "attached").in_bulk(list(latest.values()))
    # One may be erased meanwhile.
    return [Hit(home, "message", shown[pk]) for home, pk in latest.items() if pk in shown]


def _between(field: str, since: datetime | None, until: datetime | None) -> dict[str, datetime]:
    limits = {f"{field}__gte": since, f"{field}__lte": until}
    return {name: moment for name, moment in limits.items() if moment is not None}
