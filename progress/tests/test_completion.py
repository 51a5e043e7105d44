"""How far learners are: lessons begun, completed, and how long they took."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from lessons.models import Lesson, LessonText
from progress.completion import mark_lesson, note_run
from progress.models import LessonProgress, Owner, StudyTime
from progress.tasks import run_submission
from progress.tests.makers import FakePool, make_learner, make_lesson, make_result, make_submission

pytestmark = pytest.mark.django_db


@pytest.fixture
def learner(client: Client) -> Any:
    learner = make_learner()
    client.force_login(learner)
    return learner


def make_child(chapter: Lesson, slug: str) -> Lesson:
    lesson = Lesson.objects.create(
        course=chapter.course, parent=chapter, slug=slug, number="1.1", position=Lesson.objects.count()
    )
    LessonText.objects.create(lesson=lesson, language="en", title=slug, markdown="# a", source_path="1.md")
    return lesson


def study(client: Client, lesson: Lesson, seconds: int) -> Any:
    body = json.dumps({"seconds": seconds})
    return client.post(reverse("study", args=[lesson.pk]), data=body, content_type="application/json")


def mark(client: Client, lesson: Lesson, status: str) -> Any:
    body = json.dumps({"status": status})
    return client.post(reverse("mark-lesson", args=[lesson.pk]), data=body, content_type="application/json")


def standing(client: Client, lesson: Lesson) -> str:
    """What the lesson's page says of its reader."""
    shown = client.get(lesson.get_absolute_url()).content.decode()
    return shown.split('data-standing="')[1].split('"')[0]


def states() -> dict[str, str]:
    return dict(LessonProgress.objects.values_list("lesson__slug", "status"))


def test_a_run_begins_its_lesson_and_leaves_a_completed_one_as_it_is() -> None:
    ada, lesson, done = make_learner(), make_lesson(), make_lesson(slug="done")
    mark_lesson(owner=Owner(ada.pk), lesson=done, status="completed")

    for each in (lesson, done):
        note_run(make_submission(learner=ada, lesson=each))

    assert states() == {"greeting": "in_progress", "done": "completed"}


def test_running_a_program_of_a_lesson_begins_it(learner: Any, pool_answers: Callable[..., FakePool]) -> None:
    lesson = make_lesson()
    pool_answers(make_result())
    run_submission(str(make_submission(learner=learner, lesson=lesson).pk))

    assert states() == {"greeting": "in_progress"}


def test_opening_a_lesson_begins_it_and_the_time_before_it_is_kept(client: Client, learner: Any) -> None:
    lesson = make_lesson()

    assert study(client, lesson, 0).json() == {"success": True}
    assert states() == {"greeting": "in_progress"}
    assert not StudyTime.objects.exists()

    study(client, lesson, 60)
    StudyTime.objects.update(updated_at=timezone.now() - timedelta(seconds=70))
    study(client, lesson, 60)
    # Said by another tab in the same moment.
    study(client, lesson, 60)

    time = StudyTime.objects.get(learner=learner, lesson=lesson)
    assert (time.seconds, time.day) == (120, timezone.localdate())
    assert study(client, lesson, -1).status_code == 400


def test_nobody_studies_longer_than_the_clock_allows(client: Client, learner: Any) -> None:
    study(client, make_lesson(), 24 * 3600)

    assert StudyTime.objects.get().seconds == 90


def test_a_lesson_is_marked_as_done_and_as_not_done_after_all(client: Client, learner: Any) -> None:
    lesson = make_lesson()
    assert standing(client, lesson) == ""

    assert mark(client, lesson, "completed").json() == {"status": "completed"}
    assert standing(client, lesson) == "completed"
    assert "1 of 1 lesson done" in client.get("/en/").content.decode()

    mark(client, lesson, "in_progress")
    assert states() == {"greeting": "in_progress"}
    assert mark(client, lesson, "nonsense").status_code == 400


def test_a_chapter_is_as_far_as_its_lessons(client: Client, learner: Any) -> None:
    chapter = make_lesson()
    one, two = (make_child(chapter, slug) for slug in ("one", "two"))

    def shown() -> tuple[int, int]:
        page = client.get(reverse("course", args=["course"])).content.decode()
        return page.count("mark-done"), page.count('class="mark"')

    assert shown() == (0, 0)
    mark(client, one, "completed")
    assert shown() == (1, 1)
    mark(client, two, "completed")
    assert shown() == (3, 0)


def test_a_course_that_was_begun_goes_on_where_it_was_left(client: Client, learner: Any) -> None:
    chapter = make_lesson()
    preface, one, two = (make_child(chapter, slug) for slug in ("preface", "one", "two"))
    make_lesson(slug="afterword")

    def way_in() -> tuple[str, str]:
        page = client.get(reverse("course", args=["course"])).content.decode()
        found = re.search(r'button-large" href="([^"]+)">\s*(.+)', page)
        assert found
        return found[1].removeprefix("/en/courses/course/"), found[2]

    assert way_in() == ("greeting/", "Start reading")
    mark(client, one, "in_progress")
    assert way_in() == ("greeting/one/", "Continue reading")
    mark(client, one, "completed")
    assert way_in() == ("greeting/two/", "Continue reading")
    mark(client, two, "completed")
    assert way_in() == ("afterword/", "Continue reading")
    mark(client, Lesson.objects.get(slug="afterword"), "completed")
    assert way_in() == ("greeting/preface/", "Continue reading")
    mark(client, preface, "completed")
    assert way_in() == ("greeting/", "Start reading")


def test_the_overview_of_a_chapter_is_done_when_it_was_opened(client: Client, learner: Any) -> None:
    chapter = make_lesson()
    make_child(chapter, "one")
    study(client, chapter, 0)

    assert states() == {"greeting": "completed"}


def test_a_guests_progress_is_kept_and_shown_to_that_browser_alone(client: Client) -> None:
    lesson = make_lesson()
    mark(client, lesson, "completed")

    assert standing(client, lesson) == "completed"
    assert standing(Client(), lesson) == ""
    assert LessonProgress.objects.get().guest_key == client.session["guest_key"]


def test_the_first_page_leads_on_from_where_its_reader_was_last(client: Client, learner: Any) -> None:
    chapter = make_lesson()
    one, two = make_child(chapter, "one"), make_child(chapter, "two")

    def way_in(client: Client) -> str:
        page = " ".join(client.get("/en/").content.decode().split())
        shown = page.partition('class="hero-actions"')[2].partition("</p>")[0]
        return " ".join(re.sub(r"<[^>]*>", " ", f"<{shown}").split())

    guest = Client()
    assert way_in(guest) == "Start the first lesson No account needed."
    assert way_in(client) == "Start the first lesson"
    for reader in (guest, client):
        study(reader, one, 30)
        mark(reader, one, "completed")
    assert way_in(guest) == "Continue: 1.1 two No account needed."
    assert way_in(client) == "Continue: 1.1 two"
    mark(client, two, "completed")
    assert way_in(client) == "Your progress"


def test_marks_cost_one_query_however_many_lessons(
    client: Client, learner: Any, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    chapter = make_lesson()
    for slug in ("one", "two", "three"):
        mark(client, make_child(chapter, slug), "completed")
    page = reverse("course", args=["course"])
    shown = client.get(page).content.decode()
    assert shown.count("mark-done") == 4

    # The course, its lessons, its titles; session, account, marks, the bell.
    with django_assert_num_queries(3 + 4):
        client.get(page)
