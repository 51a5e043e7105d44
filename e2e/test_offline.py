"""Reading without a network: what was visited is there, and nobody else's."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from e2e.learn_page import LESSON
from e2e.visitors import Visitors, account_menu, sign_up


def wait_until_kept(page: Page, path: str, kept: bool) -> None:
    """Wait until the browser has, or has not, the page of a lesson for when there is no network."""
    found = "async ([path, kept]) => !!(await caches.match(path, {ignoreVary: true})) === kept"
    page.wait_for_function(found, arg=[path, kept])


def test_a_visited_lesson_is_read_offline_until_its_reader_signs_out(visitors: Visitors) -> None:
    page = visitors.come(service_workers="allow")
    name, lesson = sign_up(page), f"/en/{LESSON}"
    page.evaluate("navigator.serviceWorker.ready.then(() => null)")
    page.wait_for_function("() => navigator.serviceWorker.controller !== null")
    page.goto(lesson)
    title = page.get_by_role("heading", level=1).inner_text()
    wait_until_kept(page, lesson, True)

    page.context.set_offline(True)
    page.goto(lesson)
    expect(page.get_by_role("heading", level=1)).to_have_text(title)
    page.goto("/en/dashboard/")
    expect(page.get_by_role("heading", name="You are offline")).to_be_visible()
    kept = page.get_by_role("region", name="Lessons you can read now").get_by_role("link")
    expect(kept).to_contain_text([title.split()[-1]])
    expect(kept).not_to_contain_text(["HelloAgents"])

    page.context.set_offline(False)
    page.goto("/en/")
    account_menu(page, name).click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("link", name="Sign in")).to_be_visible()
    wait_until_kept(page, lesson, False)
