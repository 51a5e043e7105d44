"""The learn page as a learner handles it: write, run, read what came out."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Page, expect

COURSE = "courses/first-agents/"
LESSON = f"{COURSE}a-program-that-decides/the-loop/"


class LearnPage:
    """One open lesson. What to look for is named by role and label, as a screen reader names it.

    Parts that must be found in every language go by the page's data attributes.
    """

    def __init__(self, page: Page, *, site: str = "") -> None:
        """`site` is the address of another site than the one that most tests share."""
        self.page = page
        self._site = site
        self.editor = page.get_by_role("textbox", name="Code editor")
        self.run_button = page.locator("[data-part=run]")
        self.stop_button = page.locator("[data-part=stop]")
        self.draft_status = page.locator("[data-part=draft-status]")
        self.output = page.locator("[data-part=output]")
        self.outcome = self.output.locator("[data-output=title]")
        self.advice = self.output.locator("[data-output=advice]")
        self.transcript = self.output.locator("[data-output=transcript]")
        self.announcement = self.output.get_by_role("status")
        self.answer_field = self.output.get_by_role("textbox")
        self.retry_button = self.output.get_by_role("button", name="Try again")

    def open(self, path: str = LESSON, *, language: str = "en") -> LearnPage:
        self.page.goto(f"{self._site}/{language}/{path}")
        expect(self.page.locator(".cm-content")).to_be_visible()
        return self

    def write(self, code: str) -> None:
        """Replace what is in the editor, as pasting does."""
        self.editor.fill(code)

    def code(self) -> str:
        lines: list[str] = self.editor.evaluate(
            "editor => [...editor.querySelectorAll('.cm-line')].map(line => line.textContent)"
        )
        return "\n".join(lines)

    def run(self, code: str) -> None:
        self.write(code)
        self.run_button.click()

    def answer(self, line: str) -> None:
        """Type a line that the program asks for."""
        expect(self.answer_field).to_be_visible()
        self.answer_field.fill(line)
        self.answer_field.press("Enter")

    def listing(self, index: int) -> Locator:
        """Listing number `index`, from 0, in the lesson's text."""
        return self.page.locator(f"[data-listing='{index}']")

    def cursor_line(self) -> str:
        """The text of the editor's line with the cursor."""
        text: str = self.page.evaluate(
            "() => getSelection().anchorNode.parentElement.closest('.cm-line').textContent"
        )
        return text

    def expect_outcome(self, outcome: str | re.Pattern[str]) -> None:
        expect(self.outcome).to_have_text(outcome)
        # The same is said to those who do not see it.
        expect(self.announcement).to_contain_text(outcome)

    def expect_output(self, text: str) -> None:
        """What the program printed, to the letter."""
        expect(self.transcript).to_have_js_property("textContent", text)
