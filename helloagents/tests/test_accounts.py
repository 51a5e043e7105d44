"""Accounts are made, confirmed, entered and recovered; nobody learns from it who has one."""

from __future__ import annotations

import re

import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth.hashers import MD5PasswordHasher
from django.core import mail
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from helloagents.models import User
from helloagents.tests.makers import PASSWORD, make_person, sign_in
from progress.models import Cohort

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("fresh_counters")]

NEW = {"username": "mei", "email": "Mei@Example.org", "password1": PASSWORD}


def is_signed_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


def link_in_mail() -> str:
    found = re.search(r"https?://testserver(\S+)", str(mail.outbox[-1].body))
    assert found, mail.outbox[-1].body
    return found[1]


def messages_of(answer: object) -> str:
    # The test client's answers, whose type is private to the stubs.
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))  # type: ignore[attr-defined]


# --- Signing up -----------------------------------------------------------------------------------


def test_an_account_is_made_and_its_address_confirmed_by_mail(client: Client) -> None:
    assert client.post(reverse("account_signup"), NEW)["Location"] == "/"
    assert is_signed_in(client)
    link = link_in_mail()
    assert client.get(link).status_code == 200
    assert not EmailAddress.objects.get().verified
    client.post(link)

    assert EmailAddress.objects.get(verified=True).email == "mei@example.org"


def test_a_confirmation_is_not_made_by_looking_at_it(client: Client) -> None:
    client.post(reverse("account_signup"), NEW)
    Client().get(link_in_mail())

    assert not EmailAddress.objects.get().verified


@pytest.mark.parametrize(
    ("password", "broken"),
    [
        ("Short-1", ["too short"]),
        ("quiet-lamp-74", ["needs a capital letter"]),
        ("QUIET-LAMP-74", ["needs a small letter"]),
        ("Quiet-lamp-now", ["needs a digit"]),
        ("Quietlamp74", ["needs a special character"]),
        ("lamp", ["too short", "needs a capital letter", "needs a digit", "needs a special character"]),
        ("Mei@Example.org1", ["too similar"]),
        ("Lampion-1", []),
        ("静静的Lamp-7", []),
    ],
)
def test_a_password_is_told_each_rule_it_breaks(client: Client, password: str, broken: list[str]) -> None:
    answer = client.post(reverse("account_signup"), NEW | {"password1": password})
    told = messages_of(answer)

    for rule in broken:
        assert rule in told
    assert told.count("The password needs") == sum("needs" in rule for rule in broken)
    assert User.objects.exists() == (not broken)


@pytest.mark.parametrize("address", ["MEI@example.org", "mei@example.org"])
def test_an_address_has_one_account(client: Client, address: str) -> None:
    make_person("mei")
    client.post(reverse("account_signup"), NEW | {"username": "li", "email": address})

    assert User.objects.count() == 1


def test_an_operator_can_close_sign_up(client: Client, settings: Settings) -> None:
    settings.SIGN_UP_OPEN = False
    for answer in (client.get(reverse("account_signup")), client.post(reverse("account_signup"), NEW)):
        assert "made by its administrators" in answer.content.decode()

    assert not User.objects.exists()


# --- Signing in -----------------------------------------------------------------------------------


@pytest.mark.parametrize("login", ["mei", "MEI", "mei@example.org", "Mei@Example.ORG"])
def test_people_sign_in_by_name_or_address(client: Client, login: str) -> None:
    make_person()

    assert is_signed_in(sign_in(client, login))


def test_a_refusal_does_not_tell_whether_there_is_such_an_account(client: Client) -> None:
    make_person("mei")
    make_person("gone", is_active=False)

    def refusal(login: str) -> str:
        answer = client.post(reverse("account_login"), {"login": login, "password": "Wrong-lamp-74"})
        assert answer.status_code == 200
        text = re.sub(r'value="[^"]*"', "", answer.content.decode())
        return re.sub(r"\?next=\S+|csrf\S+", "", text)

    assert refusal("mei") == refusal("nobody")
    assert refusal("mei@example.org") == refusal("nobody@example.org")
    assert refusal("gone") == refusal("nobody")


def test_guessing_is_slowed_down(client: Client) -> None:
    make_person()
    for _ in range(5):
        sign_in(client, password="Wrong-lamp-74")
    answer = client.post(reverse("account_login"), {"login": "mei", "password": PASSWORD})

    assert "Too many failed login attempts" in answer.content.decode()
    assert not is_signed_in(client)


