"""`manage.py prepare_site`: everything between an installed site and its first page, in one go."""

from __future__ import annotations

from io import StringIO
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandParser

from helloagents.first_admin import admin_exists

SHIPPED_COURSE = settings.BASE_DIR / "lessons" / "content" / "first-agents"


class Command(BaseCommand):
    help = (
        "Bring the database up to date and the shipped course in it. Safe to repeat: what has not changed is "
        "not written. With --site, while there is no administrator, print the link that makes one."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--site", help="the site's address, for the link")

    def handle(self, *args: Any, **options: Any) -> None:
        call_command("migrate", verbosity=0)
        call_command("import_lessons", str(SHIPPED_COURSE), stdout=StringIO())
        call_command("index_lessons", stdout=StringIO())
        if options["site"] and not admin_exists():
            call_command("make_admin_link", site=options["site"], stdout=self.stdout)
