"""Every page of a whole course written by others: no source shows, nothing is unsafe or dead.

The course is not part of this project: it is looked for beside it, or where COURSE_DIR says.
"""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NoReturn
from urllib.parse import unquote, urlsplit

import pytest
from django.conf import settings
from django.db import transaction
from django.test import override_settings
from django.urls import resolve
from django.utils import translation
from pytest_django import DjangoDbBlocker

from lessons.listings import Listing, assemble, extract, parses
from lessons.models import Image, Lesson, LessonText
from lessons.rendering import Rendered, render
from lessons.resolving import CourseLinks
from lessons.tests.course_files import import_lessons
from lessons.tests.pages import Node, Page, dangers, parsed

COURSE = Path(os.environ.get("COURSE_DIR", settings.BASE_DIR.parent / "shared/course/hello-agents"))

# Markdown and LaTeX that a reader must not see outside code and formulas.
LEFTOVERS = re.compile(
    r"\*\*|~~|`|\$|\]\(|!\[|\[\^|</?[a-z]+[ >]|&[a-z]+;|\|[ :]*-|\\[A-Za-z]+"
    r"|(?m:^\s{0,3}(#{1,6}|[-*+]|\d+\.|>) )"
)


@dataclass(frozen=True)
class RealPage:
    url: str
    language: str
    chapter: str
    text: str  # the lesson's Markdown
    rendered: Rendered

    @cached_property
    def tree(self) -> Page:
        return parsed(self.rendered.html)

    @property
    def name(self) -> str:
        return f"{self.language} {unquote(self.url)}"


@dataclass(frozen=True)
class Course:
    pages: tuple[RealPage, ...]  # in reading order
    images: frozenset[str]  # digests

    def listings(self, language: str) -> dict[str, list[Listing]]:
        """By chapter, in order."""
        chapters: dict[str, list[Listing]] = {}
        for page in self.pages:
            if page.language == language:
                chapters.setdefault(page.chapter, []).extend(extract(page.text))
        return chapters


@pytest.fixture(scope="module")
def course(
    django_db_setup: None,
    django_db_blocker: DjangoDbBlocker,
    tmp_path_factory: pytest.TempPathFactory,
    missing: Callable[[str], NoReturn],
) -> Course:
    """The course imported and rendered once; its rows are gone again before the first test runs."""
    if not COURSE.is_dir():
        missing(f"{COURSE} does not exist; set COURSE_DIR to a copy of the Hello-Agents course")
    media = tmp_path_factory.mktemp("media")
    with django_db_blocker.unblock(), override_settings(MEDIA_ROOT=media), transaction.atomic():
        import_lessons(COURSE)
        pages = tuple(_pages())
        images = frozenset(Image.objects.values_list("digest", flat=True))
        transaction.set_rollback(True)
    return Course(pages, images)


def _pages() -> Iterator[RealPage]:
    texts = LessonText.objects.select_related("lesson__course", "lesson__parent")
    for text in sorted(texts, key=lambda text: (text.language, text.source_path, text.source_line)):
        resolver = CourseLinks(text.lesson.course, text.language).for_source(text.source_path)
        chapter: Lesson = text.lesson.parent or text.lesson
        with translation.override(text.language):
            url = text.lesson.get_absolute_url()
        yield RealPage(
            url=url,
            language=text.language,
            chapter=chapter.number,
            text=text.markdown,
            rendered=render(text.markdown, resolver=resolver, language=text.language),
        )


def prose(node: Node) -> str:
    """The text a reader sees outside code and formulas, a line for every block."""
    if node.tag in {"pre", "code", "math", "samp", "button"}:
        return "…"
    inner = "".join(child if isinstance(child, str) else prose(child) for child in node.children)
    inline = node.tag in {"a", "b", "del", "em", "i", "span", "strong", "sub", "sup", ""}
    return inner if inline else f"\n{inner.strip()}\n"


def test_every_lesson_is_there(course: Course) -> None:
    assert len(course.pages) == 2 * (9 + 58)
    assert all(page.rendered.html for page in course.pages if len(page.text.splitlines()) > 1)


def test_no_source_is_left_over(course: Course) -> None:
    leftovers = [
        (page.name, text[max(0, match.start() - 30) : match.end() + 30])
        for page in course.pages
        for text in [prose(page.tree.root)]
        for match in LEFTOVERS.finditer(text)
    ]
    assert leftovers == []


def test_every_formula_is_drawn(course: Course) -> None:
    assert [page.rendered.math_errors for page in course.pages if page.rendered.math_errors] == []
    drawn = [node for page in course.pages for node in page.tree.select("math")]
    assert len(drawn) >= 200
    assert [node.text for node in drawn if "\\" in node.text or "&" in node.text or not node.text] == []


def test_no_page_is_unsafe(course: Course) -> None:
    for page in course.pages:
        assert dangers(page.rendered.html, listings=len(extract(page.text))) == [], page.name


