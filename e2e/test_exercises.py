"""A learner solves an exercise: fails, takes hints, passes, compares. And answers a question."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from deploy.dev.services import Site
from e2e.learn_page import COURSE, LearnPage
from lessons.exercises import in_language, read_exercise

LESSON = f"{COURSE}a-program-that-decides/the-loop/"
ONE_EXERCISE = f"{COURSE}a-program-that-decides/a-tool/"
FILES = Path(__file__).parents[1] / "lessons/content/first-agents/chapter1"
TEXT = (FILES / "warm-enough.exercise.toml").read_text(encoding="utf-8")
EXERCISE = read_exercise(TEXT)
AVERAGE = read_exercise((FILES / "average.exercise.toml").read_text(encoding="utf-8"))
QUESTION = read_exercise((FILES / "cold-room.exercise.toml").read_text(encoding="utf-8"))


def test_from_the_first_failure_over_hints_to_the_solution(learn: LearnPage) -> None:
    page = learn.open(LESSON).page
    before = learn.code()
    exercise = page.locator(f"#exercise-{EXERCISE.id}")
    expect(exercise.get_by_role("link", name="Compare with the solution")).to_be_hidden()
    checks = page.get_by_role("tabpanel", name="Checks")

    exercise.get_by_role("button", name="Work on it").click()
    expect(page.locator("[data-part=exercise]")).to_contain_text("A thermostat that does not fidget")
    learn.editor.press("Control+Shift+Enter")

    expect(checks.get_by_role("heading")).to_have_text("1 of 4 checks passed")
    verdict = learn.output.locator("[data-part=verdict]")
    expect(verdict).to_have_text("1 of 4 checks passed")
    expect(verdict).to_have_css("color", failed_colour(page))
    expect(learn.outcome).to_be_hidden()
    page.get_by_role("tab", name="Output").click()
    expect(learn.outcome).to_have_text("Finished")
    expect(verdict).to_be_hidden()
    page.get_by_role("tab", name="Tutor").click()
    expect(learn.outcome).to_be_hidden()
    page.get_by_role("tab", name="Checks").click()
    failed = checks.locator(".check").first
    expect(failed.locator(".check-mark")).to_have_text("not yet")
    expect(failed.locator(".check-text")).to_have_text(["'done'", "'cool'"])
    expect(page.locator("[data-part=announcement]")).to_contain_text("1 of 4 checks passed")

    count = len(EXERCISE.hints)
    for number in range(1, count + 1):
        checks.get_by_role("button", name=f"Hint {number} of {count}").click()
        expect(checks.locator(".exercise-hint")).to_have_count(number)
    expect(checks.get_by_role("button", name="Hint")).to_be_hidden()

    with page.expect_request("**/code/hint") as asked:
        learn.editor.press("Alt+Enter")
    said = asked.value.post_data_json
    assert (said["exercise"], said["step"]) == (f"first-agents:{EXERCISE.id}", count + 1)
    expect(page.locator("[data-hint=source]")).to_contain_text("without a language model")

    page.reload()
    page.get_by_role("tab", name="Checks").click()
    expect(checks.locator(".exercise-hint")).to_have_count(count)
    checks.locator(".exercise-hint").last.scroll_into_view_if_needed()
    learn.write(in_language(EXERCISE.solution, "en", ""))
    page.get_by_role("button", name="Check", exact=True).click()
    expect(checks.get_by_role("heading", name="All checks passed")).to_be_attached()
    expect(verdict).to_have_text("All checks passed")
    expect(verdict).to_be_in_viewport()
    expect(exercise.get_by_text("Solved")).to_be_visible()
    expect(page.locator("#done")).to_contain_text("1 of 2 exercises solved")
    checks.get_by_role("button", name="Compare with the solution").click()
    expect(checks.get_by_text("It is the same as yours, line by line.")).to_be_visible()

    page.get_by_role("button", name="Back to the code of the lesson").click()
    assert learn.code() == before, "each has a draft of its own"
    expect(page.get_by_role("tab", name="Checks")).to_be_hidden()
    exercise.get_by_role("button", name="Work on it").click()
    assert learn.code().strip() == in_language(EXERCISE.solution, "en", "").strip()


def failed_colour(page: Page) -> str:
    """As the first check that failed has it."""
    mark = page.locator(".check-failed .check-mark").first
    colour: str = mark.evaluate("mark => getComputedStyle(mark).color")
    return colour


def test_the_lesson_notices_that_it_is_done(learn: LearnPage) -> None:
    page = learn.open(ONE_EXERCISE).page
    done = page.locator("#done")
    expect(done).to_contain_text("0 of 1 exercise solved")
    page.get_by_role("button", name="Work on it").click()
    learn.write(in_language(AVERAGE.solution, "en", ""))
    page.get_by_role("button", name="Check", exact=True).click()

    expect(done).to_have_text("You are done with this lesson.")
    expect(page.locator(".meta .mark-done")).to_be_visible()
    expect(page.locator("#contents [aria-current=page] .mark-done")).to_have_count(1)
    checks = page.get_by_role("tabpanel", name="Checks")
    expect(checks.get_by_text("You are done with this lesson.")).to_be_in_viewport()
    following = page.locator(".pager a[rel=next]").get_attribute("href")
    checks.get_by_role("link", name="Next").click()
    expect(page).to_have_url(re.compile(f"{following}$"))


def test_both_sides_say_how_far_the_lesson_is(learn: LearnPage) -> None:
    page = learn.open(LESSON).page
    checks = page.get_by_role("tabpanel", name="Checks")
    page.locator(f"#exercise-{EXERCISE.id}").get_by_role("button", name="Work on it").click()
    learn.write(in_language(EXERCISE.solution, "en", ""))
    page.get_by_role("button", name="Check", exact=True).click()
    expect(checks.get_by_text("1 of 2 exercises solved")).to_be_visible()

    question = page.locator(f"#exercise-{QUESTION.id}")
    question.get_by_role("radio", name=in_language(QUESTION.answer, "en", "")).check()
    question.get_by_role("button", name="Answer").click()

    expect(page.locator("#done")).to_have_text("You are done with this lesson.")
    expect(checks.get_by_text("You are done with this lesson.")).to_be_visible()
    expect(checks.get_by_text("1 of 2 exercises solved")).to_have_count(0)


def test_a_hint_goes_when_its_line_does(learn: LearnPage) -> None:
    page = learn.open(LESSON).page
    hint = page.locator("[data-part=hint]")
    learn.write("print(1)\nprint(2)")

    def ask() -> None:
        learn.editor.press("Alt+Enter")
        expect(hint).to_contain_text("Line 2")

    learn.editor.press("Control+End")
    ask()
    learn.editor.press("Control+Home")
    page.keyboard.type("#")
    expect(hint).to_be_visible()
    learn.editor.press("Control+End")
    page.keyboard.type("#")
    expect(hint).to_be_hidden()

    ask()
    page.locator("[data-part=reset]").click()
    expect(hint).to_be_hidden()
    learn.write("print(1)\nprint(2)")
    learn.editor.press("Control+End")
    ask()
    page.locator(f"#exercise-{EXERCISE.id}").get_by_role("button", name="Work on it").click()
    expect(hint).to_be_hidden()


@pytest.fixture
def two_hints_only(site: Site) -> Iterator[None]:
    """The exercise as if its author had written two hints."""
    row = f"from lessons.models import Exercise as E; e = E.objects.get(slug={EXERCISE.id!r})"
    kept = "".join(re.split(r"(?=^\[\[hint\]\])", TEXT, flags=re.MULTILINE)[:3])
    mistakes = TEXT[TEXT.index("[[mistake]]") :] if "[[mistake]]" in TEXT else ""
    for text in (kept.partition("[[mistake]]")[0] + mistakes, TEXT):
        site.manage("shell", "--no-imports", "-c", f"{row}; e.text = {text!r}; e.save()")
        if text != TEXT:
            yield


@pytest.mark.usefixtures("two_hints_only")
def test_a_short_ladder_goes_on_at_the_cursor(learn: LearnPage) -> None:
    page = learn.open(LESSON).page
    checks = page.get_by_role("tabpanel", name="Checks")
    page.locator(f"#exercise-{EXERCISE.id}").get_by_role("button", name="Work on it").click()
    learn.editor.press("Control+Shift+Enter")
    checks.get_by_role("button", name="Hint 1 of 4").click()
    expect(checks.locator(".exercise-hint")).to_have_count(1)
    learn.editor.press("Alt+Enter")  # the author's come first here, too
    expect(checks.locator(".exercise-hint")).to_have_count(2)

    checks.get_by_role("button", name="Hint 3 of 4").click()
    expect(page.locator("[data-hint=source]")).to_contain_text("without a language model")
    expect(checks.locator(".exercise-hint")).to_have_count(2)


def test_a_guest_reviews_from_an_empty_draft_and_loses_nothing(learn: LearnPage) -> None:
    page = learn.open(LESSON).page
    page.locator(f"#exercise-{EXERCISE.id}").get_by_role("button", name="Work on it").click()
    starter = learn.code()
    learn.write("print('earlier')")
    expect(learn.draft_status).not_to_be_empty()

    learn.open(f"{LESSON}?again={EXERCISE.id}#exercise-{EXERCISE.id}")
    assert learn.code() == starter
    page.get_by_role("button", name="Undo").click()
    assert learn.code() == "print('earlier')"
    page.reload()
    expect(learn.editor).to_have_text("print('earlier')")
    assert "again" not in page.url


def test_a_question_is_answered_explained_and_run(learn: LearnPage) -> None:
    page = learn.open(LESSON).page
    question = page.locator(f"#exercise-{QUESTION.id}")
    count = len(QUESTION.hints)
    for number in range(1, count + 1):
        question.get_by_role("button", name=f"Hint {number} of {count}").click()
        expect(question.locator(".exercise-hint")).to_have_count(number)
    expect(question.get_by_role("button", name="Hint")).to_be_hidden()
    page.reload()
    expect(question.locator(".exercise-hint")).to_have_count(count)

    given = in_language(QUESTION.answer, "en", "")
    if QUESTION.choices:
        question.get_by_role("radio", name=given.split("\n")[0]).first.check()
    else:
        question.get_by_role("textbox").fill(given)

    question.get_by_role("button", name="Answer").click()

    expect(question.get_by_role("status")).to_contain_text("That is what it prints.")
    expect(page.locator("#done")).to_contain_text("1 of 2 exercises solved")
    question.get_by_role("button", name="Run it").click()
    learn.expect_outcome("Finished")
    assert learn.transcript.inner_text().strip() == given.strip()
