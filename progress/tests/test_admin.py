"""Runs and listing checks in the admin."""

from __future__ import annotations

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from progress.models import ListingCheck, Submission
from progress.tests.makers import make_learner, make_lesson, make_submission

pytestmark = pytest.mark.django_db

RUNS = reverse("admin:progress_submission_changelist")
CHECKS = reverse("admin:progress_listingcheck_changelist")


@pytest.fixture
def admin(client: Client) -> Client:
    client.force_login(
        get_user_model().objects.create_superuser("root", "root@example.org", "a-long-Passw0rd")
    )
    return client


def test_runs_are_found_by_learner_and_outcome_without_their_bulk(admin: Client) -> None:
    lesson = make_lesson()
    for name in ("ada", "eve"):
        learner = make_learner(name)
        for outcome in ("ok", "failed"):
            make_submission(learner=learner, lesson=lesson, status="finished", outcome=outcome)

    with CaptureQueriesContext(connection) as queries:
        everything = admin.get(RUNS)
    found = admin.get(RUNS, {"q": "ada", "outcome": "failed"})

    assert everything.context["cl"].result_count == 4
    [run] = found.context["cl"].result_list
    assert (run.learner.username, run.outcome) == ("ada", "failed")
    assert len(queries) < 15
    assert everything.content.decode().count('nowrap">1 Greeting</td>') == 4
    assert not any('"progress_submission"."output"' in query["sql"] for query in queries)
    assert 'class="toplinks"' in everything.content.decode(), "there is a date hierarchy"


def test_a_run_is_shown_and_can_be_deleted_but_not_altered(admin: Client) -> None:
    run = make_submission(code="print('mine')", guest_key="secret-of-a-guest")
    page = reverse("admin:progress_submission_change", args=[run.pk])

    shown = admin.get(page).content.decode()

    assert "print(&#x27;mine&#x27;)" in shown
    assert "secret-of-a-guest" not in shown
    assert admin.post(page, {"code": "x"}).status_code == 403
    assert admin.get(reverse("admin:progress_submission_add")).status_code == 403
    admin.post(reverse("admin:progress_submission_delete", args=[run.pk]), {"post": "yes"})
    assert not Submission.objects.exists()


def test_listing_checks_are_found_by_reason_and_only_read(admin: Client) -> None:
    lesson = make_lesson()
    for index, reason in enumerate(["NameError: name 'x' is not defined", "KeyError: 'y'"]):
        ListingCheck.objects.create(
            lesson=lesson, language="en", index=index, source=f"1.md:{index}", outcome="failed", reason=reason
        )

    [check] = admin.get(CHECKS, {"q": "KeyError"}).context["cl"].result_list

    assert check.index == 1
    assert admin.get(reverse("admin:progress_listingcheck_add")).status_code == 403
    assert admin.post(reverse("admin:progress_listingcheck_delete", args=[check.pk])).status_code == 403