def test_without_redis_people_still_sign_in(client: Client, settings: Settings) -> None:
    backend = "helloagents.caching.OptionalRedisCache"
    away = {"BACKEND": backend, "LOCATION": "redis://127.0.0.1:1/0"}
    settings.CACHES = {**settings.CACHES, "default": away}
    make_person()

    assert is_signed_in(sign_in(client))


def test_a_session_planted_before_signing_in_is_worth_nothing_after(client: Client) -> None:
    make_person()
    client.get(reverse("account_login"))
    session = client.session
    session["guest_key"] = "planted"
    session.save()
    planted = str(session.session_key)
    client.cookies["sessionid"] = planted
    sign_in(client)

    assert is_signed_in(client)
    assert client.session.session_key != planted
    stranger = Client()
    stranger.cookies["sessionid"] = planted
    assert stranger.get(reverse("account")).status_code == 302


@pytest.mark.parametrize(
    "target",
    ["//evil.example", "https://evil.example/", "javascript:alert(1)", "/\\evil.example", "http:evil"],
)
def test_nobody_is_sent_to_another_site(client: Client, target: str) -> None:
    make_person()
    for name in ("account_login", "account_signup", "account_logout"):
        assert f'href="{target}' not in client.get(reverse(name), {"next": target}).content.decode()
    answer = client.post(reverse("account_login"), {"login": "mei", "password": PASSWORD, "next": target})
    assert answer["Location"] == "/"
    answer = client.post(reverse("account_logout"), {"next": target})
    assert answer["Location"] == "/"
    assert "evil" not in client.get("/admin/login/", {"next": target})["Location"]


# --- Recovering -----------------------------------------------------------------------------------


def test_a_forgotten_password_is_replaced_by_mail(client: Client) -> None:
    make_person()
    client.post(reverse("account_reset_password"), {"email": "mei@example.org"})
    link = link_in_mail()
    form = client.get(link, follow=True).redirect_chain[-1][0]
    weak = client.post(form, {"password1": "lamp", "password2": "lamp"})
    assert "needs a digit" in messages_of(weak)
    client.post(form, {"password1": "Loud-lamp-75", "password2": "Loud-lamp-75"})

    assert not is_signed_in(sign_in(Client(), password=PASSWORD))
    assert is_signed_in(sign_in(Client(), password="Loud-lamp-75"))
    assert "already been used" in client.get(link, follow=True).content.decode()


def test_a_reset_does_not_tell_whether_there_is_such_an_account(client: Client) -> None:
    make_person()
    known = client.post(reverse("account_reset_password"), {"email": "mei@example.org"}, follow=True)
    unknown = client.post(reverse("account_reset_password"), {"email": "nobody@example.org"}, follow=True)

    assert known.redirect_chain == unknown.redirect_chain
    assert known.content == unknown.content
    assert [message.to for message in mail.outbox] == [["mei@example.org"], ["nobody@example.org"]]
    assert all("HelloAgents" in str(message.body) for message in mail.outbox)
    assert not any("testserver!" in str(message.body) for message in mail.outbox)


# --- Sessions -------------------------------------------------------------------------------------


def test_other_devices_are_listed_and_signed_out(client: Client) -> None:
    make_person()
    other = Client(headers={"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko Firefox/140.0"})
    for each in (client, other):
        sign_in(each)
    page = client.get(reverse("usersessions_list")).content.decode()
    assert "Firefox · Linux" in page
    client.post(reverse("usersessions_list"))

    assert is_signed_in(client)
    assert client.get(reverse("account")).status_code == 200
    assert other.get(reverse("account")).status_code == 302


def test_a_changed_password_ends_other_sessions(client: Client) -> None:
    make_person()
    other = sign_in(Client())
    sign_in(client)
    new = {"oldpassword": PASSWORD, "password1": "Loud-lamp-75", "password2": "Loud-lamp-75"}
    client.post(reverse("account_change_password"), new)

    assert client.get(reverse("account")).status_code == 200
    assert other.get(reverse("account")).status_code == 302


def test_the_name_is_changed_on_the_account_page(client: Client) -> None:
    make_person()
    sign_in(client)
    client.post(reverse("account"), {"full_name": "梅兰"})

    assert User.objects.get().get_full_name() == "梅兰"
    assert "梅兰" in client.get(reverse("account")).content.decode()


# --- The admin's door -----------------------------------------------------------------------------


