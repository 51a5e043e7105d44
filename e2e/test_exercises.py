"""A learner solves an exercise: fails, takes hints, passes, compares. And answers a question."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import expect

from e2e.learn_page import COURSE, LearnPage
from lessons.exercises import in_language, read_exercise

LESSON = f"{COURSE}a-program-that-decides/the-loop/"
FILES = Path(__file__).parents[1] / "lessons/content/first-agents/chapter1"
EXERCISE = read_exercise((FILES / "warm-enough.exercise.toml").read_text(encoding="utf-8"))
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
    failed = checks.locator(".check").first
    expect(failed.locator(".check-mark")).to_have_text("not yet")
    expect(failed.locator(".check-text")).to_have_text(["'done'", "'cool'"])
    expect(page.locator("[data-part=announcement]")).to_contain_text("1 of 4 checks passed")

    count = len(EXERCISE.hints)
    for number in range(1, count + 1):
        checks.get_by_role("button", name=f"Hint {number} of {count}").click()
        expect(checks.locator(".exercise-hint")).to_have_count(number)
    expect(checks.get_by_role("button", name="Hint")).to_be_hidden()

    page.reload()
    page.get_by_role("tab", name="Checks").click()
    expect(checks.locator(".exercise-hint")).to_have_count(count)
    learn.write(in_language(EXERCISE.solution, "en", ""))
    page.get_by_role("button", name="Check", exact=True).click()
    expect(checks.get_by_role("heading", name="All checks passed")).to_be_visible()
    expect(exercise.get_by_text("Solved")).to_be_visible()
    checks.get_by_role("button", name="Compare with the solution").click()
    expect(checks.get_by_text("It is the same as yours, line by line.")).to_be_visible()

    page.get_by_role("button", name="Back to the code of the lesson").click()
    assert learn.code() == before, "each has a draft of its own"
    expect(page.get_by_role("tab", name="Checks")).to_be_hidden()
    exercise.get_by_role("button", name="Work on it").click()
    assert learn.code().strip() == in_language(EXERCISE.solution, "en", "").strip()


def test_a_question_is_answered_explained_and_run(learn: LearnPage) -> None:
    page = learn.open(LESSON).page
    question = page.locator(f"#exercise-{QUESTION.id}")
    given = in_language(QUESTION.answer, "en", "")
    if QUESTION.choices:
        question.get_by_role("radio", name=given.split("\n")[0]).first.check()
    else:
        question.get_by_role("textbox").fill(given)

    question.get_by_role("button", name="Answer").click()

    expect(question.get_by_role("status")).to_contain_text("That is what it prints.")
    question.get_by_role("button", name="Run it").click()
    learn.expect_outcome("Finished")
    assert learn.transcript.inner_text().strip() == given.strip()
