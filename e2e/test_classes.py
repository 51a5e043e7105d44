"""An instructor finds a learner who is stuck, says something about a line, and the two talk about it."""

from __future__ import annotations

import csv
from pathlib import Path

from playwright.sync_api import Page, expect

from deploy.dev.services import Site
from e2e.learn_page import LearnPage
from e2e.test_authoring import MAKE_INSTRUCTOR
from e2e.test_everybody import serious
from e2e.visitors import Visitors, sign_up

CODE = "total = 0\nfor number in [1, 2]:\n    total += {typo}\nprint(total)"


def test_an_instructor_sees_who_is_stuck_comments_on_a_line_and_gets_a_reply(
    site: Site, visitors: Visitors
) -> None:
    teacher, learner = visitors.come(), visitors.come()
    site.manage("shell", "-c", MAKE_INSTRUCTOR.format(name=sign_up(teacher)))
    name = sign_up(learner)
    join_new_class(teacher, learner)
    lesson = LearnPage(learner).open()
    for typo in ("nmber", "numer", "numbr"):
        lesson.run(CODE.format(typo=typo))
        lesson.expect_outcome(f"NameError: name '{typo}' is not defined")

    # --- The class, and the run that its learner is stuck with
    teacher.goto("/en/classes/")
    teacher.get_by_role("link", name="Mondays", exact=True).click()
    row = teacher.get_by_role("row").filter(has_text=name)
    expect(row.locator(".heat-stuck")).to_have_text("3!")
    findings = serious(teacher)
    with teacher.expect_download() as download:
        teacher.get_by_role("link", name="CSV").click()
    assert name in [row["User name"] for row in rows_of(download.value.path())]
    teacher.get_by_role("link", name="Stuck", exact=True).click()
    row = teacher.get_by_role("row").filter(has_text=name)
    row.get_by_role("link", name="NameError").click()
    expect(teacher.get_by_role("region", name="Output")).to_contain_text("NameError")

    # --- A comment on two lines, with the keyboard
    teacher.get_by_role("link", name="Comment on line 3").press("Enter")
    box = teacher.get_by_role("textbox", name="Comment")
    expect(box).to_be_focused()
    findings += serious(teacher)
    teacher.get_by_role("textbox", name="Comment").fill(" ")
    teacher.get_by_role("button", name="Comment").click()
    expect(teacher.locator("#line-3")).to_contain_text("Write something first.")
    expect(box).to_be_focused()
    teacher.get_by_label("From line").fill("2")
    teacher.get_by_role("textbox", name="Comment").fill("Where does\n`numbr` come from?")
    teacher.get_by_role("button", name="Comment").click()
    said = teacher.locator("#line-3").get_by_role("article")
    expect(said).to_contain_text("lines 2 to 3")
    expect(said).to_be_focused()
    expect(said.locator("code")).to_have_text("numbr")

    # --- The learner hears of it, finds it at its line, and replies
    learner.goto("/en/")
    learner.get_by_role("link", name="Notifications: 1 is new").click()
    findings += serious(learner)
    learner.get_by_role("link", name="commented on line 3 of your run").click()
    line = learner.locator("#line-3")
    expect(line.get_by_role("article")).to_contain_text("Where does")
    expect(learner.get_by_role("link", name="Notifications", exact=True)).to_be_visible()
    line.get_by_role("link", name="Reply").click()
    learner.get_by_role("textbox", name="Comment").fill("From a typo!")
    line.get_by_role("button", name="Reply").click()
    expect(line.get_by_role("article")).to_have_count(2)
    findings += serious(learner)

    # --- And the instructor of that
    teacher.reload()
    expect(teacher.locator("#line-3").get_by_role("article").last).to_contain_text("From a typo!")
    assert findings == []


def join_new_class(teacher: Page, learner: Page) -> None:
    teacher.goto("/en/classes/")
    teacher.get_by_label("Name of the class").fill("Mondays")
    teacher.get_by_label("Name of the class").press("Enter")
    link = teacher.locator("#invitation, .invitation").first.input_value()
    learner.goto(link)
    learner.get_by_role("button", name="Join").click()
    expect(learner.get_by_role("main")).to_contain_text("Mondays")


def rows_of(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8-sig", newline="") as opened:
        return list(csv.DictReader(opened))
