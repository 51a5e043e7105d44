"""`manage.py backup PATH`: write the site to a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from helloagents.backups import BackupRefused, write_backup


class Command(BaseCommand):
    help = (
        "Writes database and files of courses to one file, as they are now; the site goes on. Keep "
        "FIELD_ENCRYPTION_KEYS or SECRET_KEY elsewhere: without them nobody reads the secrets in it."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("path", type=Path)

    def handle(self, *args: Any, path: Path, **options: Any) -> None:
        try:
            write_backup(path.absolute())
        except BackupRefused as refusal:
            raise CommandError(str(refusal)) from refusal
        except OSError as error:
            raise CommandError(f"{path} cannot be written: {error.strerror or error}.") from error
        self.stdout.write(f"{path}: {path.stat().st_size / 1e6:.1f} MB.")
