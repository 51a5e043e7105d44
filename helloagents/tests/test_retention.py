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