def test_the_admin_asks_for_the_sites_own_sign_in(client: Client) -> None:
    answer = client.get("/admin/", follow=True)

    assert answer.redirect_chain[-1][0] == f"{reverse('account_login')}?next=/admin/"


def test_for_learners_there_is_no_admin(client: Client) -> None:
    make_person()
    sign_in(client)

    for path in ("/admin/", "/admin/login/", "/admin/helloagents/user/", "/admin/nothing/"):
        assert client.get(path).status_code == 404


def test_who_changed_an_account_is_noted(client: Client) -> None:
    make_person("head", is_staff=True, is_superuser=True)
    person = make_person()
    sign_in(client, "head")
    page = client.get(f"/admin/helloagents/user/{person.pk}/change/")
    fields = {
        name: value for name, value in page.context["adminform"].form.initial.items() if value is not None
    }
    fields.pop("password")
    answer = client.post(
        f"/admin/helloagents/user/{person.pk}/change/", fields | {"full_name": "Mei", "is_active": "on"}
    )

    assert answer.status_code == 302
    person.refresh_from_db()
    assert (person.full_name, person.created_by) == ("Mei", None)
    assert person.updated_by == User.objects.get(username="head")
    client.post(reverse("admin:progress_cohort_add"), {"name": "Monday"})
    assert Cohort.objects.get().created_by == Cohort.objects.get().updated_by == person.updated_by


# --- Names ----------------------------------------------------------------------------------------


class CountingHasher(MD5PasswordHasher):
    """Counts how often a password is hashed, which is what takes time."""

    count = 0

    def encode(self, password: str, salt: str) -> str:
        type(self).count += 1
        return super().encode(password, salt)


def test_how_long_sign_in_takes_does_not_tell_who_has_an_account(client: Client, settings: Settings) -> None:
    settings.PASSWORD_HASHERS = [f"{__name__}.CountingHasher"]
    make_person("mei")
    work = {}
    for login in ("mei", "mei@example.org", "li", "li@example.org"):
        CountingHasher.count = 0
        client.post(reverse("account_login"), {"login": login, "password": "Wrong-lamp-74"})
        work["page", login] = CountingHasher.count
        CountingHasher.count = 0
        body = {"username": login, "password": "Wrong-lamp-74"}
        client.post("/api/v1/auth/token", body, content_type="application/json")
        work["API", login] = CountingHasher.count

    assert work == dict.fromkeys(work, 1)


def test_nobody_takes_anothers_address_as_a_name(client: Client) -> None:
    make_person("mei")
    answer = client.post(
        reverse("account_signup"), {**NEW, "username": "Mei@example.org", "email": "b@x.org"}
    )

    assert not is_signed_in(client)
    assert "already exists" in messages_of(answer)


def test_a_name_is_written_in_one_way_only(client: Client) -> None:
    make_person("mei")
    answer = client.post(reverse("account_signup"), {**NEW, "username": "ｍｅｉ", "email": "b@x.org"})

    assert not is_signed_in(client)
    assert "already exists" in messages_of(answer)
    assert is_signed_in(sign_in(client, "ｍｅｉ"))  # as an input method may write it


def test_a_name_that_looks_like_an_address_signs_in(client: Client) -> None:
    person = make_person("mei@work.example")
    body = {"username": person.username, "password": PASSWORD}

    assert is_signed_in(sign_in(client, person.username))
    assert client.post("/api/v1/auth/token", body, content_type="application/json").status_code == 200


def test_an_address_belongs_to_one_account(client: Client) -> None:
    make_person("mei")
    li = make_person("li", verified=False)
    sign_in(client, "li")
    refused = client.post(reverse("account_email"), {"email": "Mei@example.org", "action_add": ""})
    client.post(reverse("account_email"), {"email": "second@example.org", "action_add": ""})
    client.post(reverse("account_email"), {"email": "second@example.org", "action_primary": ""})
    li.refresh_from_db()

    assert "already registered" in messages_of(refused)
    held = EmailAddress.objects.filter(user=li).order_by("email").values_list("email", flat=True)
    assert list(held) == ["li@example.org", "second@example.org"]
    assert li.email == "second@example.org"


def test_a_password_that_the_pages_take_works_for_programs(client: Client) -> None:
    long = PASSWORD * 20
    client.post(reverse("account_signup"), {**NEW, "password1": long})
    body = {"username": "mei", "password": long}

    assert client.post("/api/v1/auth/token", body, content_type="application/json").status_code == 200
