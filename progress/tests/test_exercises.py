"""Exercises through the front door: shown, checked, helped with, answered, and compared with the solution."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from helloagents.tests.api_site import make_course
from lessons.models import Exercise, Lesson
from progress import tasks
from progress.guests import adopt_work_of_guest
from progress.models import Draft, HintTaken, LessonProgress, Submission
from progress.tests.makers import CODE_EXERCISE, QUESTION, FakePool, make_exercise, make_learner, make_result
from sandbox.errors import ContainerLost
from sandbox.execution import Outcome

pytestmark = pytest.mark.django_db(transaction=True)

Answers = Callable[..., FakePool]


@pytest.fixture
def exercise(settings: Any) -> Exercise:
    settings.GUESTS_MAY_RUN_CODE = True
    make_course()
    return make_exercise(CODE_EXERCISE, lesson=Lesson.objects.get(slug="names"))


def post(client: Client, url: str, **body: Any) -> Any:
    return client.post(url, json.dumps(body), content_type="application/json")


def check(client: Client, exercise: Exercise, code: str, **more: Any) -> Any:
    return post(client, reverse("runs"), code=code, exercise=exercise.pk, **{"check": True, **more}).json()


LOOP = "for name in ['Hello']:\n    print(name)\n"


def test_the_lesson_shows_what_there_is_to_do_and_nothing_that_gives_it_away(
    client: Client, exercise: Exercise
) -> None:
    with CaptureQueriesContext(
        connection,
    ) as one:
        page = client.get(exercise.lesson.get_absolute_url()).content.decode()
    for number in range(5):
        make_exercise(CODE_EXERCISE.replace("greet", f"greet-{number}"), lesson=exercise.lesson)
    make_exercise(QUESTION, lesson=exercise.lesson)
    client.get(exercise.lesson.get_absolute_url())  # what is kept of texts is made
    with CaptureQueriesContext(connection) as many:
        question = client.get(exercise.lesson.get_absolute_url()).content.decode()

    assert "Say <code>Hello</code>" in page
    assert "print(&#x27;Hi&#x27;)" in page, "the starter"
    assert "data-solved" not in page
    for secret in ("THE-SOLUTION", "-HINT", "A loop is missing", "too short", "EXPLAINED"):
        assert secret not in page + question
    assert len(many) <= len(one) + 1, [query["sql"] for query in many.captured_queries]
    api = client.get(f"/api/v1/lessons/course:{exercise.lesson.number}").json()["exercises"]
    assert [(each["id"], each["kind"], each["starter"]) for each in api[:1]] == [
        ("greet", "code", "print('Hi')")
    ]
    assert "THE-SOLUTION" not in str(api)


def test_a_check_is_judged_kept_and_counted(
    client: Client, exercise: Exercise, pool_answers: Answers
) -> None:
    pool = pool_answers(
        make_result(stdout="Hi\n"), make_result(stdout="Hello\n"), make_result(stdout="Hello\n")
    )

    failed = check(client, exercise, "print('Hi')")

    assert (failed["passed"], failed["outcome"]) == (False, "ok")
    first, second = failed["checks"]
    assert (first["passed"], first["expected"], first["actual"]) == (False, "Hello", "Hi\n")
    assert first["mistake"] == {"number": 1, "message": "That is too short."}
    assert (second["expected"], second["actual"], second["message"]) == (None, None, "A loop is missing.")
    assert client.get(failed["url"]).json() == failed

    assert check(client, exercise, "print('Hello')")["passed"] is False
    solution = reverse("exercise-solution", args=[exercise.pk])
    assert client.get(solution).status_code == 404, "not before it is solved"
    solved = check(client, exercise, LOOP)

    assert (solved["passed"], [each["passed"] for each in solved["checks"]]) == (True, [True, True])
    assert [request.timeout for request in pool.requests] == [10, 10, 10]
    assert "data-solved" in client.get(exercise.lesson.get_absolute_url()).content.decode()
    assert LessonProgress.objects.filter(lesson=exercise.lesson).exists()
    shown = client.get(solution, headers={"HX-Request": "true"}).content.decode()
    assert "+    print(name)  # THE-SOLUTION" in shown
    assert "<html" not in shown
    assert "<html" in client.get(solution).content.decode()


def test_a_run_of_an_exercise_need_not_be_judged(
    client: Client, exercise: Exercise, pool_answers: Answers
) -> None:
    pool_answers(make_result(stdout="Hi\n"))

    run = check(client, exercise, "print('Hi')", check=False)

    assert (run["passed"], run["checks"], run["exercise"]) == (None, [], exercise.pk)


def test_a_program_of_any_depth_is_judged(client: Client, exercise: Exercise, pool_answers: Answers) -> None:
    Exercise.objects.update(text=exercise.text.replace('code.uses = "for"', 'code = { calls = ["print"] }'))
    pool_answers(make_result(stdout="Hello\n"))

    run = check(client, exercise, "if 0:\n    a" + ".b" * 2000 + "()")

    assert (run["status"], run["passed"]) == ("finished", False)


def test_a_fault_in_judging_leaves_no_run_open(
    client: Client, exercise: Exercise, pool_answers: Answers, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: Any, **told: Any) -> Any:
        raise LookupError("a bug")

    pool_answers(make_result(), make_result())
    monkeypatch.setattr(tasks, "judge", fail)

    run = check(client, exercise, LOOP)

    assert (run["status"], run["passed"]) == ("broken", None)
    assert Submission.objects.get().attempts == 2


def test_a_program_that_fails_is_told_so_and_no_check_is_come_to(
    client: Client, exercise: Exercise, pool_answers: Answers
) -> None:
    pool_answers(make_result(outcome=Outcome.TIMEOUT, stdout=""))

    run = check(client, exercise, "while True: pass", language_version="zh-hans")

    assert [(each["number"], each["passed"]) for each in run["checks"]] == [(0, False), (1, None), (2, None)]
    assert run["checks"][0]["message"] == "程序运行的时间太长。"


def test_a_fault_of_the_platform_is_no_failed_attempt(
    client: Client, exercise: Exercise, pool_answers: Answers
) -> None:
    Exercise.objects.update(text=exercise.text.replace("[[hint]]", VALUE_CHECK + "[[hint]]", 1))
    pool_answers(
        make_result(stdout="Hello\n"),
        ContainerLost("gone"),
        make_result(stdout="Hello\n"),
        ContainerLost("gone"),
    )

    run = check(client, exercise, LOOP)

    assert (run["status"], run["passed"], run["checks"]) == ("broken", None, [])
    assert Submission.objects.get().faults == 1, "it was tried once more"


def test_checks_that_take_too_long_together_end_in_a_verdict(
    client: Client, exercise: Exercise, pool_answers: Answers, settings: Any
) -> None:
    settings.RUN_CHECKS_SECONDS = -1
    Exercise.objects.update(text=exercise.text.replace("[[hint]]", VALUE_CHECK + "[[hint]]", 1))
    pool = pool_answers(make_result(stdout="Hello\n"))

    run = check(client, exercise, LOOP)

    assert (run["status"], run["passed"]) == ("finished", False)
    assert [each["passed"] for each in run["checks"]] == [True, True, False]
    assert len(pool.requests) == 1, "nothing more was run"


VALUE_CHECK = """[[check]]
name = "Keeps the name"
value = "name"
equals = "Hello"

