"""`manage.py check_listings COURSE`: which listings of a course run, which do not, and why."""

from __future__ import annotations

from argparse import ArgumentParser
from collections import Counter
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from lessons.models import Course, LessonText
from progress.listing_checks import check_course, save_checks
from progress.models import ListingCheck
from sandbox.errors import SandboxError
from sandbox.execution import Outcome
from sandbox.pools import close_pool, get_pool


class Command(BaseCommand):
    help = "Run every listing of a course in the sandbox and say which run, which do not, and why."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("course", help="slug of an imported course")
        parser.add_argument("--language", choices=dict(settings.LANGUAGES), help="default: all it has")
        parser.add_argument("--timeout", type=int, default=10, help="seconds for each listing (1-60)")

    def handle(self, *args: Any, course: str, language: str | None, timeout: int, **options: Any) -> None:
        if not 1 <= timeout <= settings.RUN_TIMEOUT_MAX:
            raise CommandError(f"--timeout must be between 1 and {settings.RUN_TIMEOUT_MAX} seconds.")
        found = Course.objects.filter(slug=course).first()
        if found is None:
            known = ", ".join(Course.objects.values_list("slug", flat=True)) or "none yet; see import_lessons"
            raise CommandError(f"There is no course {course!r}. Courses: {known}.")
        texts = LessonText.objects.filter(lesson__course=found)
        languages = [language] if language else sorted(set(texts.values_list("language", flat=True)))
        try:
            for each in languages:
                self._check(found, each, timeout)
        except SandboxError as error:
            raise CommandError(f"The sandbox failed, nothing more was checked: {error}") from error
        finally:
            close_pool()

    def _check(self, course: Course, language: str, timeout: int) -> None:
        checks = []
        for check in check_course(course, language=language, pool=get_pool(), timeout=timeout):
            checks.append(check)
            self._report(check)
        save_checks(course, language=language, checks=checks)
        totals = Counter(check.outcome for check in checks)
        counts = ", ".join(f"{count} {outcome}" for outcome, count in sorted(totals.items()))
        self.stdout.write(f"{course.slug} ({language}): {len(checks)} listings: {counts or 'none'}")

    def _report(self, check: ListingCheck) -> None:
        style = self.style.SUCCESS if check.outcome == Outcome.OK else self.style.WARNING
        self.stdout.write(style(f"{check.outcome:<14}") + f" {check.source}  {check.reason}")
