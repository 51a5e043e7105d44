"""manage.py rotate_keys: encrypt the keys of model providers with the newest of FIELD_ENCRYPTION_KEYS."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from tutor.actions import rotate_keys


class Command(BaseCommand):
    help = "Encrypts keys of model providers anew, with the first of FIELD_ENCRYPTION_KEYS."

    def handle(self, *args: Any, **options: Any) -> None:
        rotated, lost = rotate_keys()
        self.stdout.write(f"{rotated} encrypted anew.")
        if lost:
            raise CommandError(
                f"{lost} cannot be decrypted with any of FIELD_ENCRYPTION_KEYS and are left as they are. "
                "Put the secret they were encrypted with back at the end of the list and run this again."
            )
        self.stdout.write(self.style.SUCCESS("Older secrets may now leave FIELD_ENCRYPTION_KEYS."))
