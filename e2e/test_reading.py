"""A visitor finds a lesson and reads it: in both languages, by day and by night, on a phone."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from e2e.learn_page import COURSE, LESSON, LearnPage
from e2e.visitors import Visitors

PAGES = ("", COURSE, f"{COURSE}a-program-that-decides/", LESSON, "accounts/login/", "accounts/signup/")
LANGUAGES = ("en", "zh-hans")

BACKGROUND = "() => getComputedStyle(document.body).backgroundColor"


def test_one_click_leads_to_the_first_lesson(page: Page) -> None:
    page.goto("/")
    page.get_by_role("link", name="Start the first lesson").click()

    expect(page.get_by_role("heading", level=1)).to_contain_text("The loop")
    expect(page.get_by_text("Listing 1", exact=True)).to_be_visible()


def test_the_browsers_language_decides_first(visitors: Visitors) -> None:
    page = visitors.come(locale="zh-CN")
    page.goto("/")

    expect(page).to_have_url("/zh-hans/")
    expect(page.locator("html")).to_have_attribute("lang", "zh-hans")


def test_the_language_changes_where_one_reads(page: Page) -> None:
    learn = LearnPage(page).open()
    learn.write("print('kept')")
    page.get_by_role("navigation", name="Language").get_by_role("link").click()

    expect(page).to_have_url(f"/zh-hans/{LESSON}")
    expect(page.locator("html")).to_have_attribute("lang", "zh-hans")
    expect(page.get_by_role("heading", level=1)).to_have_text("1.1 循环")
    expect(learn.run_button).to_have_text("运行")
    expect(page.locator(".cm-content")).to_contain_text("print('kept')")
    page.goto("/")
    expect(page).to_have_url("/zh-hans/")


def test_lessons_lead_on_and_back(page: Page) -> None:
    LearnPage(page).open()
    page.get_by_role("link", name="Next").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("1.2 A tool")
    page.get_by_role("link", name="Previous").click()

    expect(page).to_have_url(f"/en/{LESSON}")


@pytest.mark.parametrize("path", ["", LESSON])
def test_light_and_dark_are_chosen_and_remembered(page: Page, path: str) -> None:
    page.goto(f"/en/{path}")
    light = page.evaluate(BACKGROUND)
    page.get_by_role("button", name="Switch between light and dark").click()
    page.wait_for_function(f"light => ({BACKGROUND})() !== light", arg=light)
    page.reload()
    assert page.evaluate(BACKGROUND) != light
    page.get_by_role("button", name="Switch between light and dark").click()

    page.wait_for_function(f"light => ({BACKGROUND})() === light", arg=light)


def test_the_systems_dark_is_followed(visitors: Visitors) -> None:
    shades = []
    for scheme in ("light", "dark"):
        page = visitors.come(color_scheme=scheme)
        page.goto("/en/")
        shades.append(page.evaluate(BACKGROUND))

    assert shades[0] != shades[1]


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_page_has_an_error_or_asks_another_site(visitors: Visitors, language: str) -> None:
    page = visitors.come(service_workers="allow")  # Chromium complains of one that is kept away
    messages: list[str] = []
    page.on("console", lambda message: messages.append(f"{page.url}: {message.type}: {message.text}"))
    for path in PAGES:
        answer = page.goto(f"/{language}/{path}", wait_until="networkidle")
        assert answer is not None
        assert answer.status == 200

    assert messages == []


# --- On a phone -----------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_scrolls_sideways_on_a_phone(phone: Page, language: str) -> None:
    for path in PAGES:
        phone.goto(f"/{language}/{path}")
        assert sideways(phone) <= 0, path


def test_a_phone_shows_the_lesson_or_the_code(phone: Page) -> None:
    learn = LearnPage(phone)
    phone.goto(f"/en/{LESSON}")
    read, code = (phone.get_by_role("button", name=name, exact=True) for name in ("Read", "Code"))
    expect(learn.editor).to_be_hidden()
    code.tap()
    expect(learn.editor).to_be_visible()
    expect(phone.get_by_role("heading", level=1)).to_be_hidden()
    assert sideways(phone) <= 0
    read.tap()

    expect(phone.get_by_role("heading", level=1)).to_be_visible()


def test_code_is_written_and_run_with_thumbs(phone: Page) -> None:
    learn = LearnPage(phone)
    phone.goto(f"/en/{LESSON}")
    phone.get_by_role("button", name="Code", exact=True).tap()
    learn.write("")
    learn.editor.tap()
    phone.keyboard.type("print")
    symbols = phone.get_by_role("group", name="Symbols")
    symbols.get_by_role("button", name="(", exact=True).tap()
    symbols.get_by_role("button", name='"', exact=True).tap()
    phone.keyboard.type("thumbs")
    assert learn.code() == 'print("thumbs")'
    learn.run_button.tap()

    learn.expect_outcome("Finished")
    learn.expect_output("thumbs\n")


def test_a_listing_run_on_a_phone_shows_its_output(phone: Page) -> None:
    learn = LearnPage(phone)
    phone.goto(f"/en/{LESSON}")
    learn.listing(0).get_by_role("button", name="Run").tap()

    learn.expect_outcome("Finished")
    expect(learn.transcript).to_be_in_viewport()
    expect(learn.output.get_by_text("Listing 1", exact=True)).to_be_in_viewport()


def test_a_wide_output_does_not_widen_the_phone(phone: Page) -> None:
    learn = LearnPage(phone)
    phone.goto(f"/en/{LESSON}")
    phone.get_by_role("button", name="Code", exact=True).tap()
    learn.write(f"print('{'wide ' * 100}' + 'x' * 500)")
    learn.run_button.tap()

    learn.expect_outcome("Finished")
    assert sideways(phone) <= 0


def sideways(page: Page) -> int:
    """By how many pixels the page is wider than the window."""
    wider: int = page.evaluate("() => document.scrollingElement.scrollWidth - innerWidth")
    return wider
