"""The link that makes the first administrator."""

import re
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core import signing
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from helloagents.first_admin import MAX_AGE
from helloagents.models import User

pytestmark = pytest.mark.django_db

FIRST = {
    "username": "mei",
    "email": "mei@example.org",
    "password1": "Quiet-lamp-74",
    "password2": "Quiet-lamp-74",
}


@pytest.fixture(autouse=True)
def host(settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["learn.example.org", "[::1]", "testserver"]


def make_link() -> str:
    """The link's path, as the command prints it."""
    printed = StringIO()
    call_command("make_admin_link", site="https://learn.example.org/", stdout=printed)
    return printed.getvalue().strip().removeprefix("https://learn.example.org")


def test_the_link_makes_an_administrator_and_signs_in(client: Client) -> None:
    answer = client.post(make_link(), FIRST)

    assert answer.status_code == 302
    assert answer["Location"] == "/admin/"
    admin = User.objects.get()
    assert (admin.username, admin.email) == ("mei", "mei@example.org")
    assert admin.is_superuser
    assert admin.is_staff
    assert client.session["_auth_user_id"] == str(admin.pk)


def test_the_link_works_once(client: Client) -> None:
    link = make_link()
    client.post(link, FIRST)

    assert client.get(link).status_code == 410
    assert client.post(link, FIRST | {"username": "eve", "email": "eve@example.org"}).status_code == 410
    assert User.objects.count() == 1


def test_a_weak_password_is_refused_and_the_link_stays_good(client: Client) -> None:
    link = make_link()
    answer = client.post(link, FIRST | {"password1": "12345678", "password2": "12345678"})

    assert answer.status_code == 400
    assert not User.objects.exists()
    assert client.get(link).status_code == 200


def test_a_token_made_for_something_else_is_refused(client: Client) -> None:
    token = signing.dumps("first admin", salt="another purpose")

    assert client.get(f"/first-admin/{token}/").status_code == 410
    assert client.get("/first-admin/nonsense/").status_code == 410


def test_an_old_link_is_refused(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    link = make_link()
    later = (timezone.now() + timedelta(seconds=MAX_AGE + 1)).timestamp()
    monkeypatch.setattr("django.core.signing.time.time", lambda: later)

    assert client.get(link).status_code == 410


def test_a_link_that_does_not_work_says_what_to_do_and_nothing_about_the_site(client: Client) -> None:
    nobody = client.get("/first-admin/nonsense/").content.decode()
    link = make_link()
    client.post(link, FIRST)
    client.logout()
    used = client.get(link).content.decode()

    for page in (nobody, used):
        assert "has been used or is too old" in page
        assert "manage.py make_admin_link" in page
        assert reverse("account_login") in page
    assert re.sub(r"/first-admin/[^/]+/", "", used) == re.sub(r"/first-admin/[^/]+/", "", nobody)


@pytest.mark.parametrize(
    ("site", "words"),
    [
        ("learn.example.org", "no address"),
        ("ftp://learn.example.org", "no address"),
        ("https://", "no address"),
        ("https://learn.example.org:port", "no address"),
        ("https://[::1", "no address"),
        ("https://mei:pw@learn.example.org", "no address"),
        ("https://learn.example.org/en/", "no address"),
        ("http://127.0.0.1:8000", "does not answer to 127.0.0.1.*SITE_URL"),
        ("https://other.example.org", "does not answer to other.example.org"),
    ],
)
def test_no_link_is_made_that_leads_nowhere(site: str, words: str) -> None:
    with pytest.raises(CommandError, match=words):
        call_command("make_admin_link", site=site, stdout=StringIO())


@pytest.mark.parametrize("site", ["https://learn.example.org:8443/", "http://[::1]:8000"])
def test_a_link_may_have_a_port(site: str) -> None:
    printed = StringIO()
    call_command("make_admin_link", site=site, stdout=printed)

    assert printed.getvalue().startswith(site.rstrip("/") + "/first-admin/")


def test_no_link_is_made_once_there_is_an_administrator() -> None:
    User.objects.create_superuser("mei", "mei@example.org", "Quiet-lamp-74")

    with pytest.raises(CommandError, match="administrator already"):
        make_link()


def test_learners_do_not_count_as_administrators() -> None:
    User.objects.create_user("li", "li@example.org", "Quiet-lamp-74")

    assert make_link().startswith("/first-admin/")
