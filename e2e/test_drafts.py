"""What a learner writes is there again: after a reload, on another device, after a lost connection."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from e2e.learn_page import LearnPage
from e2e.visitors import Visitors, address_of, fill_sign_in, sign_in, sign_up


def test_a_reload_brings_a_guests_draft_back(learn: LearnPage) -> None:
    learn.write("print('kept')\n\n# 也保留")
    expect(learn.draft_status).to_have_text("Saved on this device")
    learn.page.reload()

    expect(learn.editor).to_contain_text("也保留")
    assert learn.code() == "print('kept')\n\n# 也保留"


def test_a_draft_is_kept_even_when_the_page_is_left_at_once(learn: LearnPage) -> None:
    learn.write("print('in a hurry')")
    learn.page.goto("/en/")
    learn.page.go_back()

    expect(learn.editor).to_contain_text("in a hurry")


def test_a_second_browser_of_the_same_learner_has_the_draft(page: Page, visitors: Visitors) -> None:
    name = sign_up(page)
    desk = LearnPage(page).open()
    desk.write("print('from the desk')")
    expect(desk.draft_status).to_have_text("Saved")

    sofa = device_of(name, visitors)

    expect(sofa.editor).to_contain_text("print('from the desk')")

    # --- At the desk the session ends; what is written on is kept there until the learner is back
    page.context.clear_cookies()
    desk.run("print('written on')")
    desk.expect_outcome("You are signed out")
    notice = page.locator("[data-part=sign-in]")
    expect(notice).to_contain_text("You are signed out")
    page.reload()
    expect(notice).to_contain_text("Sign in to go on with it.")
    notice.get_by_role("link", name="Sign in").click()
    fill_sign_in(page, address_of(name))
    expect(desk.editor).to_contain_text("print('written on')")


def test_a_guests_draft_moves_into_the_account(page: Page, visitors: Visitors) -> None:
    learn = LearnPage(page).open()
    learn.write("print('before signing up')")
    expect(learn.draft_status).to_have_text("Saved on this device")
    name = sign_up(page)
    learn.open()
    expect(learn.draft_status).to_have_text("Saved")

    expect(device_of(name, visitors).editor).to_contain_text("print('before signing up')")


def test_of_two_drafts_that_went_apart_mine_can_stay(page: Page, visitors: Visitors) -> None:
    name, desk, sofa = two_devices(page, visitors)
    write_apart(desk, sofa)
    sofa.page.get_by_role("button", name="Keep mine").click()

    expect(sofa.draft_status).to_have_text("Saved")
    assert sofa.code() == "print('sofa')"
    expect(device_of(name, visitors).editor).to_contain_text("print('sofa')")


def test_of_two_drafts_that_went_apart_theirs_can_be_taken_and_mine_undone(
    page: Page, visitors: Visitors
) -> None:
    _, desk, sofa = two_devices(page, visitors)
    write_apart(desk, sofa)
    sofa.page.get_by_role("button", name="Use theirs").click()

    expect(sofa.editor).to_contain_text("print('desk')")
    sofa.editor.press("Control+z")
    expect(sofa.editor).to_contain_text("print('sofa')")


def test_without_a_connection_typing_goes_on_and_is_saved_later(page: Page, visitors: Visitors) -> None:
    name = sign_up(page)
    learn = LearnPage(page).open()
    page.context.set_offline(True)
    learn.write("print('in a tunnel')")
    expect(learn.draft_status).to_have_text("Offline, kept on this device")
    page.context.set_offline(False)
    expect(learn.draft_status).to_have_text("Saved")

    expect(device_of(name, visitors).editor).to_contain_text("print('in a tunnel')")


def test_without_a_connection_a_run_says_so_and_can_be_repeated(learn: LearnPage) -> None:
    learn.write("print('there again')")
    learn.page.context.set_offline(True)
    learn.run_button.click()
    learn.expect_outcome("No connection")
    assert learn.code() == "print('there again')"
    learn.page.context.set_offline(False)
    learn.retry_button.click()

    learn.expect_output("there again\n")


def test_what_one_learner_writes_another_does_not_see(page: Page) -> None:
    name = sign_up(page)
    learn = LearnPage(page).open()
    learn.write("print('private')")
    expect(learn.draft_status).to_have_text("Saved")
    page.get_by_role("button", name=f"Account of {name}").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("banner").get_by_role("link", name="Sign in")).to_be_visible()
    sign_up(page)
    learn.open()

    expect(learn.editor).not_to_contain_text("private")


def device_of(name: str, visitors: Visitors) -> LearnPage:
    """Another browser, the learner signed in, at the same lesson."""
    page = visitors.come()
    sign_in(page, address_of(name))
    expect(page.get_by_role("button", name=f"Account of {name}")).to_be_visible()
    return LearnPage(page).open()


def two_devices(page: Page, visitors: Visitors) -> tuple[str, LearnPage, LearnPage]:
    name = sign_up(page)
    desk = LearnPage(page).open()
    desk.write("print('both')")
    expect(desk.draft_status).to_have_text("Saved")
    sofa = device_of(name, visitors)
    expect(sofa.draft_status).to_have_text("Saved")
    return name, desk, sofa


def write_apart(desk: LearnPage, sofa: LearnPage) -> None:
    """The desk's draft reaches the server while the sofa writes its own from the same beginning."""
    desk.write("print('desk')")
    expect(desk.draft_status).to_have_text("Saved")
    sofa.write("print('sofa')")
    expect(sofa.page.get_by_role("alert")).to_contain_text("This code was changed on another device.")
    assert sofa.code() == "print('sofa')"