"""


def test_hints_come_one_by_one_and_go_along_into_the_account(client: Client, exercise: Exercise) -> None:
    url = reverse("exercise-hint", args=[exercise.pk])

    first, second = post(client, url).json(), post(client, url).json()

    assert (first["number"], first["count"], first["line_contains"]) == (1, 2, "print(")
    assert "FIRST-HINT" in first["html"]
    assert "SECOND-HINT" in second["html"]
    assert post(client, url).status_code == 409
    page = client.get(exercise.lesson.get_absolute_url()).content.decode()
    assert page.index("FIRST-HINT") < page.index("SECOND-HINT")
    assert "FIRST-HINT" not in Client().get(exercise.lesson.get_absolute_url()).content.decode()

    learner = make_learner()
    HintTaken.objects.create(learner=learner, exercise=exercise, number=1)
    adopt_work_of_guest(guest_key=client.session["guest_key"], learner=learner)

    assert list(HintTaken.objects.values_list("learner", "number")) == [(learner.pk, 1), (learner.pk, 2)]


def test_a_question_is_answered_without_running_and_then_explained(
    client: Client, exercise: Exercise
) -> None:
    question = make_exercise(QUESTION, lesson=exercise.lesson)
    url = reverse("exercise-answer", args=[question.pk])

    wrong, right = (post(client, url, answer=answer).json() for answer in ("11", "2\n"))

    assert (wrong["passed"], right["passed"]) == (False, True)
    for told in (wrong, right):
        assert "<code>EXPLAINED</code>" in told["html"]
    kept = Submission.objects.get(pk=right["id"])
    assert (kept.code, kept.passed, kept.exercise) == ("print(1 + 1)", True, question)
    assert post(client, reverse("exercise-answer", args=[exercise.pk]), answer="2").status_code == 404
    assert post(client, reverse("runs"), code="x", exercise=question.pk).status_code == 404


def test_an_exercise_has_a_draft_of_its_own(client: Client, exercise: Exercise) -> None:
    client.force_login(make_learner())
    url = reverse("draft", args=[exercise.lesson_id])

    for address, code in ((url, "of the lesson"), (f"{url}?exercise={exercise.pk}", "of the exercise")):
        body = {"code": code, "revision": 0}
        assert client.put(address, json.dumps(body), content_type="application/json").status_code == 200

    assert client.get(url).json()["code"] == "of the lesson"
    assert client.get(f"{url}?exercise={exercise.pk}").json()["code"] == "of the exercise"
    assert Draft.objects.count() == 2
    elsewhere = make_exercise(QUESTION, lesson=Lesson.objects.get(slug="greeting"))
    for bad in (elsewhere.pk, "x", 0):
        assert client.get(f"{url}?exercise={bad}").status_code == 404


def test_the_api_checks_too(client: Client, exercise: Exercise, pool_answers: Answers) -> None:
    pool_answers(make_result(stdout="Hello\n"), make_result(stdout="Hello\n"))

    told = post(client, "/api/v1/code/execute", code=LOOP, exercise="greet").json()
    run = post(client, "/api/v1/runs", code="print('Hello')", exercise="course:greet").json()

    assert (told["exercise"], told["passed"], len(told["checks"])) == ("greet", True, 2)
    assert client.get(run["url"]).json()["passed"] is False
    assert post(client, "/api/v1/runs", code="x", exercise="nothing").status_code == 404
