"""A learner runs, opens and copies the listings in a lesson's text."""

from __future__ import annotations

from playwright.sync_api import expect

from e2e.learn_page import COURSE, LearnPage

TOOLS = f"{COURSE}a-program-that-decides/a-tool/"
TALK = f"{COURSE}a-program-that-decides/your-turn/"


def test_a_listing_runs_with_the_earlier_ones_of_its_chapter(learn: LearnPage) -> None:
    learn.open(TOOLS)
    learn.listing(1).get_by_role("button", name="Run").click()

    learn.expect_outcome("Finished")
    learn.expect_output("84\n10\n")
    expect(learn.output.get_by_text("Listing 2", exact=True)).to_be_visible()


def test_the_earlier_listings_may_stand_in_earlier_lessons(learn: LearnPage) -> None:
    learn.open(TALK)
    learn.listing(0).get_by_role("button", name="Run").click()
    learn.answer("How much is 6 * 7?")
    expect(learn.transcript).to_contain_text("Answer: 42")
    learn.answer("")

    learn.expect_outcome("Finished")
    expect(learn.transcript).to_contain_text("Goodbye!")


def test_running_a_listing_leaves_the_editor_alone(learn: LearnPage) -> None:
    learn.write("print('mine')")
    learn.listing(0).get_by_role("button", name="Run").click()

    learn.expect_outcome("Finished")
    expect(learn.transcript).to_contain_text("I see 18 degrees, so I choose: heat.")
    assert learn.code() == "print('mine')"


def test_a_listing_is_opened_changed_and_run(learn: LearnPage) -> None:
    learn.open(TOOLS)
    learn.listing(1).get_by_role("button", name="Open in editor").click()
    expect(learn.editor).to_be_focused()
    learn.page.keyboard.press("Control+End")
    learn.page.keyboard.type("print(calculate('2 + 3'))")
    learn.page.keyboard.press("Control+Enter")

    learn.expect_outcome("Finished")
    learn.expect_output("84\n10\n5\n")


def test_the_editor_says_when_its_code_is_the_listings_no_more(learn: LearnPage) -> None:
    learn.open(TOOLS)
    listing = learn.page.locator("[data-part=listing]")
    learn.listing(1).get_by_role("button", name="Open in editor").click()
    expect(listing).to_contain_text("Listing 2")
    expect(listing).not_to_contain_text("changed", use_inner_text=True)
    learn.write("print('mine')")
    expect(listing).to_contain_text("Listing 2 changed")
    learn.page.reload()
    expect(listing).to_contain_text("Listing 2 changed", use_inner_text=True)
    learn.editor.press("Control+a")
    learn.listing(1).get_by_role("button", name="Open in editor").click()

    expect(listing).not_to_contain_text("changed", use_inner_text=True)


def test_an_opened_listing_can_be_run_without_the_earlier_ones(learn: LearnPage) -> None:
    learn.open(TOOLS)
    learn.listing(1).get_by_role("button", name="Open in editor").click()
    learn.page.get_by_role("button", name="Run it without that code").click()
    learn.run_button.click()

    learn.expect_outcome("NameError: name 'calculate' is not defined")


def test_opening_a_listing_loses_nothing(learn: LearnPage) -> None:
    learn.open(TOOLS)
    learn.write("print('an hour of work')")
    learn.listing(0).get_by_role("button", name="Open in editor").click()
    expect(learn.editor).to_contain_text("import ast")
    learn.page.get_by_role("button", name="Undo").click()

    assert learn.code() == "print('an hour of work')"


def test_a_failing_line_of_an_opened_listing_is_found(learn: LearnPage) -> None:
    learn.open(TOOLS)
    learn.listing(1).get_by_role("button", name="Open in editor").click()
    learn.page.keyboard.press("Control+Home")
    learn.page.keyboard.insert_text("calculate('1 / 0')\n")
    learn.run_button.click()

    learn.expect_outcome("ZeroDivisionError: division by zero")
    learn.output.get_by_role("button", name="Go to line 1").click()
    assert learn.cursor_line() == "calculate('1 / 0')"


def test_a_listing_is_copied(learn: LearnPage) -> None:
    learn.open(TOOLS)
    learn.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    learn.listing(1).get_by_role("button", name="Copy").click()

    expect(learn.page.get_by_text("Copied.")).to_be_attached()
    copied = learn.page.evaluate("() => navigator.clipboard.readText()")
    assert copied == 'print(calculate("12 * (3 + 4)"))\nprint(count_letters("Hello, agent!"))\n'


def test_the_starter_code_comes_back(learn: LearnPage) -> None:
    starter = learn.code()
    learn.write("print('mine')")
    learn.page.get_by_role("button", name="Back to the starter code").click()

    assert learn.code() == starter != ""
