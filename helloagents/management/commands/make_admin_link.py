"""`manage.py make_admin_link`: a link that makes the first administrator."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.urls import reverse

from helloagents.first_admin import AdminExists, make_token


class Command(BaseCommand):
    help = "Print a link, good for one day and one use, that makes the first administrator."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--site", default=settings.SITE_URL, help="the site's address (default: %(default)s)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            path = reverse("first-admin", kwargs={"token": make_token()})
        except AdminExists as error:
            raise CommandError(
                "There is an administrator already. Further ones are made in the admin."
            ) from error
        self.stdout.write(options["site"].rstrip("/") + path)
