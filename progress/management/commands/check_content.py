"""`manage.py check_content PATH|COURSE`: whether the exercises of a course are right."""

from __future__ import annotations

import secrets
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from lessons.importing.problems import NoCourse, Problem
from lessons.importing.write import import_course
from lessons.models import Course
from progress.content_checks import Tried, check_exercises
from sandbox.errors import SandboxError
from sandbox.pools import close_pool, get_pool


class Command(BaseCommand):
    help = (
        "Run every solution, listed mistake and question of a course in the sandbox, in each language, and "
        "tell with file and line what is wrong. Ends with 1 when something is."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("course", help="a course folder, or the slug of an imported course")
        parser.add_argument("--language", choices=dict(settings.LANGUAGES), help="default: all it has")

    def handle(self, *args: Any, course: str, language: str | None, **options: Any) -> None:
        try:
            with _course(course) as (found, problems):
                broken = self._tell(problems)
                languages = [language] if language else sorted(found.texts.values_list("language", flat=True))
                broken += self._check(found, languages)
        except SandboxError as error:
            raise CommandError(f"The sandbox failed, nothing more was checked: {error}") from error
        finally:
            close_pool()
        if broken:
            raise CommandError(f"{broken} things are wrong." if broken > 1 else "One thing is wrong.")

    def _check(self, course: Course, languages: list[str]) -> int:
        broken = count = 0
        for tried in check_exercises(course, languages=languages, pool=get_pool()):
            self._report(tried)
            broken += len(tried.wrong)
            count += 1
        self.stdout.write(f"{count} exercises tried, each language counted ({', '.join(languages)}).")
        return broken

    def _report(self, tried: Tried) -> None:
        style = self.style.ERROR if tried.wrong else self.style.SUCCESS
        word = "wrong" if tried.wrong else "right"
        self.stdout.write(style(f"{word:<6}") + f"{tried.language:<8} {tried.exercise.slug}")
        self.stdout.flush()
        for problem in tried.wrong:
            self.stderr.write(self.style.ERROR(str(problem)))
        for problem in tried.warnings:
            self.stderr.write(self.style.WARNING(f"warning: {problem}"))

    def _tell(self, problems: list[Problem]) -> int:
        """Files of exercises and models that cannot be used are wrong; the rest an import would warn of."""
        for problem in problems:
            self.stderr.write(self.style.ERROR(str(problem)))
        return len(problems)


@contextmanager
def _course(named: str) -> Iterator[tuple[Course, list[Problem]]]:
    """The course to check. One of a folder is imported under a name of its own for as long as that takes."""
    imported = Course.objects.filter(slug=named).first()
    if imported is not None:
        yield imported, []
        return
    if not Path(named).is_dir():
        known = ", ".join(Course.objects.values_list("slug", flat=True)) or "none yet; see import_lessons"
        raise CommandError(f"{named!r} is neither a folder nor a course. Courses: {known}.")
    slug = f"check-{secrets.token_hex(4)}"
    try:
        report = import_course(Path(named), slug=slug)
        files = (".exercise.toml", ".model.toml", "course.toml")
        problems = [problem for problem in report.problems if problem.path.endswith(files)]
        yield Course.objects.get(slug=slug), problems
    except NoCourse as error:
        raise CommandError(str(error)) from error
    finally:
        Course.objects.filter(slug=slug).delete()
