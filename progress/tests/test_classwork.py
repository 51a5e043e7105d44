"""What instructors see of a class: who is where, who is stuck, what goes wrong, and as files."""

from __future__ import annotations

import csv
import io
import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from lessons.models import Course, Exercise, Lesson, LessonText
from progress import cohorts
from progress.class_benchmark import measure
from progress.classwork.exercises import outcomes
from progress.completion import mark_lesson
from progress.demo_class import make_demo_class
from progress.error_lines import error_line
from progress.memory import note_attempt
from progress.models import Cohort, HintTaken, LessonProgress, Owner, Submission
from progress.tests.makers import make_learner, make_lesson, make_submission
from sandbox.execution import Output, Stream

pytestmark = pytest.mark.django_db

TEXT = """
id = "greet"
lesson = "1"
title = "Greet"
prompt = "Say hello."
solution = "print('hello')"
[[check]]
name = "greets"
output.contains = "hello"
"""


@pytest.fixture
def cohort() -> Cohort:
    """Ada has completed one lesson and is stuck in the next, Bob has begun; Eve is elsewhere."""
    tom = make_learner("tom")
    tom.groups.add(Group.objects.get_or_create(name="instructors")[0])
    cohort = cohorts.create_cohort(instructor=tom, name="Mondays")
    ada, bob, eve = (make_learner(name) for name in ("ada", "bob", "eve"))
    cohort.learners.set([ada, bob])
    first = make_lesson()
    second = Lesson.objects.create(course=first.course, slug="farewell", number="2", position=2)
    LessonText.objects.create(
        lesson=second, language="en", title="Farewell", markdown="# F", source_path="2.md"
    )
    mark_lesson(owner=Owner(ada.pk), lesson=first, status="completed")
    for days in (5, 4, 3):
        make_try(ada, second, "failed", days=days, error="NameError: name '…' is not defined")
    make_try(ada, first, "failed", days=6, error="KeyError: '…'")
    make_try(bob, first, "failed", days=2, error="KeyError: '…'")
    make_try(bob, first, "timeout", days=1)
    for _ in range(4):
        make_try(bob, second, "failed", days=30, error="ValueError: too long ago")
        make_try(eve, second, "failed", days=1, error="ValueError: of another class")
    return cohort


def make_try(learner: Any, lesson: Lesson, outcome: str, *, days: float, **fields: Any) -> Submission:
    made = make_submission(learner=learner, lesson=lesson, status="finished", outcome=outcome, **fields)
    Submission.objects.filter(pk=made.pk).update(created_at=timezone.now() - timedelta(days=days))
    return made


def page(cohort: Cohort, name: str, *args: Any, query: str = "") -> str:
    client = Client()
    client.force_login(cohort.instructors.get())
    answer = client.get(reverse(name, args=[cohort.pk, *args]) + query)
    assert answer.status_code == 200
    return answer.content.decode()


def rows_of(cohort: Cohort, what: str) -> list[dict[str, str]]:
    text = page(cohort, f"class-{what}-file")
    assert text.startswith("\ufeff")
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))


def cells(html: str, username: str) -> list[str]:
    row = html.partition(f">{username}</a></th>")[2].partition("</tr>")[0]
    return [cell.partition("</td>")[0] for cell in row.split("<td ")[2:]]


def test_the_heat_map_tells_by_text_and_colour_how_far_each_learner_is(cohort: Cohort) -> None:
    shown = page(cohort, "class")

    assert cells(shown, "ada") == ['class="heat-done">✓', 'class="heat-stuck">3!']
    assert cells(shown, "bob") == ['class="heat-begun">2', 'class="heat-none">']
    assert shown.index(">ada</a>") < shown.index(">bob</a>"), "most completed first"
    assert not re.search(r"\beve\b", shown)


def test_the_heat_map_is_ordered_and_narrowed_to_a_chapter(cohort: Cohort) -> None:
    least_first = page(cohort, "class", query="?order=-progress")
    chapter = page(cohort, "class", query="?chapter=farewell&order=nonsense&page=9")

    assert least_first.index(">bob</a>") < least_first.index(">ada</a>")
    assert cells(chapter, "ada") == ['class="heat-stuck">3!']


