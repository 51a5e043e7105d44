"""Pages of a run and lists of runs: what came of its checks, and code and output as they are."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import translation

from progress import cohorts
from progress.completion import begin_lesson
from progress.models import Cohort, Owner, Submission
from progress.printed import plain
from progress.sharing import share_run
from progress.tests.makers import CODE_EXERCISE, QUESTION, make_exercise, make_learner, make_submission

pytestmark = pytest.mark.django_db

CHECKS = [
    {"number": 1, "name": "Says `Hello`", "hidden": False, "passed": True, "message": "", "mistake": None},
    {
        "number": 2,
        "name": "Works with other names",
        "hidden": True,
        "passed": False,
        "message": "It does not.",
        "mistake": {"number": 1, "message": "That is too short."},
    },
    {"number": 3, "name": "Is short", "hidden": False, "passed": None, "message": "", "mistake": None},
]
CHECKS = [{"expected": None, "actual": None, **check} for check in CHECKS]
TROJAN = "is_admin = False #\u202e \u2066if is_admin\u2069 \u2066begin"


@pytest.fixture
def cohort() -> Cohort:
    """Tom teaches Ada."""
    tom = make_learner("tom")
    tom.groups.add(Group.objects.get_or_create(name="instructors")[0])
    made = cohorts.create_cohort(instructor=tom, name="Mondays")
    made.learners.add(make_learner("ada"))
    return made


def make_run(cohort: Cohort, **fields: Any) -> Submission:
    return make_submission(
        learner=cohort.learners.get(), **{"status": "finished", "outcome": "ok", "is_checked": True, **fields}
    )


def as_learner(cohort: Cohort, name: str, *args: Any) -> str:
    return _page(cohort.learners.get(), name, *args)


def as_instructor(cohort: Cohort, name: str, *args: Any) -> str:
    return _page(cohort.instructors.get(), name, cohort.pk, *args)


def _page(reader: Any, name: str, *args: Any) -> str:
    client = Client()
    client.force_login(reader)
    answer = client.get(reverse(name, args=args))
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_page_of_a_run_tells_what_came_of_its_checks(cohort: Cohort) -> None:
    exercise = make_exercise(CODE_EXERCISE)
    run = make_run(cohort, lesson=exercise.lesson, exercise=exercise, checks=CHECKS, passed=False)

    pages = [as_learner(cohort, "submission", run.pk), as_instructor(cohort, "class-run", run.pk)]

    for page in pages:
        assert f'<a href="{exercise.get_absolute_url()}">Greet</a>' in page
        assert "1 of 3 checks passed" in page
        assert page.index("Works with other names") < page.index("Says <code"), "the failed one first"
        assert "That is too short." in page
        assert "Checked with values that are not shown." in page
        assert "checks not passed" in page
        assert "outcome-ok" not in page


def test_an_answer_to_a_question_is_called_so_and_is_no_program_that_ran(cohort: Cohort) -> None:
    question = make_exercise(QUESTION)
    fields = {"lesson": question.lesson, "exercise": question}
    wrong = make_run(cohort, **fields, passed=False)
    make_run(cohort, **fields, passed=True)
    program = make_run(cohort, lesson=question.lesson, is_checked=False)

    own, taught = as_learner(cohort, "submissions"), as_instructor(cohort, "class-learner", wrong.learner_id)
    for listed in (own, taught):
        assert (listed.count("wrong answer"), listed.count("right answer")) == (1, 1)
        assert "checks not passed" not in listed
    page = as_learner(cohort, "submission", wrong.pk)
    for of_programs in ("printed nothing", "Put back", "Make a link", "Changed since", "Delete this run"):
        assert of_programs not in page
    assert "Changed since" not in as_learner(cohort, "submission", program.pk)
    begin_lesson(owner=Owner(wrong.learner_id), lesson=question.lesson)  # else there is nothing to show yet
    assert "ran 1 program" in " ".join(as_learner(cohort, "dashboard").split())


def test_a_run_that_passed_says_so_and_one_without_an_exercise_says_nothing(cohort: Cohort) -> None:
    exercise = make_exercise(CODE_EXERCISE)
    passed = make_run(cohort, lesson=exercise.lesson, exercise=exercise, checks=[{**CHECKS[0]}], passed=True)
    broken = make_run(cohort, exercise=exercise, status="broken", outcome="")
    merely_run = make_run(cohort, lesson=exercise.lesson, is_checked=False)

    assert "All checks passed" in as_learner(cohort, "submission", passed.pk)
    assert "Nothing was checked this time" in as_learner(cohort, "submission", broken.pk)
    assert "Exercise:" not in as_learner(cohort, "submission", merely_run.pk)
    exercise.is_retired = True
    exercise.save()
    assert exercise.get_absolute_url() not in as_learner(cohort, "submission", passed.pk)


def test_lists_of_runs_tell_verdicts_without_asking_for_each(cohort: Cohort) -> None:
    exercise = make_exercise(CODE_EXERCISE)
    lesson, ada = exercise.lesson, cohort.learners.get()

    def count() -> int:
        with CaptureQueriesContext(connection) as queries:
            lists = [as_learner(cohort, "submissions"), as_instructor(cohort, "class-learner", ada.pk)]
        for shown in lists:
            assert "checks not passed" in shown
            assert "checks passed" in shown
        return len(queries)

    for passed in (True, False):
        make_run(cohort, lesson=lesson, exercise=exercise, passed=passed)
    few = count()
    for number in range(8):
        make_run(cohort, lesson=lesson, exercise=exercise, passed=bool(number % 2))

    assert count() == few
    run = make_run(cohort, lesson=lesson, exercise=exercise, passed=False, outcome="timeout")
    assert "time limit" in as_learner(cohort, "submission", run.pk), "why it could not pass"


def test_the_page_asks_as_much_with_many_checks_as_with_one(cohort: Cohort) -> None:
    exercise = make_exercise(CODE_EXERCISE)
    counts = []
    for checks in (CHECKS[:1], CHECKS * 5):
        run = make_run(cohort, lesson=exercise.lesson, exercise=exercise, checks=checks, passed=False)
        with CaptureQueriesContext(connection) as queries:
            as_instructor(cohort, "class-run", run.pk)
        counts.append(len(queries))

    assert counts[0] == counts[1]


def test_dates_are_not_taken_for_others(cohort: Cohort) -> None:
    run = make_run(cohort)
    Submission.objects.filter(pk=run.pk).update(created_at=datetime(2026, 10, 3, 14, 30, tzinfo=UTC))

    english = as_learner(cohort, "submissions")
    with translation.override("zh-hans"):
        chinese = as_learner(cohort, "submissions")

    assert ">3 Oct 2026, 14:30:00</time>" in english
    assert ">2026年10月3日 14:30:00</time>" in chinese


def test_code_that_would_read_otherwise_than_it_runs_shows_its_marks(cohort: Cohort) -> None:
    earlier = make_run(cohort, code="print(1)")
    run = make_run(cohort, code=TROJAN, output=[["stdout", TROJAN]])
    share = share_run(submission=run, days=None)

    pages = [
        as_learner(cohort, "submission", run.pk),
        as_learner(cohort, "submissions"),
        as_instructor(cohort, "class-run", run.pk),
        as_instructor(cohort, "class-learner", run.learner_id),
        Client().get(reverse("shared", args=[share.token])).content.decode(),
        _page(cohort.learners.get(), "submission", earlier.pk),
    ]

    for page in pages[:5]:
        assert "is_admin = False #[U+202E] [U+2066]if is_admin[U+2069] [U+2066]begin" in page
    for page in pages:
        assert not {"\u202e", "\u2066", "\u2069"} & set(page)


def test_output_is_shown_as_a_terminal_would(cohort: Cohort) -> None:
    output = [["stdout", "\x1b[31mred\x1b[0m\n10%\r100%\r\nab\b\bc\x07\u2400"], ["stderr", "plain\n"]]
    run = make_run(cohort, output=output)
    plain_run = make_run(cohort, output=[["stdout", "plain\n"]])

    page = as_instructor(cohort, "class-run", run.pk)

    assert '<span class="stdout">red\n100%\nc\u2400</span><span class="stderr">plain\n</span>' in page
    assert r'<script id="printed" type="application/json">[["stdout", "\u001b[31mred' in page, (
        "for the script"
    )
    assert 'id="printed"' not in as_learner(cohort, "submission", plain_run.pk)


def test_a_flood_of_controls_is_made_plain_in_one_go() -> None:
    flood = "x" * 300_000 + "\r" + "\x1b[" * 100_000 + "\b" * 100_000

    assert len(plain(flood)) < len(flood)
