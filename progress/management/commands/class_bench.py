"""`manage.py class_bench`: how fast what instructors see of a class is, see `make_demo_class`."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db.models import Count

from progress.class_benchmark import measure
from progress.models import Cohort


class Command(BaseCommand):
    help = "Ask for the pages of a class and the lists of the admin, and print the median of each."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--class", dest="cohort", help="its number or name; by default the largest")
        parser.add_argument("--times", type=int, default=21, help="how often each page is asked for")

    def handle(self, *, cohort: str | None, times: int, **options: Any) -> None:
        classes = Cohort.objects.annotate(size=Count("learners")).order_by("-size")
        if cohort:
            classes = classes.filter(pk=cohort) if cohort.isdecimal() else classes.filter(name=cohort)
        measured = classes.first()
        if measured is None:
            raise CommandError("There is no such class. `manage.py make_demo_class` makes one.")
        self.stdout.write(f"{measured.name}: {times} times each\n{'median':>9} {'queries':>8}")
        for page in measure(measured, times=max(1, times)):
            self.stdout.write(f"{page.seconds * 1000:6.1f} ms {page.queries:8} {page.page}")
