"""Links to runs: whoever has one sees the code and its output, until it is withdrawn or has expired."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from lessons.models import Lesson
from progress.models import Draft, Share, Submission
from progress.tests.makers import (
    CODE_EXERCISE,
    make_exercise,
    make_learner,
    make_lesson,
    make_submission,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def run(client: Client) -> Submission:
    learner = make_learner()
    client.force_login(learner)
    output = [["stdout", "a secret number\n"]]
    return make_submission(
        learner=learner,
        lesson=make_lesson(),
        code="print(42)",
        status="finished",
        outcome="ok",
        output=output,
    )


def share(client: Client, run: Submission, days: str = "") -> str:
    """The address of a new link."""
    client.post(reverse("share-run", args=[run.pk]), {"days": days})
    return reverse("shared", args=[Share.objects.latest("pk").token])


def test_anybody_with_the_link_sees_the_run_and_search_engines_do_not(
    client: Client, run: Submission
) -> None:
    link = share(client, run)

    response = Client().get(link)
    shown = response.content.decode()
    assert "print(42)" in shown
    assert "a secret number" in shown
    assert not re.search(r"\bada\b", shown)
    assert response["X-Robots-Tag"] == "noindex, nofollow"
    assert '<meta name="robots" content="noindex' in shown
    assert link in client.get(reverse("submission", args=[run.pk])).content.decode()
    assert link in client.get(reverse("shares")).content.decode()


def test_a_link_leads_nowhere_once_it_is_withdrawn_expired_or_its_run_deleted(
    client: Client, run: Submission
) -> None:
    def ways() -> list[int]:
        return [Client().get(link).status_code for link in links]

    links = [share(client, run, days) for days in ("", "7", "")]
    assert ways() == [200, 200, 200]

    withdrawn, expired, _ = Share.objects.order_by("pk")
    client.post(reverse("withdraw-share", args=[withdrawn.pk]))
    Share.objects.filter(pk=expired.pk).update(expires_at=timezone.now() - timedelta(minutes=1))
    assert ways() == [404, 404, 200]
    listed = client.get(reverse("shares")).content.decode()
    assert ("withdrawn" in listed, "expired" in listed) == (True, True)

    client.post(reverse("delete-submission", args=[run.pk]))
    assert ways() == [404, 404, 404]


def test_only_a_run_that_has_ended_is_shared_and_only_for_a_sensible_time(
    client: Client, run: Submission
) -> None:
    running = make_submission(learner=run.learner, status="running", attempts=1)

    assert client.post(reverse("share-run", args=[running.pk])).status_code == 404
    assert client.post(reverse("share-run", args=[run.pk]), {"days": "x"}).status_code == 404
    assert not Share.objects.exists()


def test_the_list_of_links_costs_the_same_however_many_there_are(
    client: Client, run: Submission, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(5):
        Share.objects.create(submission=run)
    with django_assert_num_queries(3 + 2):  # session, account and bell; links and their runs
        client.get(reverse("shares"))


def listed(client: Client, **query: Any) -> set[str]:
    """The programs that the list of runs shows."""
    shown = client.get(reverse("submissions"), query).content.decode()
    return {name for name in ("one", "two", "three") if f"print({name})" in shown}


def test_runs_are_chosen_by_course_lesson_outcome_and_day(client: Client, run: Submission) -> None:
    run.delete()
    greeting, other = run.lesson, make_lesson(slug="other")
    assert greeting is not None
    for name, lesson, outcome, days in (
        ("one", greeting, "ok", 0),
        ("two", greeting, "failed", 3),
        ("three", other, "ok", 6),
    ):
        made = make_submission(
            learner=run.learner, lesson=lesson, code=f"print({name})", status="finished", outcome=outcome
        )
        Submission.objects.filter(pk=made.pk).update(created_at=timezone.now() - timedelta(days=days))
    today = timezone.localdate()

    assert listed(client) == {"one", "two", "three"}
    assert listed(client, course=greeting.course_id) == {"one", "two", "three"}
    assert listed(client, course=greeting.course_id + 1) == set()
    assert listed(client, lesson=other.pk) == {"three"}
    assert listed(client, lesson=greeting.pk, outcome="ok") == {"one"}
    assert listed(client, since=today - timedelta(days=3)) == {"one", "two"}
    assert listed(client, since=today - timedelta(days=6), until=today - timedelta(days=3)) == {
        "two",
        "three",
    }
    assert listed(client, since="2026-99-99", until="x", outcome="x", lesson="x") == {"one", "two", "three"}


def test_a_list_says_what_each_run_was_written_for_and_how_it_went(
    client: Client, run: Submission, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    greet = make_exercise(CODE_EXERCISE, lesson=run.lesson)
    written = {"learner": run.learner, "lesson": run.lesson, "status": "finished", "outcome": "ok"}
    for passed in (True, False):
        made = make_submission(**written, exercise=greet, passed=passed)
        moment = timezone.localtime(made.created_at).strftime("%H:%M:%S")

    # Session, account and bell; what there is to choose; how many runs, these, their exercises.
    with django_assert_num_queries(3 + 3 + 3):
        shown = client.get(reverse("submissions"), headers={"Accept-Language": "en"}).content.decode()
    compared = client.get(f"/zh-hans/submissions/{run.pk}/").content.decode()

    assert shown.count('<span class="history-lesson">Greet<br>Greeting</span>') == 2
    assert shown.count('<span class="history-lesson">Greeting</span>') == 1
    assert shown.count(f"{moment}</time>") >= 1
    narrow = client.get(reverse("submissions"), {"lesson": greet.lesson_id}).content.decode()
    assert narrow.count('<span class="history-lesson">问候</span>') == 2
    chosen = " ".join(compared.split()).partition('id="other"')[2].partition("</select>")[0]
    options = [each.partition("</option>")[0] for each in chosen.split("<option")[1:]]
    told = [option.strip().partition(" · ")[2] for option in options]
    assert told == ["检查未通过 · 问候", "检查通过 · 问候"]
    assert f" {moment} · " in options[0]


def test_a_guest_is_led_from_a_shared_run_to_signing_in_and_back(client: Client, run: Submission) -> None:
    link = share(client, run)

    shown = Client().get(link).content.decode()

    assert f'href="{reverse("account_login")}?next={link}">Sign in to open it in your editor</a>' in shown
    assert "Sign in to open it" not in client.get(link).content.decode()
    Lesson.objects.update(is_retired=True)
    assert "Sign in to open it" not in Client().get(link).content.decode()


def test_whoever_is_signed_in_opens_shared_code_in_their_own_editor(client: Client, run: Submission) -> None:
    link = share(client, run)
    reader = Client()
    assert "open/" not in reader.get(link).content.decode()
    bob = make_learner("bob")
    reader.force_login(bob)
    lesson = Lesson.objects.get()
    Draft.objects.create(learner=bob, lesson=lesson, code="print('mine')")
    assert f'action="{link}open/"' in reader.get(link).content.decode()

    answer = reader.post(f"{link}open/")

    assert answer["Location"] == lesson.get_absolute_url()
    draft = Draft.objects.get(learner=bob)
    assert draft.code == "print(42)"
    assert [version.code for version in draft.versions.all()] == ["print('mine')"]
    client.post(reverse("withdraw-share", args=[Share.objects.get().pk]))
    assert reader.post(f"{link}open/").status_code == 404
