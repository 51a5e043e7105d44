"""Search in a whole course written by others: the right lesson is among the first three."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from lessons.models import LessonText
from lessons.rendering import render
from lessons.search import find_sections
from lessons.search.splitting import split
from lessons.tests.course_files import import_lessons
from lessons.tests.test_import_real_course import COURSE
from lessons.tests.test_search import Nowhere

pytestmark = pytest.mark.django_db

# Query, the reader's language, and the numbers of lessons that a reader would call the right ones.
WANTED = [
    ("智能", "zh-hans", {"1", "1.1"}),
    ("ReAct", "zh-hans", {"4.2"}),
    ("ReAct", "en", {"4.2"}),
    ("思维链", "zh-hans", {"3.2"}),
    ("tool call", "en", {"7.4", "7.5"}),
    ("tool call", "zh-hans", {"7.4", "7.5"}),
    ("工具调用", "zh-hans", {"7.4", "7.5", "4.2"}),
    ("chain of thought", "en", {"3.2"}),
    ("plan and solve", "en", {"4.3"}),
    ("记忆系统", "zh-hans", {"8.2"}),
]


def test_the_right_lesson_is_among_the_first_three(
    settings: Settings, tmp_path: Path, missing: Callable[[str], NoReturn]
) -> None:
    if not COURSE.is_dir():
        missing(f"{COURSE} does not exist; set COURSE_DIR to a copy of the Hello-Agents course")
    settings.MEDIA_ROOT = tmp_path / "media"
    import_lessons(COURSE)

    for query, language, right in WANTED:
        with CaptureQueriesContext(connection) as queries:
            hits = find_sections(query, language=language, limit=20)
        assert {hit.lesson.number for hit in hits[:3]} & right, (query, [hit.section_id for hit in hits[:5]])
        assert hits[0].language == language
        assert all("<mark>" in hit.snippet_html + hit.heading_html for hit in hits[:3])
        assert len(queries) <= 7, query
    for text in LessonText.objects.filter(lesson__number__startswith="4"):
        page = render(text.markdown, resolver=Nowhere(), language=text.language)
        anchors = [piece.anchor for piece in split(text.markdown)]
        assert anchors == ["", *(heading.anchor for heading in page.headings)], text
