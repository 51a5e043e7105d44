"""What learners do with the tutor: ask, ask anew, stop an answer, and keep their conversations in order."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.text import Truncator
from django.utils.translation import gettext as _

from lessons.models import Lesson
from lessons.search.tokens import index_text
from tutor import answering, live
from tutor.models import Conversation, Message, MessageImage
from tutor.models.talks import TITLE_LIMIT
from tutor.pictures import Picture

Json = dict[str, Any]

_TITLE_OF_QUESTION = 80  # characters


class StillAnswering(Exception):
    """The conversation's answer before this one is being written."""


class NotTheLast(Exception):
    """Only the last answer of a conversation is given anew."""


class NoSuchConversations(Exception):
    """At least one of them is not there, or not the caller's."""


# --- Asking ---------------------------------------------------------------------------------------


@transaction.atomic
def ask(
    *,
    user: Any,
    guest_key: str,
    conversation: Conversation | None,
    lesson: Lesson | None,
    question: str,
    language: str,
    attached: Mapping[str, Any],
    pictures: Sequence[Picture] = (),
) -> tuple[Message, Message]:
    """Keep a question and have it answered; both messages. Raises StillAnswering.

    Without a conversation a new one begins. `attached` is what it is asked about: {"code", "run", "history"}.
    """
    if conversation is None:
        conversation = Conversation.objects.create(
            user=user, guest_key=guest_key, lesson=lesson, title=title_of(question)
        )
    asked = _store_question(conversation, question, attached)
    MessageImage.objects.bulk_create(
        MessageImage(
            message=asked,
            content_type=picture.content_type,
            data=picture.data,
            width=picture.width,
            height=picture.height,
        )
        for picture in pictures
    )
    return asked, _have_answered(conversation, language=language)


def _store_question(conversation: Conversation, question: str, attached: Mapping[str, Any]) -> Message:
    return Message.objects.create(
        conversation=conversation,
        role=Message.Role.USER,
        content=question,
        words=index_text(question),
        attached=dict(attached),
    )


@transaction.atomic
def ask_in_other_words(
    *,
    earlier: Message,
    question: str,
    language: str,
    attached: Mapping[str, Any],
) -> tuple[Message, Message]:
    """Put a question in other words: what was said since does not count any more. Raises StillAnswering."""
    conversation = earlier.conversation
    _refuse_while_answering(conversation)
    said_since = conversation.messages.standing().filter(pk__gte=earlier.pk)
    said_since.update(is_superseded=True)
    asked = _store_question(conversation, question, attached)
    earlier.images.update(message=asked)
    return asked, _have_answered(conversation, language=language)


@transaction.atomic
def answer_again(*, answer: Message, language: str) -> Message:
    """Have the last question answered anew. Raises StillAnswering, NotTheLast."""
    conversation = answer.conversation
    _refuse_while_answering(conversation)
    if conversation.messages.standing().order_by("pk").last() != answer:
        raise NotTheLast
    Message.objects.filter(pk=answer.pk).update(is_superseded=True)
    return _have_answered(conversation, language=language)


def stop(*, answer: Message) -> bool:
    """Stop an answer, and the provider's work on it; False when that could not be passed on."""
    return answer.is_over or live.order_stop(answer.pk)


def title_of(question: str) -> str:
    """A conversation's title by itself: how it began."""
    line = next((line.strip() for line in question.splitlines() if line.strip()), "")
    return Truncator(line).chars(_TITLE_OF_QUESTION) or _("Without a title")


def _refuse_while_answering(conversation: Conversation) -> None:
    if conversation.messages.unfinished().exists():
        raise StillAnswering


def _have_answered(conversation: Conversation, *, language: str) -> Message:
    try:
        with transaction.atomic():
            answer = Message.objects.create(
                conversation=conversation, role=Message.Role.ASSISTANT, status=Message.Status.STREAMING
            )
    except IntegrityError as error:  # two tabs at once
        raise StillAnswering from error
    Conversation.objects.filter(pk=conversation.pk).update(updated_at=timezone.now())
    transaction.on_commit(partial(answering.begin, answer.pk, language=language))
    return answer


# --- Keeping in order -----------------------------------------------------------------------------


@transaction.atomic
def create_conversations(*, user: Any, guest_key: str, described: Sequence[Json]) -> list[Conversation]:
    """Make conversations, all or none, of {"title", "lesson", "messages": [{"role", "content"}]}."""
    made = Conversation.objects.bulk_create(
        Conversation(
            user=user,
            guest_key=guest_key,
            lesson=each.get("lesson"),
            title=(each.get("title") or "").strip()[:TITLE_LIMIT] or _title_by(each.get("messages") or ()),
        )
        for each in described
    )
    Message.objects.bulk_create(
        Message(
            conversation=conversation,
            role=message["role"],
            content=message["content"],
            words=index_text(message["content"]),
        )
        for conversation, each in zip(made, described, strict=True)
        for message in each.get("messages") or ()
    )
    return made


def _title_by(messages: Sequence[Json]) -> str:
    return title_of(next((each["content"] for each in messages if each["role"] == Message.Role.USER), ""))


def change_conversation(
    *, conversation: Conversation, title: str | None = None, is_pinned: bool | None = None
) -> None:
    """Rename it, pin it, or let it go; what is None stays."""
    if title is not None:
        conversation.title = title.strip()[:TITLE_LIMIT] or _("Without a title")
        conversation.updated_at = timezone.now()
    if is_pinned is not None:
        conversation.is_pinned = is_pinned
    conversation.save(update_fields=["title", "is_pinned", "updated_at"])


@transaction.atomic
def delete_conversations(*, user: Any, guest_key: str, ids: Collection[UUID]) -> int:
    """Hide conversations, all or none; how many. Raises NoSuchConversations. Answers in them are stopped."""
    own = Conversation.objects.visible_to(user=user, guest_key=guest_key).filter(pk__in=set(ids))
    writing = list(Message.objects.unfinished().filter(conversation__in=own).values_list("pk", flat=True))
    deleted = own.update(deleted_at=timezone.now())
    if deleted != len(set(ids)):
        raise NoSuchConversations
    for answer_id in writing:
        transaction.on_commit(partial(live.order_stop, answer_id))
    return deleted


# --- From time to time ----------------------------------------------------------------------------


def close_lost_answers() -> None:
    """Close what processes that have ended were writing, also where nobody looks."""
    for answer in Message.objects.unfinished():
        answering.close_if_lost(answer)


def forget_contexts() -> int:
    """Blank what was sent for old answers; how many. Questions and answers stay."""
    old = timezone.now() - timedelta(days=settings.MODEL_TRACE_DAYS)
    return Message.objects.filter(created_at__lt=old).exclude(context={}).update(context={})
