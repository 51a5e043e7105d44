"""Mail is sent where the site has a mail server; elsewhere nothing claims that it was."""

from __future__ import annotations

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from helloagents.models import User

pytestmark = pytest.mark.django_db

NEW = {"username": "mei", "email": "mei@example.org", "password1": "Quiet-lamp-74"}


@pytest.fixture
def no_mail(settings: Settings) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
    settings.SITE_SENDS_MAIL = False
    settings.ACCOUNT_EMAIL_VERIFICATION = "none"


def test_a_sign_up_sends_a_confirmation_and_says_so(client: Client) -> None:
    page = client.post(reverse("account_signup"), NEW, follow=True)

    assert "mei@example.org" in page.content.decode()
    assert [message.to for message in mail.outbox] == [["mei@example.org"]]


@pytest.mark.usefixtures("no_mail")
def test_a_sign_up_without_mail_claims_none(client: Client) -> None:
    page = client.post(reverse("account_signup"), NEW | {"email": "li@example.org"}, follow=True)

    assert User.objects.get().username == "mei"
    assert "li@example.org" not in page.content.decode()
    # Another address than above: allauth counts how often it mails to one.
    sent_again = {"email": "li@example.org", "action_send": ""}
    page = client.post(reverse("account_email"), sent_again, follow=True)
    assert "This site sends no mail" in page.content.decode()
    assert "Confirmation e-mail sent" not in page.content.decode()


def test_a_forgotten_password_is_mailed_about(client: Client) -> None:
    User.objects.create_user("mei", "mei@example.org", "Quiet-lamp-74")

    answer = client.post(reverse("account_reset_password"), {"email": "mei@example.org"})

    assert answer["Location"] == reverse("account_reset_password_done")
    assert [message.to for message in mail.outbox] == [["mei@example.org"]]


@pytest.mark.usefixtures("no_mail")
def test_a_forgotten_password_without_mail_says_whom_to_ask(client: Client) -> None:
    for page in (
        client.get(reverse("account_reset_password")),
        client.post(reverse("account_reset_password"), {"email": "mei@example.org"}),
    ):
        assert "Ask an administrator" in page.content.decode()
        assert 'name="email"' not in page.content.decode()


def test_a_development_site_says_where_its_mail_goes(client: Client, settings: Settings) -> None:
    said = "printed where the site was started"
    assert said not in client.get(reverse("account_reset_password")).content.decode()

    settings.EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"

    assert said in client.get(reverse("account_reset_password")).content.decode()
    signed_up = client.post(reverse("account_signup"), NEW | {"email": "wu@example.org"}, follow=True)
    assert said in signed_up.content.decode()
