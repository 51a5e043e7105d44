"""What was deleted long ago, and sessions that are over, leave the database; nothing else does."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO

import pytest
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.utils import timezone

from helloagents.tasks import forget_old_rows
from progress.models import Submission
from progress.tests.makers import make_learner
from tutor.models import Conversation, Message, MessageImage
from tutor.searching import search

pytestmark = pytest.mark.django_db


def test_only_what_is_old_is_forgotten() -> None:
    now, mei = timezone.now(), make_learner("mei")
    for code, deleted in (
        ("kept", None),
        ("fresh", now - timedelta(days=29)),
        ("old", now - timedelta(days=31)),
    ):
        Submission.all_rows.create(
            learner=mei, code=code, status="finished", outcome="ok", deleted_at=deleted
        )
    for key, days in (("over", -1), ("lives", 1)):
        Session.objects.create(session_key=key, session_data="", expire_date=now + timedelta(days=days))

    told = StringIO()
    call_command("forget_old_rows", "--dry-run", stdout=told)
    assert "1 progress.Submission" in told.getvalue()
    assert Submission.all_rows.count() == 3

    forget_old_rows()

    assert set(Submission.all_rows.values_list("code", flat=True)) == {"kept", "fresh"}
    assert list(Session.objects.values_list("session_key", flat=True)) == ["lives"]


def test_a_conversation_is_forgotten_with_all_that_was_said_and_shown() -> None:
    now, mei = timezone.now(), make_learner("mei")
    for title, days in (("kept", None), ("fresh", 29), ("old", 31)):
        deleted = None if days is None else now - timedelta(days=days)
        talk = Conversation.all_rows.create(user=mei, title=title, deleted_at=deleted)
        message = Message.objects.create(conversation=talk, role="user", content="zebra", words="zebra")
        MessageImage.objects.create(message=message, content_type="image/png", data=b"1", width=1, height=1)

    forget_old_rows()

    left = {"kept", "fresh"}
    assert set(Conversation.all_rows.values_list("title", flat=True)) == left
    assert set(Message.objects.values_list("conversation__title", flat=True)) == left
    assert set(MessageImage.objects.values_list("message__conversation__title", flat=True)) == left
    assert len(search(Conversation.all_rows.all(), "zebra")) == 2
