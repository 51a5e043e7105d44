"""Drafts across devices, and earlier work back into the editor."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from progress.models import Draft, DraftVersion
from progress.tests.makers import make_learner, make_lesson, make_submission

pytestmark = pytest.mark.django_db


def put(client: Client, lesson: Any, code: str, revision: int, **more: Any) -> Any:
    body = json.dumps({"code": code, "revision": revision, **more})
    return client.put(reverse("draft", args=[lesson.pk]), data=body, content_type="application/json")


@pytest.fixture
def learner(client: Client) -> Any:
    learner = make_learner()
    client.force_login(learner)
    return learner


def test_a_draft_is_there_on_the_next_device(client: Client, learner: Any) -> None:
    lesson = make_lesson()
    assert client.get(reverse("draft", args=[lesson.pk])).json()["revision"] == 0

    saved = put(client, lesson, "x = 1", 0).json()

    other_device = Client()
    other_device.force_login(learner)
    draft = other_device.get(reverse("draft", args=[lesson.pk])).json()
    assert (draft["code"], draft["revision"]) == ("x = 1", saved["revision"])


def test_a_stale_device_is_told_and_overwrites_nothing(client: Client, learner: Any) -> None:
    lesson = make_lesson()
    first = put(client, lesson, "x = 1", 0).json()["revision"]
    put(client, lesson, "x = 2", first)

    conflict = put(client, lesson, "x = 3", first)

    assert conflict.status_code == 409
    assert conflict.json()["code"] == "x = 2"
    assert Draft.objects.get().code == "x = 2"


def test_a_draft_remembers_its_listing_and_language(client: Client, learner: Any) -> None:
    lesson = make_lesson()
    url = reverse("draft", args=[lesson.pk])
    none_yet = client.get(url).json()
    assert (none_yet["listing"], none_yet["language_version"]) == (None, None)

    saved = put(client, lesson, "greet('me')", 0, listing=1, language_version="zh-hans").json()

    stored = client.get(url).json()
    assert stored == saved
    assert stored.keys() == {"code", "revision", "listing", "language_version", "updated_at"}
    assert (stored["code"], stored["listing"], stored["language_version"]) == ("greet('me')", 1, "zh-hans")

    alone = put(client, lesson, "greet('me')", stored["revision"]).json()
    assert (alone["listing"], alone["language_version"]) == (None, None)
    assert alone["revision"] > stored["revision"], "the same code of another listing is another draft"
    stale = put(client, lesson, "greet('me')", stored["revision"], listing=0)
    assert stale.status_code == 409
    assert stale.json() == alone


@pytest.mark.parametrize("wrong", [{"listing": -1}, {"listing": "x"}, {"language_version": "tlh"}])
def test_a_draft_of_nonsense_is_refused(client: Client, learner: Any, wrong: dict[str, Any]) -> None:
    response = put(client, make_lesson(), "x = 1", 0, **wrong)

    assert response.status_code == 400
    assert not Draft.objects.exists()


def test_restored_code_is_again_part_of_its_listing(client: Client, learner: Any) -> None:
    lesson = make_lesson()
    put(client, lesson, "before", 0, listing=0, language_version="en")
    run = make_submission(learner=learner, lesson=lesson, code="run", listing=1, language_version="zh-hans")
    draft = reverse("draft", args=[lesson.pk])

    client.post(reverse("restore-submission", args=[run.pk]))
    restored = client.get(draft).json()
    version = DraftVersion.objects.get(code="before")
    client.post(reverse("restore-version", args=[version.pk]))
    restored_version = client.get(draft).json()

    assert (restored["code"], restored["listing"], restored["language_version"]) == ("run", 1, "zh-hans")
    assert (restored_version["code"], restored_version["listing"]) == ("before", 0)
    assert restored_version["language_version"] == "en"
    latest = DraftVersion.objects.get(code="run")
    assert (latest.listing, latest.language_version) == (1, "zh-hans")


def test_guests_are_told_to_keep_drafts_themselves(client: Client) -> None:
    response = put(client, make_lesson(), "x = 1", 0)

    assert response.status_code == 401
    assert not Draft.objects.exists()


def test_a_draft_over_the_limit_is_refused_and_the_old_one_stays(client: Client, learner: Any) -> None:
    lesson = make_lesson()
    revision = put(client, lesson, "x = 1", 0).json()["revision"]

    assert put(client, lesson, "#" * (100 * 1024 + 1), revision).status_code == 413
    assert Draft.objects.get().code == "x = 1"


def test_earlier_states_are_kept_every_few_minutes_and_can_be_restored(client: Client, learner: Any) -> None:
    lesson = make_lesson()
    revision = put(client, lesson, "first", 0).json()["revision"]
    revision = put(client, lesson, "second", revision).json()["revision"]
    revision = put(client, lesson, "third", revision).json()["revision"]
    assert [version.code for version in DraftVersion.objects.all()] == ["first"]
    DraftVersion.objects.update(saved_at=timezone.now() - timedelta(minutes=6))
    put(client, lesson, "fourth", revision)
    version = DraftVersion.objects.get(code="third")

    response = client.post(reverse("restore-version", args=[version.pk]))

    assert response.status_code == 302
    assert Draft.objects.get().code == "third"
    assert DraftVersion.objects.filter(code="fourth").exists(), "what was replaced is kept"


def test_anothers_version_looks_like_none(client: Client, learner: Any) -> None:
    theirs = Draft.objects.create(learner=make_learner("eve"), lesson=make_lesson(), code="now")
    version = DraftVersion.objects.create(draft=theirs, code="before")

    assert client.post(reverse("restore-version", args=[version.pk])).status_code == 404


def test_runs_are_listed_filtered_and_restored(client: Client, learner: Any) -> None:
    lesson = make_lesson()
    make_submission(learner=learner, lesson=lesson, code="good = 1", status="finished", outcome="ok")
    bad = make_submission(learner=learner, lesson=lesson, code="bad = 1", status="finished", outcome="failed")
    make_submission(learner=make_learner("eve"), lesson=lesson, code="theirs = 1")

    everything = client.get(reverse("submissions")).content.decode()
    failed = client.get(
        reverse("submissions"), {"lesson": str(lesson.pk), "outcome": "failed"}
    ).content.decode()
    detail = client.get(reverse("submission", args=[bad.pk])).content.decode()
    client.post(reverse("restore-submission", args=[bad.pk]))

    assert "good = 1" in everything
    assert "theirs" not in everything
    assert "good = 1" not in failed
    assert "bad = 1" in failed
    assert "diff-remove" in detail
    assert Draft.objects.get(learner=learner).code == "bad = 1"


def test_the_list_costs_the_same_for_one_run_or_many(
    client: Client, learner: Any, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(20):
        lesson = make_lesson(slug=f"lesson-{number}")
        make_submission(learner=learner, lesson=lesson, status="finished", outcome="ok")

    with django_assert_max_num_queries(7 + 1):  # the bell
        assert client.get(reverse("submissions")).status_code == 200


def test_earlier_drafts_are_shown_beside_what_the_editor_holds(client: Client, learner: Any) -> None:
    lesson = make_lesson()
    page = reverse("draft-history", args=[lesson.pk])
    assert "There is no earlier draft of this lesson." in client.get(page).content.decode()

    draft = Draft.objects.create(learner=learner, lesson=lesson, code="x = 1\ny = 2")
    old = DraftVersion.objects.create(draft=draft, code="x = 0\ny = 2")
    DraftVersion.objects.create(draft=draft, code="x = 1\ny = 2")
    theirs = Draft.objects.create(learner=make_learner("eve"), lesson=lesson, code="theirs = 1")
    DraftVersion.objects.create(draft=theirs, code="theirs = 0")

    latest = client.get(page).content.decode()
    earlier = client.get(page, {"version": old.pk}).content.decode()

    assert "Nothing: it is in the editor as it was." in latest
    assert '<span class="diff-remove">-x = 0' in earlier
    assert '<span class="diff-add">+x = 1' in earlier
    assert reverse("restore-version", args=[old.pk]) in earlier
    assert "theirs" not in latest
