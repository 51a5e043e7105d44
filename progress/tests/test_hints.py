"""Hints at the cursor, through the front door; the model is a real HTTP server."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from lessons.models import Lesson
from lessons.search import reindex
from progress.models import ExerciseProgress, HintTaken
from progress.tests.makers import make_exercise
from tutor.models import ModelCall
from tutor.tests.conftest import _fresh  # noqa: F401 - no provider but the test's own, no budget
from tutor.tests.makers import answers, fails, fake_provider, make_learner, make_lesson

pytestmark = pytest.mark.django_db

EXERCISE = (
    """
id = "average"
lesson = "1"
concepts = ["lists"]
title = "Average"
prompt = "Write it."
starter = "def average(text):\\n    ..."
solution = """
    + "'''"
    + """
def average(text):
    numbers = [float(part) for part in text.split(",")]
    return round(sum(numbers) / len(numbers), 2)
"""
    + "'''"
    + """

[[check]]
name = "mean"
value = "average('1,3')"
equals = 2.0

[[hint]]
text = { en = "Look at what split gives.", zh-hans = "看看 split 返回什么。" }
"""
)
CODE = "def average(text):\n    parts = text.split(',')\n    return parts\n"
SOLUTION = "numbers = [float(part) for part in text.split(',')]\nreturn round(sum(numbers) / len(numbers), 2)"


@pytest.fixture
def lesson() -> Lesson:
    lesson = make_lesson()
    text = lesson.texts.get()
    text.markdown = "# Greeting\n\n## Return values\n\nA function gives something back with return.\n"
    text.save()
    reindex(text)
    lesson.course.concepts = {"lists": {"en": "Lists"}}
    lesson.course.save()
    return lesson


def ask(client: Client, **body: Any) -> dict[str, Any]:
    answer = client.post(
        "/api/v1/code/hint",
        {"code": CODE, "cursor_line": 3, "lesson_id": "1", **body},
        content_type="application/json",
    )
    assert answer.status_code == 200, answer.content
    found: dict[str, Any] = answer.json()
    return found


def test_without_a_model_a_hint_comes_from_the_code(client: Client, lesson: Lesson) -> None:
    ladder = [ask(client, step=step) for step in (1, 2, 3, 4)]

    assert {hint["given_by"] for hint in ladder} == {"program"}
    assert ladder[0]["current_context"] == "Line 3, in average(): return parts"
    assert len({hint["hint"] for hint in ladder}) == 3
    assert ladder[2]["key_concepts"] == ["return values"]
    assert [hint["reference_code"] is None for hint in ladder] == [True, True, True, False]
    assert [hint["more"] for hint in ladder] == [True, True, True, False]
    assert ladder[2]["sections"][0]["url"] == "/en/courses/course/greeting/#return-values"
    assert ask(client, step=2) == ladder[1]
    assert ModelCall.objects.count() == 0


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("def f(x:\n    pass", "'(' was never closed"),
        ("total = 1\nprint(totl)", "Did you mean “total”?"),
        ("def f():\n    ...\n\nf()", "f() on line 1 does nothing yet"),
        ("while True:\n    pass\n", "What in the loop makes its condition false"),
        ("print(a + b)\na = b = 1", "Print a, b right before it"),
        ("def double(n):\n    return n * 2", "What goes into the function"),
        ("x = 1", "Nothing stands out on line 1"),
        ('print("hi")', "Nothing stands out on line 1"),
        ("\n\n", "Nothing stands out"),
        ("x = " + "(" * 5000, "Look closely"),
    ],
)
def test_what_the_code_itself_tells(client: Client, lesson: Lesson, code: str, said: str) -> None:
    hint = ask(client, code=code, cursor_line=1)["hint"]

    assert said in hint or "cannot read" in hint


def test_a_line_without_variables_has_a_shorter_ladder(client: Client, lesson: Lesson) -> None:
    code = "def double(n):\n    return n * 2"
    ladder = [ask(client, code=code, cursor_line=1, step=step) for step in (1, 2, 3)]

    assert len({hint["hint"] for hint in ladder}) == 2
    assert [hint["more"] for hint in ladder] == [True, True, False]
    assert ladder[2]["reference_code"]


def test_the_authors_hints_come_first(client: Client, lesson: Lesson) -> None:
    make_exercise(EXERCISE, lesson=lesson)

    first, second = ask(client, exercise="average"), ask(client, exercise="average", step=2)

    assert (first["given_by"], first["hint"]) == ("author", "Look at what split gives.")
    assert first["key_concepts"] == ["Lists"]
    assert second["given_by"] == "program"


def test_the_authors_hints_count_as_taken_as_on_the_page(client: Client, lesson: Lesson) -> None:
    exercise = make_exercise(EXERCISE, lesson=lesson)
    page, url = lesson.get_absolute_url(), reverse("exercise-hint", args=[exercise.pk])
    ask(client, exercise="average")
    assert not HintTaken.objects.exists()  # of somebody whom nothing ties to the browser

    learner = make_learner()
    client.force_login(learner)
    ask(client, exercise="average", step=2)
    assert "Look at what split gives." not in client.get(page).content.decode()
    for _ in range(2):
        ask(client, exercise="average")

    assert "Look at what split gives." in client.get(page).content.decode()
    assert client.post(url).status_code == 409
    assert [(each.learner, each.number) for each in HintTaken.objects.all()] == [(learner, 1)]
    assert ExerciseProgress.objects.get(learner=learner, exercise=exercise).hints == 1


def test_a_model_is_asked_without_the_solution_and_says_what_was_asked_for(
    client: Client, lesson: Lesson, settings: Any
) -> None:
    make_exercise(EXERCISE, lesson=lesson)
    client.force_login(make_learner())
    said = {"hint": "What type is parts?", "reference_code": "x = 1", "key_concepts": ["types", 5, "lists"]}
    with fake_provider(answers(f"Sure!\n```json\n{json.dumps(said)[:-1]},}}\n```")) as provider:
        settings.MODEL_PROVIDERS = [provider.configured()]
        hint = ask(client, step=2)

    assert (hint["given_by"], hint["model"]) == ("model", "fake")
    assert (hint["hint"], hint["reference_code"]) == ("What type is parts?", "x = 1")
    assert hint["key_concepts"] == ["types", "lists"]
    [sent] = provider.requests
    everything = json.dumps(sent)
    assert "return parts" in everything
    assert "gives something back" in everything
    assert "round(sum" not in everything
    call = ModelCall.objects.get()
    assert (call.purpose, call.lesson, call.owner) == ("hint", lesson, f"user:{call.user_id}")


def test_a_solution_is_withheld_wherever_it_stands(client: Client, lesson: Lesson, settings: Any) -> None:
    make_exercise(EXERCISE, lesson=lesson)
    client.force_login(make_learner())
    in_code: dict[str, Any] = {"hint": "Like this:", "reference_code": SOLUTION, "key_concepts": []}
    in_words: dict[str, Any] = {"hint": f"Write\n{SOLUTION}", "reference_code": None, "key_concepts": []}
    with fake_provider(answers(json.dumps(in_code)), answers(json.dumps(in_words))) as provider:
        settings.MODEL_PROVIDERS = [provider.configured()]
        first, second = ask(client), ask(client)

    assert first["reference_code"] is None
    for hint in (first, second):
        assert "round(sum" not in json.dumps(hint)
        assert "too close to the solution" in hint["hint"]


@pytest.mark.parametrize(
    ("behaviour", "code"),
    [
        (answers("I would rather talk."), "unreadable_answer"),
        (answers('{"hint": 5}'), "unreadable_answer"),
        (answers(""), "unreadable_answer"),
        (fails(401), "provider_refused_key"),
    ],
)
def test_where_the_model_fails_the_code_still_gives_a_hint(
    client: Client, lesson: Lesson, settings: Any, behaviour: Any, code: str
) -> None:
    client.force_login(make_learner())
    with fake_provider(behaviour) as provider:
        settings.MODEL_PROVIDERS = [provider.configured()]
        hint = ask(client)

    assert hint["given_by"] == "program"
    assert hint["hint"]
    assert hint["trouble"]["message"]
    if behaviour is not None and code == "unreadable_answer":
        assert hint["trouble"]["code"] == code


def test_bad_requests(client: Client, lesson: Lesson) -> None:
    def status(**body: Any) -> int:
        full = {"code": CODE, "cursor_line": 1, **body}
        return client.post("/api/v1/code/hint", full, content_type="application/json").status_code

    assert status(cursor_line=0) == 400
    assert status(cursor_column=-1) == 400
    assert status(language="cobol") == 400
    assert status(code="") == 400
    assert status(code="x" * 200_000) == 413
    assert status(lesson_id="9.9") == 404
    assert status(exercise="none") == 404
    assert status(cursor_line=999_999, language="javascript", code="const x = 1;") == 200
    old = client.post("/api/hint", {"code": CODE, "cursor_line": 1}, content_type="application/json")
    assert (old.status_code, old["Deprecation"]) == (200, "true")
