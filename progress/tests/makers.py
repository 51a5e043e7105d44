"""Rows and fakes for the tests of this app."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from django.contrib.auth import get_user_model

from lessons.exercises import read_exercise
from lessons.models import Course, Exercise, Lesson, LessonText
from progress.models import Submission
from sandbox.calls import Answerer
from sandbox.control import RunControl
from sandbox.execution import Outcome, Output, RunEvent, RunRequest, RunResult, Started, Stream

LISTINGS = """# Chapter 1 Greeting

```python
def greet(name):
    return f"Hello, {name}!"
```

```python
print(greet("you"))
```
"""

PRACTICE = """
id = "{slug}"
lesson = "1"
title = "{title}"
prompt = "Do it."
concepts = ["loops"]
starter = "# begin here\\n"
solution = "print(1)"
[[check]]
name = "It prints 1"
output.equals = "1"
[[hint]]
text = "Print it."
"""


CODE_EXERCISE = """
id = "greet"
lesson = "1"
title = { en = "Greet", zh-hans = "问候" }
prompt = "Say `Hello` in a loop, or ```not```."
starter = "print('Hi')"
solution = "for name in ['Hello']:\\n    print(name)  # THE-SOLUTION\\n"

[[check]]
name = "Says `Hello`"
output.equals = "Hello"

[[check]]
name = "Does it in a loop"
hidden = true
message = "A loop is missing."
code.uses = "for"

[[hint]]
text = "FIRST-HINT: what is printed?"
line_contains = "print("

[[hint]]
text = "SECOND-HINT"

[[mistake]]
message = "That is too short."
code = "print('Hi')"
when.output_contains = "Hi"
"""
QUESTION = """
id = "sum"
lesson = "1"
kind = "predict"
title = "Sum"
prompt = "What comes?"
code = "print(1 + 1)"
answer = "2"
choices = ["2", "11"]
explanation = "Numbers are added, `EXPLAINED`."
"""


def make_learner(username: str = "ada") -> Any:
    return get_user_model().objects.create_user(username, f"{username}@example.org", "a-long-Passw0rd")


def make_lesson(*, markdown: str = LISTINGS, code_policy: str = "warn", slug: str = "greeting") -> Lesson:
    course, _ = Course.objects.get_or_create(
        slug="course", defaults={"default_language": "en", "code_policy": code_policy}
    )
    lesson = Lesson.objects.create(course=course, slug=slug, number="1", position=Lesson.objects.count())
    LessonText.objects.create(
        lesson=lesson, language="en", title="Greeting", markdown=markdown, source_path="1.md"
    )
    return lesson


def make_exercise(text: str, *, lesson: Lesson | None = None) -> Exercise:
    """An exercise as an import makes it of this file; its lesson need not be the one that the file names."""
    lesson, told = lesson or make_lesson(), read_exercise(text)
    return Exercise.objects.create(
        course=lesson.course,
        lesson=lesson,
        slug=told.id,
        position=1 + Exercise.objects.filter(lesson=lesson).count(),
        kind=told.kind,
        optional=told.optional,
        concepts=list(told.concepts),
        text=text,
        source_path=f"{told.id}.exercise.toml",
    )


def make_practice(lesson: Lesson, slug: str = "count", **fields: Any) -> Exercise:
    """An exercise that a lesson has beside others, each by its slug."""
    text = PRACTICE.format(slug=slug, title=slug.capitalize())
    known = {"position": Exercise.objects.count(), "concepts": ["loops"], "source_path": f"{slug}.toml"}
    return Exercise.objects.create(
        course=lesson.course, lesson=lesson, slug=slug, text=text, **{**known, **fields}
    )


def make_submission(**fields: Any) -> Submission:
    return Submission.objects.create(**{"code": "print('hi')", **fields})


def make_result(*, outcome: Outcome = Outcome.OK, stdout: str = "hi\n") -> RunResult:
    return RunResult(
        outcome=outcome,
        exit_code=0,
        output=(Output(Stream.STDOUT, stdout),),
        truncated=False,
        wall_time=0.002,
        cpu_time=0.001,
        peak_memory=10_000_000,
    )


class FakePool:
    """Answers each run with the next of `answers`: a result, or a fault to raise."""

    def __init__(self, *answers: RunResult | Exception) -> None:
        self._answers: Iterator[RunResult | Exception] = iter(answers)
        self.requests: list[RunRequest] = []

    def run(
        self,
        request: RunRequest,
        *,
        on_event: Callable[[RunEvent], None],
        control: RunControl,
        answer: Answerer | None = None,
    ) -> RunResult:
        self.requests.append(request)
        on_event(Started())
        outcome = next(self._answers)
        if isinstance(outcome, Exception):
            raise outcome
        for piece in outcome.output:
            on_event(piece)
        return outcome