def test_who_is_stuck_is_told_with_the_last_error_and_since_when(cohort: Cohort) -> None:
    [stuck] = rows_of(cohort, "stuck")
    shown = page(cohort, "class-stuck")

    assert (stuck["User name"], stuck["Lesson"], stuck["Failed tries"]) == ("ada", "2 Farewell", "3")
    since = timezone.localtime() - timedelta(days=5)
    assert stuck["Stuck since"].startswith(str(since.date()))
    assert "NameError" in stuck["Last error"]
    assert "NameError" in shown
    assert not re.search(r"\bbob\b", shown)


def test_courses_are_named_where_there_are_several(cohort: Cohort) -> None:
    assert {row["Course"] for row in rows_of(cohort, "stuck")} == {"course"}
    assert 'class="quiet">course<' not in page(cohort, "class-errors")

    other = Course.objects.create(slug="another", default_language="en")
    lesson = Lesson.objects.create(course=other, slug="greeting", number="1", position=1)
    LessonText.objects.create(lesson=lesson, language="en", title="Greeting", markdown="# Greeting")
    make_try(cohort.learners.get(username="bob"), lesson, "failed", days=0)

    assert {row["Course"] for row in rows_of(cohort, "errors")} == {"course", "another"}
    assert 'class="quiet">another<' in page(cohort, "class-errors")


def test_one_success_or_the_end_of_the_lesson_ends_being_stuck(cohort: Cohort) -> None:
    second, ada = Lesson.objects.get(number="2"), cohort.learners.get(username="ada")
    success = make_try(ada, second, "ok", days=0)
    assert rows_of(cohort, "stuck") == []

    success.delete()
    assert len(rows_of(cohort, "stuck")) == 1
    mark_lesson(owner=Owner(ada.pk), lesson=second, status="completed")
    assert rows_of(cohort, "stuck") == []


def test_errors_are_grouped_by_lesson_those_of_most_learners_first(cohort: Cohort) -> None:
    found = [
        tuple(row[name] for name in ("Lesson", "Outcome", "Error", "Learners", "Runs"))
        for row in rows_of(cohort, "errors")
    ]

    assert found == [
        ("1 Greeting", "error in the program", "KeyError: '…'", "2", "2"),
        ("2 Farewell", "error in the program", "NameError: name '…' is not defined", "1", "3"),
        ("1 Greeting", "time limit", "", "1", "1"),
    ]
    example = Submission.objects.get(learner__username="bob", outcome="failed", lesson__number="1")
    assert reverse("class-run", args=[cohort.pk, example.pk]) in page(cohort, "class-errors")


def test_exercises_tell_who_solved_them_after_how_many_tries(cohort: Cohort) -> None:
    lesson = Lesson.objects.get(number="1")
    exercise = Exercise.objects.create(
        course=lesson.course,
        lesson=lesson,
        slug="greet",
        position=1,
        text=TEXT,
        source_path="greet.exercise.toml",
    )
    ada, bob = cohort.learners.order_by("username")
    for learner, verdicts in ((ada, [False, False, True, False, True]), (bob, [False])):
        for passed in verdicts:
            make_submission(
                learner=learner,
                lesson=lesson,
                exercise=exercise,
                passed=passed,
                status="finished",
                outcome="ok",
            )
            note_attempt(owner=Owner(learner.pk), exercise=exercise, passed=passed)
    HintTaken.objects.create(learner=bob, exercise=exercise, number=1)

    [row] = rows_of(cohort, "exercises")
    failed = [row["Outcome"] for row in rows_of(cohort, "errors")]

    assert list(row.values()) == ["1 Greeting", "Greet", "2", "1", "50", "3", "1"]
    assert "Greet" in page(cohort, "class-exercises")
    assert "checks not passed" in failed


def test_activity_is_counted_by_day(cohort: Cohort) -> None:
    days = rows_of(cohort, "activity")
    today = timezone.localdate()
    by_day = {row["Day"]: row for row in days}

    assert len(days) == 56
    assert days[-1]["Day"] == str(today)
    assert days[-1]["Lessons completed"] == "1"
    assert by_day[str(today - timedelta(days=3))]["Runs"] == "1"
    assert sum(int(row["Runs"]) for row in days) == 10
    assert "In the last 56 days: 10 runs, 1 lesson completed." in page(cohort, "class-activity")


def test_a_class_is_left_and_not_the_site(cohort: Cohort) -> None:
    client = Client()
    client.force_login(cohort.learners.get(username="ada"))

    classes = " ".join(client.get("/zh-hans/classes/").content.decode().split())
    account = client.get("/zh-hans/accounts/").content.decode()

    assert '退出班级<span class="visually-hidden"> Mondays</span>' in classes
    assert "教师：tom" in classes
    assert "离开本站" not in classes
    assert "离开本站" in account


