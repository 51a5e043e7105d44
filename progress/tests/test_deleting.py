"""A deleted run is gone for everybody at once; a deleted draft makes room for the next one."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from progress import actions
from progress.models import Draft, Submission
from progress.tests.makers import make_learner, make_lesson, make_submission

pytestmark = pytest.mark.django_db


def make_finished_run(**fields: Any) -> Submission:
    return make_submission(status="finished", outcome="ok", **fields)


def test_a_learner_deletes_a_run(client: Client) -> None:
    learner = make_learner()
    kept, gone = (make_finished_run(learner=learner, code=code) for code in ("kept", "gone"))
    client.force_login(learner)
    answer = client.post(reverse("delete-submission", args=[gone.pk]))

    assert answer["Location"] == reverse("submissions")
    page = client.get(reverse("submissions")).content.decode()
    assert "kept" in page
    assert "gone" not in page
    for name in ("submission", "run", "run-events"):
        assert client.get(reverse(name, args=[gone.pk])).status_code == 404
    assert list(learner.submissions.all()) == [kept]
    assert Submission.all_rows.get(pk=gone.pk).deleted_at


def test_nobody_deletes_anothers_run(client: Client) -> None:
    run = make_finished_run(learner=make_learner("mei"))
    client.force_login(make_learner())

    assert client.post(reverse("delete-submission", args=[run.pk])).status_code == 404
    assert Submission.objects.filter(pk=run.pk).exists()


def test_a_run_that_waits_is_stopped_with_its_deletion() -> None:
    run = make_submission(learner=make_learner(), slot=0)
    actions.delete_submission(submission=run)

    assert Submission.all_rows.get().outcome == "cancelled"


def test_the_admins_deletion_is_no_other(admin_client: Client) -> None:
    runs = [make_finished_run(learner=make_learner()) for _ in range(1)]
    admin_client.post(reverse("admin:progress_submission_delete", args=[runs[0].pk]), {"post": "yes"})

    assert not Submission.objects.exists()
    assert Submission.all_rows.get().deleted_at


def test_a_deleted_draft_makes_room_for_the_next() -> None:
    learner, lesson = make_learner(), make_lesson()
    actions.save_draft(learner=learner, lesson=lesson, revision=0, code="old")
    Draft.objects.update(deleted_at=timezone.now())
    actions.save_draft(learner=learner, lesson=lesson, revision=0, code="new")

    assert Draft.objects.get().code == "new"
    assert Draft.all_rows.count() == 2
    with pytest.raises(IntegrityError), transaction.atomic():
        Draft.objects.create(learner=learner, lesson=lesson)
