"""`manage.py import_lessons`: bring a folder of Markdown lessons into the site, or up to date."""

from __future__ import annotations

from argparse import ArgumentParser
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.core.validators import validate_slug
from django.utils.text import slugify

from lessons.importing.problems import NoCourse, in_full, in_short
from lessons.importing.write import Progress, Report, Tally, import_course
from lessons.models import Course


class Command(BaseCommand):
    help = (
        "Import a course: a Docsify folder (_sidebar.md, _sidebar_en.md, …) or a plain folder of Markdown. "
        "Run it again whenever the files change; what did not change is not written."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("path", type=Path, help="the course folder")
        parser.add_argument(
            "--course", metavar="SLUG", help="name in addresses; by default the folder's name"
        )
        parser.add_argument(
            "--language",
            metavar="CODE",
            help="language of _sidebar.md or of the plain folder; by default told from the text",
        )
        parser.add_argument("--dry-run", action="store_true", help="say what would happen and write nothing")
        parser.add_argument(
            "--prune", action="store_true", help="retire lessons that the files no longer have"
        )
        parser.add_argument(
            "--force",
            action="store_true",
            help="write what did not change, too, and take the files' words where staff changed a lesson",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        root: Path = options["path"]
        self.verbosity: int = options["verbosity"]
        try:
            report = import_course(
                root,
                slug=_course_slug(options["course"], root),
                language=_language(options["language"]),
                dry_run=options["dry_run"],
                prune=options["prune"],
                force=options["force"],
                on_progress=self._show_progress,
            )
        except NoCourse as error:
            raise CommandError(str(error)) from error
        self._show(report, dry_run=options["dry_run"])

    def _show_progress(self, progress: Progress) -> None:
        if self.verbosity:
            outcomes = ", ".join(f"{count} {outcome}" for outcome, count in sorted(progress.outcomes.items()))
            self.stdout.write(f"[{progress.done}/{progress.total}] {progress.title}: {outcomes}")
            self.stdout.flush()

    def _show(self, report: Report, *, dry_run: bool) -> None:
        warnings = in_full(report.problems) if self.verbosity > 1 else in_short(report.problems)
        for warning in warnings:
            self.stderr.write(self.style.WARNING(f"warning: {warning}"))
        if self.verbosity:
            self.stdout.write(table(report))
        verb = "would be" if dry_run else "is"
        languages = ", ".join(report.languages)
        if not report.has_changes:
            message = f"Nothing changed: the course “{report.slug}” ({languages}) {verb} left as it was."
        elif dry_run:
            message = f"Nothing was written: a dry run of the course “{report.slug}” ({languages})."
        else:
            message = f"Imported the course “{report.slug}” ({languages})."
        self.stdout.write(self.style.SUCCESS(message))


def table(report: Report) -> str:
    """The outcome as a table: kinds of things down, what became of them across, then the warnings."""
    columns = [item.name for item in fields(Tally)]
    lines = ["".join([" " * 10, *(f"{column:>11}" for column in columns)])]
    for kind, tally in report.tallies.items():
        lines.append("".join([f"{kind:<10}", *(f"{count:>11}" for count in asdict(tally).values())]))
    lines.append(f"{'warnings':<10}{len(report.problems):>11}")
    if report.conflicts:
        lines.append(f"{'conflicts':<10}{report.conflicts:>11}")
    return "\n".join(lines)


def _course_slug(given: str | None, root: Path) -> str:
    limit = Course._meta.get_field("slug").max_length or 0
    slug = given or slugify(root.resolve().name)[:limit]
    try:
        validate_slug(slug)
    except ValidationError:
        slug = ""
    if not slug or len(slug) > limit:
        raise CommandError(
            f"“{given or root.resolve().name}” cannot name a course in addresses. "
            f"Give --course with up to {limit} letters a-z, digits and hyphens, such as --course my-course."
        )
    return slug


def _language(code: str | None) -> str | None:
    languages = [known for known, _ in settings.LANGUAGES]
    if code and code not in languages:
        raise CommandError(f"Unknown language “{code}”. Give one of {', '.join(languages)}.")
    return code
