"""A second factor: asked for at every door, recoverable, and secret at rest."""

from __future__ import annotations

import re
from io import StringIO

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from cryptography.fernet import InvalidToken
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from helloagents.models import User
from helloagents.second_factor import SecondFactor
from helloagents.tests.makers import PASSWORD, code_of, make_person, sign_in

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("fresh_counters")]


def is_signed_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


def set_up_app(client: Client) -> tuple[str, list[str]]:
    """An authenticator app through its page: its secret, and the recovery codes shown afterwards."""
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    client.get(reverse("mfa_activate_totp"))
    secret: str = client.session["mfa.totp.secret"]
    page = client.post(reverse("mfa_activate_totp"), {"code": code_of(secret)}, follow=True)
    return secret, re.findall(r"\b\d{8}\b", page.content.decode())


def make_guarded_person() -> tuple[User, str, list[str]]:
    person = make_person()
    secret, codes = set_up_app(sign_in(Client()))
    return person, secret, codes


def test_the_code_of_an_app_is_asked_for_after_the_password(client: Client) -> None:
    _, secret, codes = make_guarded_person()
    assert len(codes) == 10
    answer = client.post(reverse("account_login"), {"login": "mei", "password": PASSWORD})

    assert answer["Location"] == reverse("mfa_authenticate")
    assert not is_signed_in(client)
    client.post(reverse("mfa_authenticate"), {"code": "000000"})
    assert not is_signed_in(client)
    client.post(reverse("mfa_authenticate"), {"code": code_of(secret, period=1)})
    assert is_signed_in(client)


def test_a_code_works_once(client: Client) -> None:
    _, secret, _ = make_guarded_person()
    code = code_of(secret, period=1)
    for visitor in (Client(), client):
        sign_in(visitor).post(reverse("mfa_authenticate"), {"code": code})

    assert not is_signed_in(client)


def test_a_recovery_code_stands_in_for_a_lost_phone_once(client: Client) -> None:
    _, _, codes = make_guarded_person()
    sign_in(client).post(reverse("mfa_authenticate"), {"code": codes[0]})
    assert is_signed_in(client)
    other = sign_in(Client())
    other.post(reverse("mfa_authenticate"), {"code": codes[0]})

    assert not is_signed_in(other)


def test_the_admin_is_not_entered_without_the_second_factor(client: Client) -> None:
    person, *_ = make_guarded_person()
    User.objects.filter(pk=person.pk).update(is_staff=True, is_superuser=True)
    client.post("/admin/login/", {"username": "mei", "password": PASSWORD})
    sign_in(client)

    assert not is_signed_in(client)
    assert client.get("/admin/").status_code == 302


def test_a_second_factor_needs_a_confirmed_address(client: Client) -> None:
    make_person(verified=False)
    sign_in(client)
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    page = client.get(reverse("mfa_activate_totp"), follow=True)

    assert not Authenticator.objects.exists()
    assert "verified your e-mail address" in page.content.decode()
    EmailAddress.objects.update(verified=True)
    secret, codes = set_up_app(client)
    assert (len(secret), len(codes)) == (32, 10)


def test_changing_a_factor_asks_for_the_password_again(client: Client) -> None:
    make_person()
    client.force_login(User.objects.get())  # as in a session that began long ago

    assert client.get(reverse("mfa_activate_totp"))["Location"].startswith(reverse("account_reauthenticate"))
    assert client.get(reverse("account-export"))["Location"].startswith(reverse("account_reauthenticate"))


# --- At rest --------------------------------------------------------------------------------------


def test_secrets_lie_encrypted_in_the_database() -> None:
    _, secret, codes = make_guarded_person()
    rows = " ".join(str(data) for data in Authenticator.objects.values_list("data", flat=True))

    assert secret not in rows
    assert not any(code in rows for code in codes)
    assert "gAAAA" in rows


def test_keys_are_changed_without_losing_anybody(client: Client, settings: Settings) -> None:
    old, new = "old secret " * 6, "new secret " * 6
    settings.FIELD_ENCRYPTION_KEYS = [old]
    _, secret, _ = make_guarded_person()
    settings.FIELD_ENCRYPTION_KEYS = [new, old]
    said = StringIO()
    call_command("rotate_secrets", stdout=said)
    *counted, done = said.getvalue().splitlines()
    assert [line.split(maxsplit=1)[1] for line in counted] == [
        "keys of model providers encrypted anew.",
        "secrets of second factors encrypted anew.",
    ]
    assert done == "Older secrets may now leave FIELD_ENCRYPTION_KEYS."
    settings.FIELD_ENCRYPTION_KEYS = [new]
    sign_in(client).post(reverse("mfa_authenticate"), {"code": code_of(secret, period=1)})

    assert is_signed_in(client)
    settings.FIELD_ENCRYPTION_KEYS = [old]
    said = StringIO()
    with pytest.raises(CommandError, match="2 secrets"):
        call_command("rotate_secrets", stdout=said)
    assert "may now leave" not in said.getvalue()
    [app] = Authenticator.objects.filter(type=Authenticator.Type.TOTP)
    with pytest.raises(InvalidToken):
        SecondFactor().decrypt(app.data["secret"])


def test_an_admin_takes_lost_factors_away_but_makes_and_sees_none(client: Client) -> None:
    person, secret, _ = make_guarded_person()
    client.force_login(make_person("root", is_staff=True, is_superuser=True))
    factor = Authenticator.objects.get(user=person, type=Authenticator.Type.TOTP)
    shown = client.get(reverse("admin:mfa_authenticator_change", args=[factor.pk]))
    stored = factor.data["secret"]

    assert shown.status_code == 200
    assert stored not in shown.content.decode()
    assert secret not in shown.content.decode()
    assert client.get(reverse("admin:mfa_authenticator_add")).status_code == 403
    client.post(reverse("admin:mfa_authenticator_delete", args=[factor.pk]), {"post": "yes"})
    assert not Authenticator.objects.filter(pk=factor.pk).exists()


def test_the_admin_offers_no_second_place_for_what_the_environment_says(client: Client) -> None:
    client.force_login(make_person("root", is_staff=True, is_superuser=True))
    offered = client.get(reverse("admin:index")).content.decode()

    assert "/admin/mfa/authenticator/" in offered
    for left_out in ("socialapp", "socialtoken", "usersession"):
        assert left_out not in offered
