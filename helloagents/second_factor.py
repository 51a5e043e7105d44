"""The second factor: how its secrets lie in the database.

The seed of recovery codes and the key of an authenticator app are encrypted with the first of
`settings.FIELD_ENCRYPTION_KEYS`; all of them decrypt. `manage.py rotate_secrets` writes everything anew.
"""

from __future__ import annotations

import base64
import hashlib
from typing import Any

from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.db import transaction

_PURPOSE = b"helloagents.second-factor:"  # so that one secret gives each purpose a key of its own
_SECRETS = ("secret", "seed")  # in an authenticator's data; allauth's `migrated_codes` are not used here


class SecondFactor(DefaultMFAAdapter):  # type: ignore[misc] # allauth ships no types
    """allauth's behaviour, with secrets encrypted at rest."""

    def encrypt(self, text: str) -> str:
        return _cipher().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        """Raises InvalidToken when none of the secrets has encrypted it."""
        return _cipher().decrypt(encrypted_text.encode()).decode()

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        """What passkeys are bound to: this host. Its name is the product's."""
        return {**super().get_public_key_credential_rp_entity(), "name": settings.MFA_TOTP_ISSUER}


def rotate_secrets() -> tuple[int, int]:
    """Encrypt every stored secret with the newest key; returns how many were written, and how many are lost.

    Lost is what none of the keys decrypts; it is left as it is.
    """
    written = lost = 0
    for pk in Authenticator.objects.exclude(type=Authenticator.Type.WEBAUTHN).values_list("pk", flat=True):
        with transaction.atomic():
            authenticator = Authenticator.objects.select_for_update().filter(pk=pk).first()
            try:
                rotated = authenticator is not None and _rotate(authenticator.data)
            except InvalidToken:
                lost += 1
                continue
            if rotated:
                authenticator.save(update_fields=["data"])
                written += 1
    return written, lost


def _rotate(data: dict[str, Any]) -> bool:
    held = [name for name in _SECRETS if name in data]
    for name in held:
        data[name] = _cipher().rotate(data[name].encode()).decode()
    return bool(held)


def _cipher() -> MultiFernet:
    digests = [hashlib.sha256(_PURPOSE + secret.encode()) for secret in settings.FIELD_ENCRYPTION_KEYS]
    return MultiFernet([Fernet(base64.urlsafe_b64encode(digest.digest())) for digest in digests])
