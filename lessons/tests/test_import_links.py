"""Links between a course's files, as readers follow them."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from lessons.models import Course
from lessons.resolving import CourseLinks
from lessons.tests.course_files import import_lessons, make_course, write_files

pytestmark = pytest.mark.django_db


@pytest.fixture
def course(tmp_path: Path) -> Course:
    folder = make_course(tmp_path)
    for name, language in (("ch1/一.md", "zh"), ("ch1/one.md", "en")):
        words = {"zh": ("细节", "更多 · 细节"), "en": ("Detail", "More Details!")}[language]
        path = folder / name
        addition = f'### {words[0]}\n### {words[1]}\n### {words[1]}\n<a id="Mark"></a>\n'
        path.write_text(path.read_text(encoding="utf-8") + addition, encoding="utf-8")
    write_files(folder, {"前言 一.md": "# 前言\n"})
    with (folder / "_sidebar.md").open("a", encoding="utf-8") as sidebar:
        sidebar.write("- [前言](前言%20一.md)\n")
    import_lessons(folder)
    return Course.objects.get()


@pytest.mark.parametrize(
    ("address", "url"),
    [
        ("one.md", "/en/courses/agents/first-steps/"),
        ("./one", "/en/courses/agents/first-steps/"),
        ("/ch1/one.md", "/en/courses/agents/first-steps/"),
        ("../ch1/one.md#12-Tools", "/en/courses/agents/first-steps/tools/"),
        ("one.md#_12-tools", "/en/courses/agents/first-steps/tools/"),
        ("one.md?id=12-tools", "/en/courses/agents/first-steps/tools/"),
        ("#exercises", "/en/courses/agents/first-steps/exercises/"),
        ("#detail", "/en/courses/agents/first-steps/exercises/#detail"),
        ("#more-details", "/en/courses/agents/first-steps/exercises/#more-details"),
        ("one.md#Mark", "/en/courses/agents/first-steps/exercises/#user-mark"),
        # To the file in the other language: the same lesson in the reader's.
        ("%E4%B8%80.md", "/en/courses/agents/first-steps/"),
        ("一.md#习题", "/en/courses/agents/first-steps/exercises/"),
        (
            "一.md#%E6%9B%B4%E5%A4%9A-%E7%BB%86%E8%8A%82",
            "/en/courses/agents/first-steps/exercises/#more-details",
        ),
        ("../前言%20一.md", "/en/courses/agents/前言/"),
        ("../README.md", "/en/courses/agents/"),
        ("../", "/en/courses/agents/"),
        ("one.md#nowhere", None),
        ("gone.md", None),
        ("../../etc/passwd", None),
        ("https://example.org/one.md", None),
        ("http://[", None),
    ],
)
def test_links_lead_to_lessons_in_the_readers_language(course: Course, address: str, url: str | None) -> None:
    found = CourseLinks(course, "en").for_source("ch1/one.md").link(address)

    assert (found and unquote(found)) == url


def test_links_carry_the_readers_language(course: Course) -> None:
    resolver = CourseLinks(course, "zh-hans").for_source("ch1/one.md")

    url = resolver.link("one.md#more-details")
    assert unquote(url or "") == "/zh-hans/courses/agents/first-steps/exercises/#更多-细节"


def test_many_links_cost_as_much_as_one(course: Course) -> None:
    resolver = CourseLinks(course, "en").for_source("ch1/one.md")
    with CaptureQueriesContext(connection) as queries:
        for address in ("one.md", "一.md", "../README.md", "gone.md", "../前言%20一.md") * 5:
            resolver.link(address)
            resolver.image(address)

    assert len(queries) <= 3
