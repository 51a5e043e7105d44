"""manage.py rotate_secrets: encrypt what is stored with the newest of FIELD_ENCRYPTION_KEYS."""

from __future__ import annotations

from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from helloagents.second_factor import rotate_secrets


class Command(BaseCommand):
    help = (
        "Encrypts every stored secret anew, with the first of FIELD_ENCRYPTION_KEYS: of second factors, and "
        "as rotate_keys does, keys of model providers."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        call_command("rotate_keys", stdout=self.stdout)
        written, lost = rotate_secrets()
        self.stdout.write(f"{written} secrets of second factors encrypted anew.")
        if lost:
            raise CommandError(
                f"{lost} secrets of second factors cannot be decrypted with any of FIELD_ENCRYPTION_KEYS. "
                "Leave older secrets there."
            )
        self.stdout.write(self.style.SUCCESS("Older secrets may now leave FIELD_ENCRYPTION_KEYS."))
