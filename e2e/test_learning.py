"""The learning loop: from a guest's first failed check to a review on the next day."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import expect

from deploy.dev.services import Site
from e2e.learn_page import COURSE, LearnPage
from e2e.visitors import sign_up
from lessons.exercises import PREDICT, Definition, in_language, read_exercise

FILES = Path(__file__).parents[1] / "lessons/content/first-agents/chapter1"
LESSONS = {"1.1": "the-loop", "1.2": "a-tool", "1.3": "think-act-observe"}
# Tomorrow, as the learner's own rows see it: all of them were written a day earlier.
TOMORROW = """
from datetime import timedelta
from progress.models import ExerciseProgress
for row in ExerciseProgress.objects.filter(learner__username="{name}", rated_on__isnull=False):
    row.rated_on -= timedelta(days=1)
    row.due_on -= timedelta(days=1)
    row.save()
"""


def exercises_of(lesson: str) -> list[Definition]:
    found = [read_exercise(path.read_text(encoding="utf-8")) for path in FILES.glob("*.exercise.toml")]
    mine = [each for each in found if each.lesson == lesson and not each.optional]
    return sorted(mine, key=lambda each: each.position or 0)


def solve(learn: LearnPage, exercise: Definition) -> None:
    """Through the page: with the author's solution, or the right answer."""
    page = learn.page
    box = page.locator(f"#exercise-{exercise.id}")
    if exercise.kind == PREDICT:
        answer = in_language(exercise.answer, "en", "")
        if exercise.choices:
            box.locator(".exercise-choice", has_text=answer.split("\n")[0]).first.click()
        else:
            box.get_by_role("textbox").fill(answer)
        box.get_by_role("button", name="Answer").click()
    else:
        box.get_by_role("button", name="Work on it").click()
        learn.write(in_language(exercise.solution, "en", ""))
        page.get_by_role("button", name="Check", exact=True).click()
    expect(box.get_by_text("Solved")).to_be_visible()


def fail_and_take_a_hint(learn: LearnPage, exercise: Definition) -> None:
    page = learn.page
    page.locator(f"#exercise-{exercise.id}").get_by_role("button", name="Work on it").click()
    page.get_by_role("button", name="Check", exact=True).click()
    checks = page.get_by_role("tabpanel", name="Checks")
    expect(checks.locator(".check-mark").first).to_have_text("not yet")
    checks.get_by_role("button", name="Hint 1 of").click()
    expect(checks.locator(".exercise-hint")).to_have_count(1)


def test_a_guest_learns_signs_up_and_comes_back_tomorrow(learn: LearnPage, site: Site) -> None:
    page = learn.page
    [first, *_] = exercises_of("1.1")
    for number, slug in LESSONS.items():
        learn.open(f"{COURSE}a-program-that-decides/{slug}/")
        for exercise in exercises_of(number):
            if exercise == first:
                fail_and_take_a_hint(learn, exercise)
            solve(learn, exercise)

    page.goto("/en/dashboard/")
    expect(page.get_by_text("You are a guest")).to_be_visible()
    expect(page.get_by_text("3 of ").first).to_contain_text("lessons done")
    mastery = page.get_by_role("region", name="What you have mastered")
    expect(mastery.locator(".bar-value", has_text=re.compile("^[1-9]")).first).to_be_visible()
    step = page.locator(".next-step")
    expect(step.get_by_role("heading")).to_contain_text("Read: ")
    expect(step).to_contain_text("It comes next after")
    expect(page.get_by_role("region", name="Review today")).to_contain_text("The next review is due on")

    name = sign_up(page)
    site.manage("shell", "--verbosity", "0", "--command", TOMORROW.format(name=name))
    page.goto("/en/dashboard/")
    expect(page.get_by_text("3 of ").first).to_contain_text("lessons done")
    title = in_language(first.title, "en", "")
    reviews = page.get_by_role("region", name="Review today")
    expect(reviews).to_contain_text(title)
    expect(reviews).to_contain_text("You solved it a day ago.")

    reviews.get_by_role("listitem").filter(has_text=title).get_by_role("button", name="Do it again").click()
    expect(page.locator("[data-part=exercise]")).to_contain_text(title)
    expect(learn.editor).to_be_visible()
    starter = in_language(first.starter, "en", "").strip()
    expect(learn.editor).to_have_text(starter, use_inner_text=True)

    page.goto("/en/submissions/")
    page.locator(".history-row").last.click()
    lines = page.locator(".code-line code")
    expect(lines.first).to_be_visible()
    code = "\n".join(lines.all_inner_texts()).strip()
    page.get_by_role("button", name="Put back into the editor").click()
    expect(learn.editor).to_have_text(code, use_inner_text=True)