def test_a_learners_page_shows_lessons_and_runs_and_a_run_its_code(cohort: Cohort) -> None:
    ada = cohort.learners.get(username="ada")
    run = ada.submissions.filter(lesson__number="2")[0]
    Submission.objects.filter(pk=run.pk).update(
        code="print('<mine>')", output=[["stderr", "NameError: name 'x' is not defined\n"]]
    )
    shown = page(cohort, "class-learner", ada.pk)
    narrowed = page(cohort, "class-learner", ada.pk, query=f"?lesson={run.lesson_id}")

    assert "2 Farewell" in shown
    assert shown.count('class="history-row"') == 4
    assert narrowed.count('class="history-row"') == 3
    run_page = page(cohort, "class-run", run.pk)
    assert "print(&#x27;&lt;mine&gt;&#x27;)" in run_page
    assert "name &#x27;x&#x27; is not defined" in run_page


def test_files_run_nothing_in_a_spreadsheet(cohort: Cohort) -> None:
    cohort.learners.filter(username="ada").update(full_name='=HYPERLINK("http://x")')

    names = {row["Name"] for row in rows_of(cohort, "progress")}

    assert names == {'\'=HYPERLINK("http://x")', ""}


@pytest.mark.parametrize(
    ("printed", "line"),
    [
        (
            'Traceback (most recent call last):\n  File "main.py", line 3\n    foo\n'
            "NameError: name 'foo' is not defined\n",
            "NameError: name '…' is not defined",
        ),
        (
            "Traceback (most recent call last):\n  …\nshop.Empty: at 0x7f3a, 12 left\n",
            "shop.Empty: at …, N left",
        ),
        (
            "  File \"main.py\", line 1\nSyntaxError: '(' was never closed\n",
            "SyntaxError: '…' was never closed",
        ),
        (
            "main.js:3\n\nTypeError: x is not a function\n    at main.js:1:2\n",
            "TypeError: x is not a function",
        ),
        ("Traceback (most recent call last):\n  …\nKeyError\n", "KeyError"),
        ("no error here\n", ""),
        ("ValueError: " + "x" * 500, "ValueError: " + "x" * 188),
    ],
)
def test_the_line_of_an_error_is_the_same_for_all_who_made_it(printed: str, line: str) -> None:
    assert error_line([Output(Stream.STDOUT, "KeyError: no"), Output(Stream.STDERR, printed)]) == line


def test_a_larger_class_takes_no_more_queries() -> None:
    Group.objects.get_or_create(name="instructors")
    small, large = (
        [(without_ids(each.page), each.queries) for each in measure(made, times=1)]
        for made in (
            make_demo_class(learners=2, lessons=3, submissions=30, seed=1),
            make_demo_class(learners=12, lessons=9, submissions=400, seed=2),
        )
    )

    assert small == large
    assert {"/en/classes/…/", "/en/classes/…/members/", "/admin/progress/submission/"} < dict(large).keys()
    assert max(queries for _, queries in large) < 13


def without_ids(page: str) -> str:
    return re.sub(r"/(\d+|[0-9a-f]+-[0-9a-f-]+)/", "/…/", page)


def test_a_made_up_class_is_as_asked_for_and_only_where_it_may_be(settings: Settings) -> None:
    settings.DEBUG = False
    with pytest.raises(CommandError, match="--force"):
        call_command("make_demo_class")

    call_command("make_demo_class", "--force", learners=3, lessons=8, submissions=50)
    told = io.StringIO()
    call_command("class_bench", times=1, stdout=told)
    assert reverse("class-exercises", args=[Cohort.objects.get().pk]) in told.getvalue()

    cohort = Cohort.objects.get()
    assert cohort.learners.count() == 3
    assert Lesson.objects.count() == 8
    assert Submission.objects.count() == 50
    assert LessonProgress.objects.exists()
    found = outcomes(cohort, Course.objects.get(), language="en")
    assert [each.title for each in found][:2] == [f"Exercise of lesson-{n}-exercise" for n in (0, 2)]
    assert (found[0].tried, found[0].solved) == (3, 3)
    assert found[0].tries
    assert Submission.objects.earliest("created_at").created_at < timezone.now() - timedelta(days=30)
