"""Somebody makes an account, comes back to it, and finds earlier work in it."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from deploy.dev.services import Site
from e2e.learn_page import LESSON, LearnPage
from e2e.visitors import PASSWORD, Visitors, account_menu, address_of, sign_in, sign_up
from helloagents.tests.makers import code_of

# Taken together: what is above may still move them.
MIDDLES = """shown => shown.map(one => {
    const box = one.getBoundingClientRect();
    return Math.round(box.top + box.height / 2);
})"""


def test_an_account_is_made_left_and_entered_again_by_e_mail(page: Page) -> None:
    name = sign_up(page)
    account_menu(page, name).click()
    page.get_by_role("button", name="Sign out").click()
    expect(account_menu(page, name)).to_be_hidden()
    sign_in(page, address_of(name))

    expect(account_menu(page, name)).to_be_visible()


def test_a_wrong_password_is_told_and_nothing_else(page: Page) -> None:
    name = sign_up(page)
    page.context.clear_cookies()
    sign_in(page, name, password="not-the-Passw0rd")

    expect(page.get_by_role("main")).to_contain_text("not correct")
    expect(account_menu(page, name)).to_be_hidden()


def test_signing_in_leads_back_to_the_lesson(page: Page) -> None:
    name = sign_up(page)
    page.context.clear_cookies()
    learn = LearnPage(page).open()
    page.get_by_role("link", name="Sign in").click()
    page.get_by_role("textbox", name="Name or e-mail address").fill(name)
    page.get_by_role("textbox", name="Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()

    expect(page).to_have_url(f"/en/{LESSON}")
    expect(learn.editor).to_be_visible()


def test_the_link_for_the_first_administrator_works_once(site: Site, page: Page) -> None:
    link = site.manage("make_admin_link", "--site", site.url).strip()
    page.goto(link)
    page.get_by_label("Username").fill("head")
    page.get_by_label("E-mail address").fill("head@example.org")
    for field in page.get_by_label("Password").all():
        field.fill(PASSWORD)
    page.get_by_role("button", name="Make the account").click()

    expect(page).to_have_url("/admin/")
    answer = page.goto(link)
    assert answer is not None
    assert answer.status == 410


def test_earlier_runs_are_listed_compared_and_put_back(page: Page) -> None:
    name = sign_up(page)
    learn = LearnPage(page).open()
    learn.run("print('first try')")
    learn.expect_output("first try\n")
    learn.run("print('second try')")
    learn.expect_output("second try\n")
    account_menu(page, name).click()
    page.get_by_role("link", name="Your runs", exact=True).click()

    runs = page.locator("#submission-list").get_by_role("link")
    expect(runs).to_contain_text(["print('second try')", "print('first try')"])
    runs.first.click()
    changes = page.get_by_role("region", name="Changed since the run before")
    expect(changes).to_contain_text("-print('first try')")
    expect(changes).to_contain_text("+print('second try')")
    page.go_back()
    runs.last.click()
    page.get_by_role("button", name="Put back into the editor").click()
    expect(page).to_have_url(f"/en/{LESSON}")
    expect(learn.editor).to_have_text("print('first try')")


def test_a_link_to_a_run_is_copied_and_its_code_opened_by_another(page: Page, visitors: Visitors) -> None:
    sign_up(page)
    learn = LearnPage(page).open()
    learn.run("print('look at this')")
    learn.expect_output("look at this\n")
    page.goto("/en/submissions/")
    page.locator("#submission-list").get_by_role("link").click()
    page.get_by_role("button", name="Make a link").click()
    field, copy = page.get_by_label("Link", exact=True), page.get_by_role("button", name="Copy")
    beside = field.or_(copy).or_(page.get_by_role("button", name="Withdraw"))
    expect(beside).to_have_count(3)
    assert len(set(beside.evaluate_all(MIDDLES))) == 1
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    copy.click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    link = page.evaluate("navigator.clipboard.readText()")
    assert link == field.input_value()

    other = visitors.come()
    sign_up(other)
    other.goto(link)
    other.get_by_role("button", name="Open in your editor").click()
    expect(other).to_have_url(f"/en/{LESSON}")
    expect(LearnPage(other).editor).to_have_text("print('look at this')")


def test_runs_can_be_narrowed_to_an_outcome(page: Page) -> None:
    sign_up(page)
    learn = LearnPage(page).open()
    learn.run("print('good')")
    learn.expect_outcome("Finished")
    learn.run("print(bad)")
    learn.expect_outcome("NameError: name 'bad' is not defined")
    page.goto("/en/submissions/")
    page.get_by_label("Outcome").select_option("failed")

    runs = page.locator("#submission-list").get_by_role("link")
    expect(runs).to_have_count(1)
    expect(runs).to_contain_text("print(bad)")


# --- A guest's work -------------------------------------------------------------------------------


def test_what_a_guest_did_is_in_the_new_account(page: Page, visitors: Visitors) -> None:
    learn = LearnPage(page).open()
    learn.run("print('as a guest')")
    learn.expect_output("as a guest\n")
    expect(learn.draft_status).to_have_text("Saved on this device")
    with page.expect_response(lambda answer: answer.request.method == "PUT" and "/drafts/" in answer.url):
        name = sign_up(page)
    page.goto("/en/submissions/")
    expect(page.locator("#submission-list").get_by_role("link")).to_contain_text(["print('as a guest')"])

    # On another device, though the lesson was never opened again on this one.
    other = visitors.come()
    sign_in(other, name)
    expect(account_menu(other, name)).to_be_visible()
    expect(LearnPage(other).open().editor).to_contain_text("print('as a guest')")


# --- Second factors -------------------------------------------------------------------------------


def test_an_authenticator_app_is_set_up_asked_for_and_replaced_by_a_recovery_code(
    site: Site, page: Page, visitors: Visitors
) -> None:
    name = sign_up(page)
    confirm_address(site, name)
    page.goto("/en/accounts/2fa/")
    page.get_by_role("link", name="Activate").click()
    confirm_password(page)
    secret = page.get_by_label("Authenticator secret").input_value()
    page.get_by_label("Authenticator code").fill(code_of(secret))
    page.get_by_role("button", name="Activate").click()
    codes = page.get_by_label("Unused codes").input_value().split()
    assert len(codes) == 10

    other = visitors.come()
    sign_in(other, name)
    expect(other.get_by_role("heading", name="Second factor")).to_be_visible()
    expect(account_menu(other, name)).to_be_hidden()
    enter_code(other, "000000")
    expect(other.get_by_role("main")).to_contain_text("Incorrect code")
    enter_code(other, codes[0])
    expect(account_menu(other, name)).to_be_visible()


def test_a_passkey_signs_in_without_a_password(site: Site, visitors: Visitors) -> None:
    at = site.url.replace("127.0.0.1", "localhost")  # browsers bind passkeys to names
    page = visitors.come()
    give_authenticator(page)
    name = sign_up(page, site=at)
    confirm_address(site, name)
    page.goto(f"{at}/en/accounts/2fa/webauthn/add/")
    confirm_password(page)
    page.get_by_label("Passwordless").check()
    page.get_by_role("button", name="Add").click()
    page.wait_for_url("**/recovery-codes/")
    sign_out(page, name)

    page.goto(f"{at}/en/accounts/login/")
    page.get_by_role("button", name="Use a passkey").click()
    expect(account_menu(page, name)).to_be_visible()


def test_without_a_passkey_the_page_says_so(site: Site, visitors: Visitors) -> None:
    page = visitors.come()
    give_authenticator(page)
    page.goto(f"{site.url.replace('127.0.0.1', 'localhost')}/en/accounts/login/")
    page.get_by_role("button", name="Use a passkey").click()

    expect(page.get_by_role("alert")).to_contain_text("No passkey was used")


def confirm_address(site: Site, name: str) -> None:
    """As the link in the mail does, which a development site prints."""
    confirm = f"EmailAddress.objects.filter(email='{address_of(name)}').update(verified=True)"
    script = f"from allauth.account.models import EmailAddress; {confirm}"
    site.manage("shell", "--verbosity", "0", "--command", script)


def confirm_password(page: Page) -> None:
    page.get_by_role("textbox", name="Password").fill(PASSWORD)
    page.get_by_role("button", name="Confirm").click()


def enter_code(page: Page, code: str) -> None:
    page.get_by_label("Code").fill(code)
    page.get_by_role("button", name="Sign In").click()


def sign_out(page: Page, name: str) -> None:
    account_menu(page, name).click()
    page.get_by_role("button", name="Sign out").click()
    expect(account_menu(page, name)).to_be_hidden()


def give_authenticator(page: Page) -> None:
    """A device that knows its owner at once, as a phone does by a finger."""
    tools = page.context.new_cdp_session(page)
    tools.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    tools.send("WebAuthn.addVirtualAuthenticator", {"options": options})


# --- Leaving --------------------------------------------------------------------------------------


def test_whoever_leaves_takes_everything_along(page: Page) -> None:
    name = sign_up(page)
    page.goto("/en/accounts/")
    page.get_by_role("link", name="Download my data").click()
    with page.expect_download() as download:
        confirm_password(page)
    assert download.value.suggested_filename.startswith(f"helloagents-{name}-")
    expect(page.get_by_role("heading", name=f"Account of {name}")).to_be_visible()
    expect(page.get_by_role("status")).to_contain_text("Your data is being downloaded.")
    with page.expect_download():
        page.get_by_role("link", name="Download my data").click()
    page.goto("/en/accounts/erase/")
    page.get_by_label("Your password").fill(PASSWORD)
    page.get_by_role("button", name="Erase everything").click()

    expect(page.get_by_role("status")).to_contain_text("erased")
    sign_in(page, name)
    expect(page.get_by_role("main")).to_contain_text("not correct")
