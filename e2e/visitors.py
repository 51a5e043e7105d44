"""People who visit the site: their browsers, their accounts."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, Page, Request, expect

DESKTOP = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}
# Without the service worker, which would answer for a site that a test stops. Reading offline has its test.
USUAL = {"viewport": DESKTOP, "locale": "en-GB", "service_workers": "block"}
PATIENCE = 15_000  # milliseconds; generous, so that a slow machine alone fails no test

PASSWORD = "quite-a-long-Passw0rd"
_numbers = itertools.count(1)


class Visitors:
    """Opens browsers and keeps `complaints`: errors of scripts, requests elsewhere, refused content."""

    def __init__(self, new_context: Callable[..., BrowserContext]) -> None:
        self._new_context = new_context
        self.complaints: list[str] = []

    def come(self, **settings: Any) -> Page:
        """A new browser with nothing in it: by default a desktop that prefers English."""
        page = self._new_context(**{**USUAL, **settings}).new_page()
        page.set_default_timeout(PATIENCE)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self._note_stranger(page, request))
        page.on("console", lambda message: self._note_violation(page, message.text))
        return page

    def _note_stranger(self, page: Page, request: Request) -> None:
        to = urlsplit(request.url)
        if to.scheme in ("data", "blob"):
            return
        if to.hostname not in ("127.0.0.1", "localhost"):
            self.complaints.append(f"{page.url} asked for {request.url}")

    def _note_violation(self, page: Page, text: str) -> None:
        # Filling the editor at once makes Chromium's own editing command try to style it.
        has_editor = "/courses/" in page.url or page.url.endswith("/edit/")
        is_editing = "Applying inline style" in text and has_editor
        if "Content Security Policy" in text and not is_editing:
            self.complaints.append(f"{page.url}: {text}")


def sign_up(page: Page, *, site: str = "") -> str:
    """Make an account through the site's form, and return its name."""
    name = f"learner{next(_numbers)}"
    page.goto(f"{site}/en/accounts/signup/")
    page.get_by_label("Username").fill(name)
    page.get_by_label("E-mail").fill(address_of(name))
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Make the account").click()
    expect(account_menu(page, name)).to_be_visible()
    return name


def sign_in(page: Page, login: str, password: str = PASSWORD) -> None:
    """Sign in by name or e-mail address."""
    page.goto("/en/accounts/login/")
    fill_sign_in(page, login, password)


def fill_sign_in(page: Page, login: str, password: str = PASSWORD) -> None:
    """The same on the page that is open, which may lead on to another."""
    page.get_by_role("textbox", name="Name or e-mail address").fill(login)
    page.get_by_role("textbox", name="Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


def address_of(name: str) -> str:
    return f"{name}@example.org"


def account_menu(page: Page, name: str) -> Any:
    return page.get_by_role("button", name=f"Account of {name}")
