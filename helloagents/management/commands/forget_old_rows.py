"""`manage.py forget_old_rows`: delete at once what beat has deleted every night."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from helloagents.retention import forget


class Command(BaseCommand):
    help = "Deletes work that was deleted DELETED_KEPT_DAYS ago, and sessions that are over."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only say how many rows it would be")

    def handle(self, *args: Any, dry_run: bool, **options: Any) -> None:
        for label, number in sorted(forget(dry_run=dry_run).items()):
            self.stdout.write(f"{number:8} {label}")
