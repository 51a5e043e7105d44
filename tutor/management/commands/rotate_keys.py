"""`manage.py rotate_keys`: encrypt the keys of model providers with the newest of FIELD_ENCRYPTION_KEYS."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from tutor.actions import rotate_keys


class Command(BaseCommand):
    help = (
        "Encrypts keys of model providers anew, with the first of FIELD_ENCRYPTION_KEYS. That is a part of "
        "rotate_secrets, which says when older secrets may go."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        rotated, lost = rotate_keys()
        self.stdout.write(f"{rotated} keys of model providers encrypted anew.")
        if lost:
            raise CommandError(
                f"{lost} keys of model providers cannot be decrypted with any of FIELD_ENCRYPTION_KEYS and "
                "are left as they are. Put the secret they were encrypted with back at the end of the list "
                "and run this again."
            )
