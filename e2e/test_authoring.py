"""An instructor writes a lesson while its file changes, too: nobody's words are lost."""

from __future__ import annotations

import re
import uuid
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from deploy.dev.services import Site
from e2e.visitors import Visitors, account_menu, sign_up

CHAPTER = """\
# Chapter 1: Tools

About tools.

## 1.1 Hands

An agent has no hands.

## 1.2 Eyes

An agent has no eyes.
"""


@pytest.fixture
def book(site: Site, tmp_path: Path) -> Path:
    """The source of a course of its own, imported. Its name puts it behind the shipped one."""
    folder = tmp_path / f"tools-{uuid.uuid4().hex[:8]}"
    folder.mkdir()
    (folder / "_sidebar.md").write_text("- [Chapter 1: Tools](tools.md)\n", encoding="utf-8")
    (folder / "tools.md").write_text(CHAPTER, encoding="utf-8")
    site.manage("import_lessons", folder)
    return folder


def write(page: Page, words: str) -> None:
    """At the end of the text, as fingers do."""
    page.get_by_role("textbox", name="Text of the lesson, in Markdown").click()
    page.keyboard.press("Control+End")
    page.keyboard.type(words)


def test_an_instructor_writes_publishes_restores_and_settles_a_conflict(
    site: Site, book: Path, visitors: Visitors
) -> None:
    page, guest = visitors.come(), visitors.come()
    name = sign_up(page)
    site.manage("shell", "-c", MAKE_INSTRUCTOR.format(name=name))
    lesson = f"/en/courses/{book.name}/tools/hands/"
    text, published = guest.locator(".prose"), "An agent has no hands."

    # Written beside its preview, and seen in its place by nobody else.
    page.goto(lesson)
    account_menu(page, name).click()
    page.get_by_role("link", name="Edit this lesson").click()
    write(page, "It has **tools**.\n\n[more](nowhere.md)")
    preview = page.frame_locator("[data-preview-frame]")
    expect(preview.locator("strong")).to_have_text("tools")
    expect(page.locator("[data-remarks]")).to_contain_text("This link leads nowhere: nowhere.md")
    page.keyboard.press("Control+Shift+Home")
    page.keyboard.type("## 1.1 Hands\n\nAn agent has tools for hands.\n")
    expect(page.locator("[data-no-remarks]")).to_be_visible()
    page.get_by_role("button", name="Save and see it in its place").click()
    expect(page.get_by_text("You are reading a draft.")).to_be_visible()
    expect(page.locator(".prose")).to_contain_text("tools for hands")
    guest.goto(lesson)
    expect(text).to_contain_text(published)

    # Published at once, and taken back.
    page.get_by_role("link", name="Edit", exact=True).click()
    page.get_by_label("Why").fill("Hands are tools")
    page.get_by_role("button", name="Publish now").click()
    expect(page.get_by_text("Published. Readers see it now.")).to_be_visible()
    guest.reload()
    expect(text).to_contain_text("tools for hands")
    page.get_by_role("link", name="Versions").click()
    expect(page.locator(".compared ins")).to_contain_text(["tools for"])
    page.get_by_role("button", name=re.compile("Restore the version")).click()
    expect(page.get_by_text("Readers see this version again.")).to_be_visible()
    guest.reload()
    expect(text).to_contain_text(published)

    # Written again, while its file changes.
    page.get_by_role("button", name=re.compile("Restore the version")).first.click()
    changed = CHAPTER.replace("no hands", "no hands yet").replace("no eyes", "a camera")
    (book / "tools.md").write_text(changed, encoding="utf-8")
    said = site.manage("import_lessons", book)
    assert re.search(r"conflicts +1", said)
    guest.reload()
    expect(text).to_contain_text("tools for hands")
    guest.goto(lesson.replace("hands", "eyes"))
    expect(text).to_contain_text("a camera")

    page.get_by_role("link", name="Write", exact=True).click()
    page.get_by_role("link", name="Compare and decide").click()
    for words in ("An agent has no hands.", "An agent has tools for hands.", "An agent has no hands yet."):
        expect(page.locator(".three-way")).to_contain_text(words)
    both = "## 1.1 Hands\n\nAn agent has no hands yet, but tools.\n"
    page.get_by_label("Or put both together").fill(both)
    page.get_by_role("button", name="Publish this").click()
    expect(page.get_by_text("Published. Readers see it now.")).to_be_visible()
    guest.goto(lesson)
    expect(text).to_contain_text("no hands yet, but tools")
    assert "Nothing changed" in site.manage("import_lessons", book)
    page.get_by_role("link", name="Versions").click()
    expect(page.locator(".authoring-versions tbody tr")).to_have_count(5)


MAKE_INSTRUCTOR = """
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
get_user_model().objects.get(username="{name}").groups.add(Group.objects.get(name="instructors"))
"""
