"""`manage.py make_admin_link`: a link that makes the first administrator."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.http.request import validate_host
from django.urls import reverse

from helloagents.first_admin import AdminExists, make_token


class Command(BaseCommand):
    help = "Print a link, good for one day and one use, that makes the first administrator."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--site", default=settings.SITE_URL, help="the site's address (default: %(default)s)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        site = _address(options["site"])
        try:
            path = reverse("first-admin", kwargs={"token": make_token()})
        except AdminExists as error:
            raise CommandError(
                "There is an administrator already. Further ones are made in the admin."
            ) from error
        self.stdout.write(site + path)


def _address(given: str) -> str:
    """The site's address without a slash at its end. Raises CommandError if the link would lead nowhere."""
    try:
        parts = urlsplit(given)
        host, _port = parts.hostname, parts.port  # which may be no number
    except ValueError:
        parts, host = urlsplit(""), None
    if (
        parts.scheme not in ("http", "https")
        or not host
        or parts.username is not None
        or parts.path.strip("/")
        or parts.query
        or parts.fragment
    ):
        raise CommandError(f"{given!r} is no address of a site: https://learn.example.org")
    name = f"[{host}]" if ":" in host else host
    if not validate_host(name, settings.ALLOWED_HOSTS):
        raise CommandError(
            f"The site does not answer to {name}, which is not among ALLOWED_HOSTS. Set SITE_URL to the "
            "site's address, or say it here: --site https://learn.example.org"
        )
    return f"{parts.scheme}://{parts.netloc}"
