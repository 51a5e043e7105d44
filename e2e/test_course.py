"""A whole course written by others: its listings give their output in the page, in both languages.

The course is not part of this project: it is looked for beside it, or where COURSE_DIR says.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest
from playwright.sync_api import Page, expect

from deploy.dev.processes import ROOT
from deploy.dev.services import Site
from e2e.learn_page import LearnPage

COURSE = Path(os.environ.get("COURSE_DIR", ROOT.parent / "shared" / "course" / "hello-agents"))
SILENT = ""  # defines classes and texts for the listings after it

# Every Python listing of chapters 1 to 4 that needs the standard library alone and is a program: its
# index in the lesson, and how its output begins.
LESSONS: dict[str, dict[str, dict[int, str]]] = {
    "introduction-to-agents/hands-on-experience-implementing-your-first-agent-in-5-minutes/": {
        "en": {0: SILENT},
        "zh-hans": {0: SILENT},
    },
    "fundamentals-of-large-language-models/language-models-and-transformer-architecture/": {
        "en": {0: "Step 1: P(datawhale) = 2/6 = 0.333\nStep 2: P(agent|datawhale) = 2/2 = 1.000\n"},
        "zh-hans": {0: "第一步: P(datawhale) = 2/6 = 0.333\n第二步: P(agent|datawhale) = 2/2 = 1.000\n"},
    },
    "fundamentals-of-large-language-models/interacting-with-large-language-models/": {
        "en": {0: "Merge 1: ('u', 'g') -> ug\nNew vocabulary (partial): ['h ug </w>', "},
        "zh-hans": {0: "第1次合并: ('u', 'g') -> ug\n新词表（部分）: ['h ug </w>', "},
    },
    "building-classic-agent-paradigms/react/": {
        "en": {1: SILENT, 3: SILENT},
        "zh-hans": {1: SILENT, 3: SILENT},
    },
    "building-classic-agent-paradigms/plan-and-solve/": {
        "en": dict.fromkeys(range(5), SILENT),
        "zh-hans": dict.fromkeys(range(5), SILENT),
    },
    "building-classic-agent-paradigms/reflection/": {
        "en": dict.fromkeys(range(5), SILENT),
        "zh-hans": dict.fromkeys(range(5), SILENT),
    },
}
ELIZA = "history-of-agents/building-rule-based-chatbots/"


@pytest.fixture(scope="module")
def course(site: Site, missing: Callable[[str], NoReturn]) -> str:
    """The course on the site: the beginning of its pages' addresses."""
    if not COURSE.is_dir():
        missing(f"{COURSE} does not exist; set COURSE_DIR to a copy of the Hello-Agents course")
    site.manage("import_lessons", COURSE)
    return "courses/hello-agents/"


@pytest.mark.parametrize("language", ["en", "zh-hans"])
@pytest.mark.parametrize("lesson", LESSONS)
def test_the_listings_give_their_output(page: Page, course: str, lesson: str, language: str) -> None:
    learn = LearnPage(page).open(course + lesson, language=language)
    for index, beginning in LESSONS[lesson][language].items():
        learn.listing(index).locator("[data-listing-action=run]").click()

        expect(learn.output).to_have_attribute("data-look", "ok")
        printed = learn.transcript.text_content() or ""
        assert (printed == SILENT) == (beginning == SILENT)
        assert printed.startswith(beginning)


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_eliza_listens(page: Page, course: str, language: str) -> None:
    learn = LearnPage(page).open(course + ELIZA, language=language)
    learn.listing(0).locator("[data-listing-action=run]").click()
    learn.answer("I need a holiday")
    expect(learn.transcript).to_contain_text("a holiday?")
    learn.answer("quit")

    expect(learn.output).to_have_attribute("data-look", "ok")
    expect(learn.transcript).to_contain_text("Goodbye.")


def test_what_a_listing_needs_and_has_not_is_told(page: Page, course: str) -> None:
    """Packages and the network are not in the sandbox yet: the reader learns which one is missing."""
    learn = LearnPage(page).open(f"{course}building-classic-agent-paradigms/react/")
    learn.listing(0).get_by_role("button", name="Run").click()

    learn.expect_outcome("This listing needs the package serpapi, which is not here")


def test_no_page_of_a_chapter_is_wider_than_a_phone(phone: Page, course: str) -> None:
    for path in (course, f"{course}fundamentals-of-large-language-models/", *(course + at for at in LESSONS)):
        phone.goto(f"/zh-hans/{path}")
        assert phone.evaluate("() => document.scrollingElement.scrollWidth - innerWidth") <= 0, path
