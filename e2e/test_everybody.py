"""The site without a mouse, and for those who hear it instead of seeing it."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from e2e.learn_page import COURSE, LESSON, LearnPage
from e2e.visitors import Visitors, sign_up

PAGES = (
    "",
    COURSE,
    LESSON,
    "search/?q=agent",
    "accounts/login/",
    "accounts/signup/",
    "accounts/password/reset/",
)
MEMBERS_PAGES = ("submissions/", "accounts/email/", "accounts/password/change/", "accounts/logout/")

FOCUSED = """() => {
  const element = document.activeElement;
  return element.getAttribute("aria-label") ?? element.textContent.trim().replace(/\\s+/g, " ");
}"""

# --- With the keyboard alone ----------------------------------------------------------------------


def test_tab_reaches_everything_in_the_order_of_reading(learn: LearnPage) -> None:
    reached = []
    while "Height of the editor" not in reached and len(reached) < 60:
        learn.page.keyboard.press("Tab")
        reached.append(learn.page.evaluate(FOCUSED))

    wanted = [
        *("Skip to the content", "HelloAgents", "Switch between light and dark", "Sign in"),
        *("Run", "Open in editor", "Copy", "Width of the lesson", "Run", "Stop"),
        *(
            "Back to the starter code",
            "Keys",
            "Code editor. Escape, then Tab leaves it.",
            "Height of the editor",
        ),
    ]
    assert [name for name in reached if name in wanted] == wanted


def test_what_has_the_focus_is_seen_to_have_it(learn: LearnPage) -> None:
    outline = "() => { const style = getComputedStyle(document.activeElement); return style.outlineStyle; }"
    learn.page.keyboard.press("Tab")
    learn.page.keyboard.press("Tab")

    assert learn.page.evaluate(outline) != "none"


def test_tab_leaves_the_editor_until_typing_starts(learn: LearnPage) -> None:
    learn.editor.focus()
    before = learn.code()
    learn.page.keyboard.press("Tab")

    expect(learn.editor).not_to_be_focused()
    assert learn.code() == before


def test_while_typing_tab_indents_and_escape_lets_it_leave(learn: LearnPage) -> None:
    learn.write("")
    learn.editor.focus()
    learn.page.keyboard.type("if True:")
    learn.page.keyboard.press("Enter")
    learn.page.keyboard.type("x = 1")
    learn.page.keyboard.press("Home")
    learn.page.keyboard.press("Tab")
    assert learn.code() == "if True:\n        x = 1"
    learn.page.keyboard.press("Escape")
    learn.page.keyboard.press("Tab")

    expect(learn.editor).not_to_be_focused()
    assert learn.code() == "if True:\n        x = 1"


def test_a_program_is_written_run_and_answered_without_a_mouse(learn: LearnPage) -> None:
    learn.editor.focus()
    keyboard = learn.page.keyboard
    keyboard.press("Control+a")
    keyboard.type("print(input())")
    keyboard.press("Control+Enter")
    expect(learn.answer_field).to_be_focused()
    keyboard.type("heard")
    keyboard.press("Enter")

    learn.expect_output("heard\nheard\n")


def test_a_question_mark_shows_the_keys_and_gives_the_focus_back(learn: LearnPage) -> None:
    learn.run_button.focus()
    learn.page.keyboard.press("?")
    keys = learn.page.get_by_role("dialog", name="Keys")
    expect(keys).to_be_visible()
    # No key is drawn over what it is for.
    assert keys.locator("dl > div").evaluate_all(
        "rows => rows.every(row => row.querySelector('kbd:last-of-type').getBoundingClientRect().right"
        " <= row.querySelector('dd').getBoundingClientRect().left)"
    )
    learn.page.keyboard.press("Escape")

    expect(keys).to_be_hidden()
    expect(learn.run_button).to_be_focused()


def test_a_question_mark_in_the_editor_is_a_question_mark(learn: LearnPage) -> None:
    learn.write("")
    learn.editor.focus()
    learn.page.keyboard.type("# why?")

    assert learn.code() == "# why?"
    expect(learn.page.get_by_role("dialog", name="Keys")).to_be_hidden()


def test_the_panes_are_moved_by_arrow_keys_and_stay(learn: LearnPage) -> None:
    divider = learn.page.get_by_role("separator", name="Width of the lesson")
    divider.focus()
    learn.page.keyboard.press("ArrowLeft")
    learn.page.keyboard.press("ArrowLeft")
    moved = divider.get_attribute("aria-valuenow")
    assert moved is not None
    assert int(moved) < 50
    learn.page.reload()

    expect(divider).to_have_attribute("aria-valuenow", moved)


# --- By ear ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_serious_stands_in_anybodys_way(visitors: Visitors, scheme: str) -> None:
    page = visitors.come(color_scheme=scheme)
    findings = [finding for path in PAGES for finding in look_at(page, path)]
    learn = LearnPage(page).open()
    learn.run("print('\\033[33mcolour\\033[0m')\nprint(missing)")
    learn.expect_outcome("NameError: name 'missing' is not defined")
    findings += serious(page)
    learn.run("input('? ')")
    expect(learn.answer_field).to_be_visible()
    findings += serious(page)

    assert findings == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nor_in_a_members_way(visitors: Visitors, scheme: str) -> None:
    page = visitors.come(color_scheme=scheme)
    sign_up(page)
    learn = LearnPage(page).open()
    for text in ("one", "two"):
        learn.run(f"print('{text}')\nraise ValueError('{text}')")
        learn.expect_outcome(f"ValueError: {text}")
    findings = [finding for path in MEMBERS_PAGES for finding in look_at(page, path)]
    page.goto("/en/submissions/")
    page.locator("#submission-list").get_by_role("link").first.click()
    findings += serious(page)

    assert findings == []


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_nor_on_a_phone(phone: Page, language: str) -> None:
    findings = [finding for path in PAGES for finding in look_at(phone, path, language)]
    phone.goto(f"/{language}/{LESSON}")
    phone.locator("button[data-pane=code]").tap()
    findings += serious(phone)

    assert findings == []


def look_at(page: Page, path: str, language: str = "en") -> list[str]:
    page.goto(f"/{language}/{path}")
    return serious(page)


def serious(page: Page) -> list[str]:
    """What axe calls serious or critical, as "page: rule: element"."""
    violations = Axe().run(page).response["violations"]
    return [
        f"{page.url}: {violation['id']}: {node['html'][:200]}"
        for violation in violations
        if violation["impact"] in ("serious", "critical")
        for node in violation["nodes"]
    ]
