"""What tests of the API share: a small course, a pool that knows two programs, and a caller."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from django.test import Client

from helloagents.api import sessions
from lessons.models import Course, Lesson, LessonText
from lessons.search import reindex
from progress.tests.makers import make_result
from sandbox.execution import Outcome, Output, RunRequest, RunResult, Stream


def make_course(slug: str = "course") -> Course:
    """One chapter, "1", with one lesson, "1.1"."""
    course = Course.objects.create(slug=slug, default_language="en", position=Course.objects.count())
    chapter = Lesson.objects.create(course=course, slug="greeting", number="1", position=0)
    lesson = Lesson.objects.create(course=course, parent=chapter, slug="names", number="1.1", position=0)
    _write(chapter, "Greeting", "# Chapter 1 Greeting\n\nHow to say **hello**.\n")
    _write(lesson, "Names", "## 1.1 Names\n\n```python\nprint('Ada')\n```\n")
    return course


def _write(lesson: Lesson, title: str, markdown: str) -> None:
    text = LessonText.objects.create(
        lesson=lesson, language="en", title=title, markdown=markdown, source_path="1.md"
    )
    reindex(text)


class TwoPrograms:
    """A pool in which the program "fail" fails, and every other says hi."""

    def run(self, request: RunRequest, **_options: Any) -> RunResult:
        if request.code != "fail":
            return make_result()
        result = make_result(outcome=Outcome.FAILED, stdout="half\n")
        output = (*result.output, Output(Stream.STDERR, "Traceback: it failed\n"))
        return RunResult(**{**result.__dict__, "output": output})


class Caller:
    """A program: every call is JSON, with a token if it has one."""

    def __init__(self, token: str = "") -> None:
        self._client = Client()
        self._token = token

    @classmethod
    def of(cls, user: Any) -> Caller:
        return cls(sessions.begin(user=user).access)

    def call(self, method: str, path: str, body: Any = None, *, token: str = "", **headers: str) -> Any:
        token = token or self._token
        known: Mapping[str, str] = {"Authorization": f"Bearer {token}"} if token else {}
        data = "" if body is None else json.dumps(body)
        return self._client.generic(
            method, path, data, content_type="application/json", headers={**known, **headers}
        )
