"""`manage.py restore PATH`: put a site back as a backup has it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from helloagents.backups import BackupRefused, read_backup


class Command(BaseCommand):
    help = (
        "Replaces the site's database by the one in a backup, puts its files back, and applies newer "
        "migrations. Stop web, workers and beat before."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("path", type=Path)
        parser.add_argument("--force", action="store_true", help="also where the database holds accounts")

    def handle(self, *args: Any, path: Path, force: bool, **options: Any) -> None:
        try:
            manifest = read_backup(path, force=force)
        except BackupRefused as refusal:
            raise CommandError(str(refusal)) from refusal
        call_command("migrate", verbosity=0)
        self.stdout.write(f"The site is as it was at {manifest.made_at}.")
