"""A conversation as a file to take along, with the pictures in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.utils.translation import gettext as _

from tutor.citing import cited_in
from tutor.models import Conversation, Message, MessageImage


def markdown(conversation: Conversation, messages: Sequence[Message]) -> str:
    """For people. What pictures consist of stands at the end, where it is in nobody's way."""
    parts = [f"# {conversation.title}", *_parts(messages)]
    pictures = (f"[{_name(image)}]: {image.address}" for image in _pictures_of(messages))
    return "\n\n".join([*parts, *pictures]) + "\n"


def as_json(conversation: Conversation, messages: Sequence[Message]) -> dict[str, Any]:
    """For programs."""
    return {
        "id": str(conversation.pk),
        "title": conversation.title,
        "created_at": conversation.created_at.isoformat(),
        "updated_at": conversation.updated_at.isoformat(),
        "messages": [
            {
                "role": message.role,
                "content": message.content,
                "status": message.status,
                "model": message.model or None,
                "citations": message.citations,
                "images": [
                    {"url": image.address, "width": image.width, "height": image.height}
                    for image in message.images.all()
                ],
                "created_at": message.created_at.isoformat(),
            }
            for message in messages
        ],
    }


def _parts(messages: Sequence[Message]) -> Iterator[str]:
    for message in messages:
        if message.is_question:
            yield f"## {_('Question')}"
            yield message.content
            for image in message.images.all():
                yield f"![{_('The picture you sent')}][{_name(image)}]"
            continue
        yield f"## {_('Answer')}" + (f" ({message.model})" if message.model else "")
        names = {cited["id"]: cited["title"] for cited in message.citations}
        yield "".join(
            text if kind == "text" else f"[{names[text]}]" if text in names else ""
            for kind, text in cited_in(message.content)
        )
        if message.error_message:
            yield f"> {message.error_message}"


def _pictures_of(messages: Sequence[Message]) -> Iterator[MessageImage]:
    for message in messages:
        yield from message.images.all()


def _name(image: MessageImage) -> str:
    return f"picture-{image.pk}"
