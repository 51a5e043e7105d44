"""A conversation as a file to take along."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.utils.translation import gettext as _

from tutor.citing import cited_in
from tutor.models import Conversation, Message


def markdown(conversation: Conversation, messages: Sequence[Message]) -> str:
    """For people."""
    return "\n\n".join([f"# {conversation.title}", *_parts(messages)]) + "\n"


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
            continue
        yield f"## {_('Answer')}" + (f" ({message.model})" if message.model else "")
        names = {cited["id"]: cited["title"] for cited in message.citations}
        yield "".join(
            text if kind == "text" else f"[{names[text]}]" if text in names else ""
            for kind, text in cited_in(message.content)
        )
        if message.error_message:
            yield f"> {message.error_message}"
