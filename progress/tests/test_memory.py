"""What is remembered of exercises: ratings, reviews that fall due, mastery, and a dashboard of all that."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from lessons.models import Exercise
from progress import clock, memory
from progress.actions import take_hint
from progress.completion import begin_lesson, mark_lesson, note_checked, note_study
from progress.models import Draft, ExerciseProgress, LessonProgress, Owner, Submission
from progress.tests.makers import make_learner, make_lesson, make_practice, make_submission

pytestmark = pytest.mark.django_db


@pytest.fixture
def days_pass(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], date]:
    """Moves the day on, for all that is learnt."""
    today = timezone.localdate()

    def pass_by(days: int) -> date:
        nonlocal today
        today += timedelta(days=days)
        monkeypatch.setattr(clock, "today", lambda: today)
        return today

    return pass_by


@pytest.fixture
def learner(client: Client) -> Any:
    learner = make_learner()
    client.force_login(learner)
    return learner


def attempt(owner: Owner, exercise: Exercise, *results: bool) -> Any:
    for passed in results:
        progress = memory.note_attempt(owner=owner, exercise=exercise, passed=passed)
    return progress


def page(client: Client, language: str = "en") -> str:
    return " ".join(client.get(f"/{language}/dashboard/").content.decode().split())


def test_what_took_failures_or_hints_comes_back_sooner_than_what_did_not(learner: Any) -> None:
    owner, lesson = Owner(learner.pk), make_lesson()
    easy, helped, hard = (make_practice(lesson, slug) for slug in ("easy", "helped", "hard"))
    memory.note_hint(owner=owner, exercise=helped)

    days = {
        each.slug: (attempt(owner, each, *results).due_on - clock.today()).days
        for each, results in ((easy, [True]), (helped, [True]), (hard, [False, False, True]))
    }

    assert days["easy"] > days["helped"] >= days["hard"] == 1


def test_runs_of_what_is_solved_say_nothing_until_it_is_due(
    learner: Any, days_pass: Callable[[int], date]
) -> None:
    owner, exercise = Owner(learner.pk), make_practice(make_lesson())
    first = attempt(owner, exercise, True)
    again = attempt(owner, exercise, True, False, True)
    memory.note_hint(owner=owner, exercise=exercise)
    again.refresh_from_db()

    assert (again.stability, again.due_on, again.failures, again.hints) == (
        first.stability,
        first.due_on,
        0,
        0,
    )

    days_pass((first.due_on - clock.today()).days)
    reviewed = attempt(owner, exercise, True)
    assert reviewed.stability > first.stability
    assert reviewed.solved_at == first.solved_at


def test_a_failed_review_lowers_what_is_thought_to_be_remembered(
    learner: Any, days_pass: Callable[[int], date]
) -> None:
    owner, exercise = Owner(learner.pk), make_practice(make_lesson())
    first = attempt(owner, exercise, True)
    tomorrow = days_pass(10)

    failed = attempt(owner, exercise, False)

    assert failed.stability < first.stability
    assert failed.due_on > tomorrow
    assert failed.solved_at is not None


def test_the_dashboard_leads_from_the_first_lesson_to_reviews(
    client: Client, learner: Any, days_pass: Callable[[int], date]
) -> None:
    owner, lesson, later = Owner(learner.pk), make_lesson(), make_lesson(slug="later")
    lesson.course.concepts = {"loops": {"en": "Loops", "zh-hans": "循环"}}
    lesson.course.save()
    exercise = make_practice(lesson)
    assert "It is where the course “course” begins." in page(client)

    begin_lesson(owner=owner, lesson=lesson)
    assert "Solve: Count" in page(client)
    attempt(owner, exercise, False)
    assert "You tried it once already." in page(client)

    attempt(owner, exercise, True)
    mark_lesson(owner=owner, lesson=lesson, status="completed")
    shown = page(client)
    assert f'href="{later.get_absolute_url()}"' in shown
    assert "It comes next after “Greeting”, where you were last." in shown
    assert "Nothing today. The next review is due on" in shown
    assert "1 of 1 exercise solved" in shown
    assert "循环" in page(client, "zh-hans")

    days_pass(1)
    shown = page(client)
    assert "Review: Count" in shown
    assert shown.count(f'action="{reverse("review", args=[exercise.pk])}"') == 2
    assert "You solved it a day ago. Now you would still know how with a chance of about" in shown
    assert f'href="{lesson.get_absolute_url()}#exercise-count"' in shown


def test_who_has_only_begun_is_told_what_will_be_there(client: Client, learner: Any) -> None:
    begin_lesson(owner=Owner(learner.pk), lesson=make_lesson())
    shown = page(client)
    assert "Days on which you study or run a program get a colour here." in shown
    assert "In the last half year" not in shown


def test_time_is_added_up_before_it_is_rounded(client: Client, learner: Any) -> None:
    owner = Owner(learner.pk)
    lesson = make_lesson()
    begin_lesson(owner=owner, lesson=lesson)
    note_study(owner=owner, lesson=lesson, seconds=40)
    shown = page(client)
    assert " and studied for less than a minute." in shown
    assert "0 programs, under 1 min </title>" in shown
    assert "<td>0</td><td>under 1</td>" in shown

    note_study(owner=owner, lesson=make_lesson(slug="later"), seconds=40)
    assert " and studied for 1 minute." in page(client)


def test_a_guest_has_a_dashboard_and_a_stranger_sees_none_of_it(client: Client) -> None:
    lesson = make_lesson()
    exercise = make_practice(lesson)
    body = {"status": "completed"}
    client.post(reverse("mark-lesson", args=[lesson.pk]), data=body, content_type="application/json")
    attempt(Owner(guest_key=client.session["guest_key"]), exercise, True)

    assert "1 of 1 exercise solved" in page(client)
    assert "You are a guest" in page(client)
    assert "1 of 1 exercise solved" not in page(Client())


def test_concepts_not_begun_are_folded_away(client: Client, learner: Any) -> None:
    lesson = make_lesson()
    attempt(Owner(learner.pk), make_practice(lesson, "first", concepts=["loops"]), True)
    make_practice(lesson, "second", concepts=["tools"])
    make_practice(lesson, "third", concepts=["memory"])

    mastered = page(client).partition('id="mastery"')[2]

    shown, folded = mastered.split("<details", 1)
    assert ("loops" in shown, "tools" in shown, "memory" in shown) == (True, False, False)
    assert "2 concepts not begun yet" in folded
    assert ("tools" in folded, "memory" in folded) == (True, True)


def test_the_dashboard_costs_the_same_however_much_was_done(
    client: Client, learner: Any, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    owner = Owner(learner.pk)
    lessons = [make_lesson(slug=f"lesson-{number}") for number in range(12)]
    for lesson in lessons:
        for number in range(3):
            attempt(owner, make_practice(lesson, f"{lesson.slug}-{number}"), True)
        note_study(owner=owner, lesson=lesson, seconds=60)
    Submission.objects.bulk_create(
        Submission(learner=learner, lesson=lessons[number % 12], code="x", status="finished", outcome="ok")
        for number in range(5_000)
    )
    assert "ran 5000 programs" in page(client)

    # Session and account; courses, lessons, titles; marks; exercises and how they went; the lesson last open;
    # the time by day and by lesson, the runs by day; the bell.
    with django_assert_num_queries(13):
        client.get(reverse("dashboard"))


def test_reviewing_starts_with_an_empty_draft_and_keeps_what_there_was(client: Client, learner: Any) -> None:
    lesson = make_lesson()
    exercise = make_practice(lesson)
    Draft.objects.create(learner=learner, lesson=lesson, exercise=exercise, code="print(1)")
    other = Draft.objects.create(learner=learner, lesson=lesson, code="of the lesson")

    answer = client.post(reverse("review", args=[exercise.pk]))

    assert answer["Location"] == f"{lesson.get_absolute_url()}?again=count#exercise-count"
    draft = Draft.objects.get(exercise=exercise)
    assert draft.code == "# begin here\n"
    assert [version.code for version in draft.versions.all()] == ["print(1)"]
    other.refresh_from_db()
    assert other.code == "of the lesson"


def test_a_lesson_is_completed_by_its_exercises_and_hints_count(client: Client, learner: Any) -> None:
    lesson = make_lesson()
    first, second = make_practice(lesson, "first"), make_practice(lesson, "second")
    make_practice(lesson, "more", optional=True)
    owner = Owner(learner.pk)

    def check(exercise: Exercise, *, passed: bool) -> str:
        run = make_submission(
            learner=learner, lesson=lesson, exercise=exercise, status="finished", outcome="ok", passed=passed
        )
        note_checked(run)
        return LessonProgress.objects.get().status

    take_hint(owner=owner, exercise=first)
    assert ExerciseProgress.objects.get().hints == 1
    assert check(first, passed=False) == "in_progress"
    assert check(first, passed=True) == "in_progress"
    assert "1 of 2 exercises solved." in client.get(lesson.get_absolute_url()).content.decode()
    assert check(second, passed=True) == "completed"
    assert check(second, passed=False) == "completed"
    assert "You are done with this lesson." in client.get(lesson.get_absolute_url()).content.decode()
