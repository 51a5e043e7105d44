"""manage.py loadtest: the load scenario of `make loadtest`, under the name that operators look for."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

_OPTIONS = ("learners", "seconds", "pause")  # as deploy/dev/loadtest.py explains them


class Command(BaseCommand):
    help = (
        "Has simulated learners read, run programs and ask the tutor, on a site started for it alone, and "
        "tells what that took. The site of these settings is not touched."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        for name in _OPTIONS:  # which reads them itself
            parser.add_argument(f"--{name}")

    def handle(self, *args: Any, **options: Any) -> None:
        if not (settings.BASE_DIR / "deploy" / "dev" / "loadtest.py").exists():
            raise CommandError(
                "It starts PostgreSQL and Redis of its own, which the image has not got: "
                "run it where the site's source is."
            )
        given = [word for name in _OPTIONS if options[name] for word in (f"--{name}", options[name])]
        os.chdir(settings.BASE_DIR)
        # In its place, so that whoever asks this process to end asks the scenario.
        os.execv(sys.executable, [sys.executable, "-m", "deploy.dev.loadtest", *given])  # noqa: S606
