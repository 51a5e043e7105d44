"""What changes learners' and providers' keys, and what keeps the ledger tidy."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from tutor import encryption
from tutor.models import ModelCall, ProviderKey, SiteProvider


@transaction.atomic
def store_key(*, user: Any, service: str, model: str, key: str, before_scripts: bool) -> ProviderKey:
    """Keep a learner's key, encrypted. Without a new one the old one stays, if it is for the same service."""
    values: dict[str, Any] = {"service": service, "model": model, "before_scripts": before_scripts}
    if key:
        values["encrypted_key"] = encryption.encrypt(key)
    stored, _ = ProviderKey.objects.update_or_create(user=user, defaults=values)
    return stored


def forget_key(*, user: Any) -> bool:
    """Delete a learner's key; whether there was one."""
    deleted, _ = ProviderKey.objects.filter(user=user).delete()
    return bool(deleted)


def rotate_keys() -> tuple[int, int]:
    """Encrypt every key anew with the first secret; how many were, and how many cannot be decrypted."""
    rotated = lost = 0
    for model in (ProviderKey, SiteProvider):
        for pk in model._default_manager.values_list("pk", flat=True):
            with transaction.atomic():
                row = model._default_manager.select_for_update().get(pk=pk)
                try:
                    row.encrypted_key = encryption.rotate(row.encrypted_key)
                except encryption.Undecryptable:
                    lost += 1
                    continue
                row.save(update_fields=["encrypted_key"])
                rotated += 1
    return rotated, lost


def tidy_ledger() -> tuple[int, int]:
    """Close calls whose worker died, and forget what old ones said; how many of each."""
    now = timezone.now()
    died = ModelCall.objects.filter(
        status=ModelCall.Status.RUNNING,
        started_at__lt=now - timedelta(seconds=3 * settings.MODEL_CALL_SECONDS),
    )
    closed = died.update(status=ModelCall.Status.CANCELLED, error_code="worker_lost")
    return closed, ModelCall.objects.forget_contents(before=now - timedelta(days=settings.MODEL_TRACE_DAYS))
