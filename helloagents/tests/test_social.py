"""Sign-in with GitHub and Google, against a small server that speaks as they do."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount, SocialToken
from allauth.socialaccount.providers.github.views import GitHubOAuth2Adapter
from allauth.socialaccount.providers.google.views import GoogleOAuth2Adapter
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from helloagents import configuration
from helloagents.models import User
from helloagents.tests.makers import make_person, sign_in

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("fresh_counters")]


class Provider(ThreadingHTTPServer):
    """Hands out a token for the right code and secret, and tells who `person` is."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.person: dict[str, Any] = {
            "id": 7,
            "login": "mei",
            "name": "梅兰",
            "email": "mei@example.org",
            "verified": True,
        }
        self.challenges: list[str] = []


class Answers(BaseHTTPRequestHandler):
    server: Provider

    def do_POST(self) -> None:
        body = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        right = body.get("code") == ["good-code"] and body.get("client_secret") == ["very-secret"]
        if not right:
            return self._answer({"error": "bad_verification_code"})
        person = self.server.person
        self.server.challenges += body.get("code_verifier", [])
        claims = {
            "iss": "https://accounts.google.com",
            "aud": "our-id",
            "exp": 4_000_000_000,
            "sub": str(person["id"]),
            "name": person["name"],
            "email": person["email"],
            "email_verified": person["verified"],
        }
        id_token = jwt.encode(claims | person.get("claims", {}), "k" * 32, algorithm="HS256")
        return self._answer({"access_token": "at-1", "token_type": "bearer", "id_token": id_token})

    def do_GET(self) -> None:
        person = self.server.person
        if self.headers["Authorization"] != "token at-1":
            return self._answer({}, status=401)
        if self.path == "/user/emails":
            email = {"email": person["email"], "verified": person["verified"], "primary": True}
            return self._answer([email] if person["email"] else [])
        return self._answer({name: person[name] for name in ("id", "login", "name")})

    def _answer(self, content: object, status: int = 200) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> Iterator[Provider]:
    server = Provider()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    app = configuration.social_app("our-id", "very-secret")
    settings.SOCIALACCOUNT_PROVIDERS = {"github": app, "google": app | {"OAUTH_PKCE_ENABLED": True}}
    for name, path in {
        "access_token_url": "/token",
        "profile_url": "/user",
        "emails_url": "/user/emails",
    }.items():
        monkeypatch.setattr(GitHubOAuth2Adapter, name, server.url + path)
    monkeypatch.setattr(GoogleOAuth2Adapter, "access_token_url", f"{server.url}/token")
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def come_back(client: Client, name: str, *, code: str = "good-code", state: str = "") -> Any:
    """Leave for the provider by its button, and return as it sends people back."""
    leave = client.post(reverse(f"{name}_login"))
    query = parse_qs(urlsplit(leave["Location"]).query)
    returned = {"code": code, "state": state or query["state"][0]}
    return client.get(reverse(f"{name}_callback"), returned, follow=True)


def is_signed_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


@pytest.mark.parametrize("name", ["github", "google"])
def test_a_newcomer_gets_an_account(client: Client, provider: Provider, name: str) -> None:
    come_back(client, name)

    assert is_signed_in(client)
    person = User.objects.get()
    assert (person.email, person.get_full_name()) == ("mei@example.org", "梅兰")
    assert not person.has_usable_password()
    assert EmailAddress.objects.get().verified
    assert not SocialToken.objects.exists()
    assert bool(provider.challenges) == (name == "google")


@pytest.mark.parametrize("name", ["github", "google"])
def test_somebody_who_was_here_finds_the_same_account(client: Client, provider: Provider, name: str) -> None:
    come_back(Client(), name)
    provider.person |= {"email": "new@example.org", "login": "renamed"}
    come_back(client, name)

    assert is_signed_in(client)
    assert User.objects.count() == SocialAccount.objects.count() == 1


def test_the_same_address_opens_nobody_elses_account(client: Client, provider: Provider) -> None:
    make_person()
    page = come_back(client, "github")

    assert not is_signed_in(client)
    assert page.redirect_chain[-1][0] == reverse("socialaccount_signup")
    client.post(reverse("socialaccount_signup"), {"username": "mei2", "email": "mei@example.org"})
    assert User.objects.count() == 1


def test_an_account_is_connected_from_inside(client: Client, provider: Provider) -> None:
    person = make_person()
    sign_in(client)
    leave = client.post(f"{reverse('github_login')}?process=connect")
    state = parse_qs(urlsplit(leave["Location"]).query)["state"][0]
    client.get(reverse("github_callback"), {"code": "good-code", "state": state})

    assert SocialAccount.objects.get().user == person
    assert "GitHub" in client.get(reverse("socialaccount_connections")).content.decode()


@pytest.mark.parametrize("wrong", [{"code": "stolen"}, {"state": "forged"}])
def test_a_forged_return_signs_nobody_in(client: Client, provider: Provider, wrong: dict[str, str]) -> None:
    page = come_back(client, "github", **wrong)

    assert page.status_code == 401
    assert not is_signed_in(client)
    assert not User.objects.exists()


@pytest.mark.parametrize("claims", [{"aud": "another-site"}, {"iss": "https://evil.example"}, {"exp": 1}])
def test_a_token_for_somebody_else_is_refused(
    client: Client, provider: Provider, claims: dict[str, Any]
) -> None:
    provider.person["claims"] = claims
    come_back(client, "google")

    assert not is_signed_in(client)


def test_a_closed_site_stays_closed(client: Client, provider: Provider, settings: Settings) -> None:
    settings.SIGN_UP_OPEN = False
    page = come_back(client, "github")

    assert "made by its administrators" in page.content.decode()
    assert not User.objects.exists()


@pytest.mark.usefixtures("provider")
def test_there_is_a_button_for_each_that_is_set_up(client: Client) -> None:
    for name in ("account_login", "account_signup"):
        page = client.get(reverse(name)).content.decode()
        assert "Continue with GitHub" in page
        assert "Continue with Google" in page


def test_without_a_registration_there_is_none(client: Client) -> None:
    page = client.get(reverse("account_login")).content.decode()

    assert "Continue with" not in page
    assert client.post(reverse("github_login")).status_code == 404
