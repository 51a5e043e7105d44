"""The import of a whole course written by others, with all its irregularities.

The course is not part of this project: it is looked for beside it, or where COURSE_DIR says.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import NoReturn

import pytest
from django.conf import settings as django_settings
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from lessons.listings import extract
from lessons.models import Course, CourseText, Image, Lesson, LessonText
from lessons.resolving import CourseLinks
from lessons.tests.course_files import Printed, import_lessons, titles

pytestmark = pytest.mark.django_db

COURSE = Path(os.environ.get("COURSE_DIR", django_settings.BASE_DIR.parent / "shared/course/hello-agents"))


@pytest.fixture
def printed(settings: Settings, tmp_path: Path, missing: Callable[[str], NoReturn]) -> Printed:
    """What the first import of the course said."""
    if not COURSE.is_dir():
        missing(f"{COURSE} does not exist; set COURSE_DIR to a copy of the Hello-Agents course")
    settings.MEDIA_ROOT = tmp_path / "media"
    return import_lessons(COURSE, verbosity=2)


def test_everything_there_is_imported(printed: Printed) -> None:
    assert printed.counts("chapters") == {"created": 9, "skipped": 8}
    assert printed.counts("lessons") == {"created": 58}
    assert printed.counts("images") == {"created": 10}
    assert Image.objects.count() == 10
    course = Course.objects.get()
    assert (course.slug, course.default_language) == ("hello-agents", "zh-hans")
    assert set(CourseText.objects.values_list("language", "title")) == {
        ("zh-hans", "Hello-Agents"),
        ("en", "Hello-Agents"),
    }
    assert all(CourseText.objects.values_list("description", flat=True))


def test_every_lesson_has_both_languages(printed: Printed) -> None:
    lessons = Lesson.objects.prefetch_related("texts").order_by("parent__position", "position")
    for lesson in lessons:
        assert {text.language for text in lesson.texts.all()} == {"zh-hans", "en"}, lesson
    by_number: dict[str, set[str]] = {}
    for lesson in lessons:
        if re.fullmatch(r"\d+\.\d+", lesson.number):
            by_number.setdefault(lesson.number, set()).add(lesson.slug)
    assert by_number["4.2"] == {"react"}
    assert by_number["1.4"] == {"collaboration-modes-of-agent-applications", "chapter-summary"}
    chinese = LessonText.objects.filter(language="zh-hans")
    # Code is not translated: as many listings in both say that twins are twins.
    for text in chinese.select_related("lesson"):
        twin = LessonText.objects.get(lesson=text.lesson, language="en")
        assert abs(len(extract(text.markdown)) - len(extract(twin.markdown))) <= 2, text


def test_numbers_and_titles(printed: Printed) -> None:
    assert titles("en")[:3] == ["Preface", "Suggestions for Readers", "1 Introduction to Agents"]
    chapter = [title for title in titles("zh-hans") if re.match(r"4\b", title)]
    assert chapter == [
        "4 智能体经典范式构建",
        "4.1 环境准备与基础工具定义",
        "4.2 ReAct",
        "4.3 Plan-and-Solve",
        "4.4 Reflection",
        "4.5 本章小结",
    ]
    parts = LessonText.objects.filter(lesson__parent=None, language="en").order_by("lesson__position")
    assert Counter(parts.values_list("part", flat=True)) == {
        "": 1,
        "Part I: Fundamentals of Agents and Language Models": 3,
        "Part II: Building Your Large Language Model Agent": 4,
        "Part III: Advanced Knowledge Extension": 1,
    }
    assert not LessonText.objects.filter(title__regex=r"^\s*$").exists()


def test_every_sidebar_entry_is_accounted_for(printed: Printed) -> None:
    for sidebar, language in (("_sidebar.md", "zh-hans"), ("_sidebar_en.md", "en")):
        lines = (COURSE / sidebar).read_text(encoding="utf-8").splitlines()
        linked = [number for number, line in enumerate(lines, 1) if "](" in line and "README" not in line]
        missing = {
            int(match[1])
            for warning in printed.warnings
            if (
                match := re.match(
                    rf"{re.escape(sidebar)}:(\d+): links to .*, which does not exist\.", warning
                )
            )
        }
        chapters = Lesson.objects.chapters().filter(texts__language=language)
        assert len(linked) == chapters.count() + len(missing)
        assert len(missing) == 8
        assert all(re.search(r"chapter(9|1[0-6])/", lines[number - 1]) for number in missing)


def test_slices_joined_are_the_files(printed: Printed) -> None:
    files = set(LessonText.objects.values_list("source_path", flat=True))
    assert len(files) == 18
    for path in files:
        slices = LessonText.objects.filter(source_path=path).order_by("source_line")
        content = (COURSE / path).read_bytes().removeprefix(b"\xef\xbb\xbf")
        assert "".join(slices.values_list("markdown", flat=True)).encode() == content


def test_every_warning_is_one_that_is_known(printed: Printed) -> None:
    kinds = Counter(
        next((kind for kind in KNOWN if kind in warning), warning) for warning in printed.warnings
    )
    assert set(kinds) == set(KNOWN)
    assert kinds["numbers a section 1.4, as line"] == 2
    assert kinds["which is used. Make the two agree."] == 1
    assert all(re.match(r"[^:]+\.md:\d+: .+", warning) for warning in printed.warnings)


def test_missing_images_do_not_bury_the_rest(printed: Printed) -> None:
    short = import_lessons(COURSE).warnings

    assert len(printed.warnings) > 150
    assert len(short) < 50
    assert all(re.match(r"[^:]+\.md:\d+: .+", warning) for warning in short)
    assert not [warning for warning in short if len(warning) > 250]
    sidebars = [warning.startswith("_sidebar") for warning in short]
    assert sidebars.index(True) == len(short) - sum(sidebars)
    assert sum(sidebars) >= 16


KNOWN = (
    "which does not exist.",
    "of which the course folder has no file.",
    "numbers a section 1.4, as line",
    "which is used. Make the two agree.",
)


def test_the_second_import_writes_nothing(printed: Printed) -> None:
    with CaptureQueriesContext(connection) as queries:
        again = import_lessons(COURSE, prune=True, verbosity=2)

    statements = [query["sql"].split()[0] for query in queries]
    assert not {"INSERT", "UPDATE", "DELETE"} & set(statements)
    assert len(statements) < 15
    assert "Nothing changed" in again.out
    assert again.counts("lessons") == {"unchanged": 58}
    assert again.warnings == printed.warnings


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_the_link_between_chapters_leads_to_the_lesson(printed: Printed, language: str) -> None:
    source = LessonText.objects.get(language=language, lesson__number="7", lesson__parent=None).source_path
    resolver = CourseLinks(Course.objects.get(), language).for_source(source)

    url = resolver.link("../chapter6/第六章%20框架开发实践.md#习题")

    assert url == f"/{language}/courses/hello-agents/framework-development-practice/exercises/"
    assert resolver.image(
        "https://raw.githubusercontent.com/datawhalechina/Hello-Agents/main/docs/images/4-figures/4-1.png"
    )


def test_exported_it_is_what_it_was(printed: Printed, tmp_path: Path) -> None:
    out = tmp_path / "out"
    call_command("export_lessons", "hello-agents", out, stdout=StringIO())

    def contents(folder: Path) -> dict[str, bytes]:
        files = (path for path in folder.rglob("*") if path.is_file())
        return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}

    assert contents(out) == contents(COURSE)
    assert "Nothing changed" in import_lessons(out, course="hello-agents").out
