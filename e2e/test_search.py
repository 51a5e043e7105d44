"""Search from every page, with the keyboard alone."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from e2e.learn_page import LearnPage


def test_a_key_a_word_and_enter_lead_to_the_heading(learn: LearnPage) -> None:
    page = learn.page

    page.keyboard.press("Control+k")
    dialog = page.get_by_role("dialog", name="Search in lessons")
    expect(dialog.get_by_role("searchbox")).to_be_focused()
    page.keyboard.type("agent")
    hits = dialog.locator("[data-hit]")
    expect(hits.first.locator("mark").first).to_be_visible()
    page.keyboard.press("ArrowDown")
    expect(hits.first).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(dialog.get_by_role("searchbox")).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/en/courses/"))
    expect(dialog).to_be_hidden()


def test_results_come_while_one_types(learn: LearnPage) -> None:
    page = learn.page
    page.goto(re.sub(r"/en/.*", "/en/search/", page.url))

    page.get_by_role("searchbox", name="Words to search for").press_sequentially("agent")

    expect(page.locator("#search-results [data-hit]").first).to_be_visible()
    expect(page).to_have_url(re.compile(r"/en/search/\?q=agent"))
