"""`manage.py make_demo_class`: a made-up class, for development and for measuring."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from progress.demo_class import make_demo_class, tidy_up


class Command(BaseCommand):
    help = "Make a class with a course, learners and runs of its own. Nobody can sign in as one of them."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--learners", type=int, default=200)
        parser.add_argument("--lessons", type=int, default=40)
        parser.add_argument("--submissions", type=int, default=50_000)
        parser.add_argument("--seed", type=int, default=1)
        parser.add_argument("--force", action="store_true", help="also on a site that is not for development")

    def handle(self, *, learners: int, lessons: int, submissions: int, seed: int, **options: Any) -> None:
        if not (settings.DEBUG or options["force"]):
            raise CommandError("This is not a site for development. If you mean it, add --force.")
        if min(learners, lessons) < 1 or submissions < 0:
            raise CommandError("A class has learners and lessons.")
        cohort = make_demo_class(learners=learners, lessons=lessons, submissions=submissions, seed=seed)
        tidy_up()
        self.stdout.write(f"Made the class {cohort.name}: {cohort.get_absolute_url()}")