def test_every_heading_of_the_text_is_in_the_page_and_has_a_title(course: Course) -> None:
    for page in course.pages:
        headings = [node for node in page.tree.nodes if re.fullmatch(r"h[1-6]", node.tag)]
        found = [(int(node.tag[1]), node.attributes["id"]) for node in headings]
        assert found == [(heading.level, heading.anchor) for heading in page.rendered.headings], page.name
        assert all(heading.title for heading in page.rendered.headings), page.name
        assert all(node.text.strip() for node in headings), page.name


def test_every_internal_link_leads_to_a_page_and_a_heading(course: Course) -> None:
    anchors = {page.url: {heading.anchor for heading in page.rendered.headings} for page in course.pages}
    seen = 0
    for page in course.pages:
        assert page.rendered.dead_links == (), page.name
        for node in page.tree.select("a"):
            address = urlsplit(node.attributes["href"])
            if address.scheme:
                assert node.attributes["target"] == "_blank", page.name
                continue
            seen += 1
            url = address.path or page.url
            if url in anchors:
                assert not address.fragment or unquote(address.fragment) in anchors[url], page.name
            else:
                with translation.override(page.language):
                    assert resolve(unquote(url)).url_name == "course", page.name
    assert seen >= 2


def test_every_figure_has_its_size_or_an_honest_stand_in(course: Course) -> None:
    figures = missing = 0
    for page in course.pages:
        tree = page.tree
        for node in tree.select("img"):
            figures += 1
            assert int(node.attributes["width"]) > 0, page.name
            assert int(node.attributes["height"]) > 0, page.name
            assert node.attributes["loading"] == "lazy"
            assert resolve(node.attributes["src"]).kwargs["digest"] in course.images, page.name
        missing += tree.count("span.missing-image")
        assert tree.count("span.missing-image") == len(page.rendered.missing_images)
        assert tree.count("img") + tree.count("span.missing-image") == page.text.count("<img "), page.name
    assert figures == 2 * len(course.images)
    assert missing > 100


def test_code_is_shown_byte_for_byte(course: Course) -> None:
    for page in course.pages:
        tree = page.tree
        shown = [
            next(pre.text for pre in tree.select("pre") if listing in pre.ancestors)
            for listing in tree.select("div.listing")
        ]
        assert shown == [listing.code for listing in extract(page.text)], page.name


def test_reading_times_are_plausible(course: Course) -> None:
    minutes = [page.rendered.reading_minutes for page in course.pages if page.language == "zh-hans"]
    assert 300 < sum(minutes) < 600
    assert max(minutes) < 45


# --- Listings ---


@pytest.mark.parametrize(("language", "count"), [("zh-hans", 144), ("en", 142)])
def test_listings_parse_alone_or_joined(course: Course, language: str, count: int) -> None:
    chapters = course.listings(language)
    assert sum(map(len, chapters.values())) == count
    broken = {
        chapter: [at for at in range(len(listings)) if not parses(assemble(listings, at).code)]
        for chapter, listings in chapters.items()
    }
    # Two of chapter 6 await at the top level, which only a notebook takes.
    assert {(chapter, len(at)) for chapter, at in broken.items() if at} == {("6", 2)}


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_what_comes_along_with_a_listing_parses(course: Course, language: str) -> None:
    for listings in course.listings(language).values():
        for at in range(len(listings)):
            program = assemble(listings, at)
            assert all(parses(text) for _, text in program.prelude)
            assert all(parses(text) for text in program.files.values())


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_listings_that_need_nothing_but_python_run(course: Course, language: str, tmp_path: Path) -> None:
    ran = 0
    for chapter in "1234":
        listings = course.listings(language)[chapter]
        for at, listing in enumerate(listings):
            program = assemble(listings, at)
            code = "\n".join([*(text for _, text in program.prelude), program.code])
            if not parses(program.code) or not _modules(code) <= set(sys.stdlib_module_names):
                continue
            ran += 1
            done = _run(program.prelude, program.code, tmp_path)
            assert done.returncode == 0, (chapter, listing.line, done.stderr)
            if listing.expected_output and "input(" not in listing.code:
                assert done.stdout.split() == listing.expected_output.split(), (chapter, listing.line)
    assert ran == 16


def _modules(code: str) -> set[str]:
    """The top-level modules the code imports."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add((node.module or "").split(".")[0])
    return names


def _run(prelude: tuple[tuple[str, str], ...], code: str, folder: Path) -> subprocess.CompletedProcess[str]:
    driver = (
        "import json\n"
        "namespace = {'__name__': '__prelude__'}\n"
        "prelude, code = json.load(open('program.json'))\n"
        "for name, text in prelude:\n"
        "    exec(compile(text, name, 'exec'), namespace)\n"
        "namespace['__name__'] = '__main__'\n"
        "exec(compile(code, 'main.py', 'exec'), namespace)\n"
    )
    (folder / "program.json").write_text(json.dumps([prelude, code]))
    return subprocess.run(
        [sys.executable, "-c", driver],
        cwd=folder,
        capture_output=True,
        text=True,
        input="I need a rest\nquit\n",
        timeout=30,
        check=False,
    )
