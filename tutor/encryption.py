"""Keys at rest. The first of settings.FIELD_ENCRYPTION_KEYS encrypts, all of them decrypt."""

from __future__ import annotations

import base64
import hashlib

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings

_PURPOSE = b"helloagents.tutor.provider-keys:"


class Undecryptable(Exception):
    """The secret it was encrypted with is no longer among the settings."""


def encrypt(text: str) -> str:
    return _fernet().encrypt(text.encode()).decode() if text else ""


def decrypt(token: str) -> str:
    """Raises Undecryptable."""
    if not token:
        return ""
    try:
        return _fernet().decrypt(token.encode()).decode()
    except InvalidToken as error:
        raise Undecryptable from error


def rotate(token: str) -> str:
    """The same secret, encrypted with the first key. Raises Undecryptable."""
    if not token:
        return ""
    try:
        return _fernet().rotate(token.encode()).decode()
    except InvalidToken as error:
        raise Undecryptable from error


def _fernet() -> MultiFernet:
    digests = [
        hashlib.sha256(_PURPOSE + secret.encode()).digest() for secret in settings.FIELD_ENCRYPTION_KEYS
    ]
    return MultiFernet([Fernet(base64.urlsafe_b64encode(digest)) for digest in digests])
