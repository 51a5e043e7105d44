"""People for the tests of accounts."""

from __future__ import annotations

import base64
import hashlib
import hmac
import struct
import time

from allauth.account.models import EmailAddress
from django.test import Client
from django.urls import reverse

from helloagents.models import User

PASSWORD = "Quiet-lamp-74"


def make_person(username: str = "mei", *, verified: bool = True, **fields: object) -> User:
    person = User.objects.create_user(username, f"{username}@example.org", PASSWORD, **fields)
    EmailAddress.objects.create(user=person, email=person.email, verified=verified, primary=True)
    return person


def sign_in(client: Client, login: str = "mei", password: str = PASSWORD) -> Client:
    """Through the page, as allauth remembers how somebody came in."""
    client.post(reverse("account_login"), {"login": login, "password": password})
    return client


def code_of(secret: str, *, period: int = 0) -> str:
    """What an authenticator app shows for the secret (RFC 6238), some periods of 30 s from now."""
    counter = struct.pack(">Q", int(time.time()) // 30 + period)
    digest = hmac.new(base64.b32decode(secret), counter, hashlib.sha1).digest()
    place = digest[-1] & 0x0F
    value = struct.unpack(">I", digest[place : place + 4])[0] & 0x7FFFFFFF
    return f"{value % 10**6:06}"
