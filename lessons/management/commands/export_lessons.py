"""`manage.py export_lessons`: write a course back as the folder it is imported from."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from lessons.exporting import NotAFolder, export_course
from lessons.models import Course, LessonDraft


class Command(BaseCommand):
    help = (
        "Write a course as a folder of Markdown with its sidebars, images, scripts and course.toml. "
        "What nobody changed on the site comes out byte for byte as it went in."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("course", metavar="COURSE", help="the course's name in addresses")
        parser.add_argument(
            "path", metavar="PATH", type=Path, help="a folder, new or to be brought up to date"
        )
        parser.add_argument(
            "--language",
            metavar="CODE",
            choices=[code for code, _ in settings.LANGUAGES],
            help="only the lessons in this language",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        course = Course.objects.filter(slug=options["course"]).first()
        if course is None:
            known = ", ".join(Course.objects.values_list("slug", flat=True)) or "none yet"
            raise CommandError(f"There is no course “{options['course']}”. The courses are: {known}.")
        counts = {True: 0, False: 0}
        try:
            for file in export_course(course, options["path"], language=options["language"]):
                counts[file.is_unchanged] += 1
                if not file.is_unchanged and options["verbosity"] > 1:
                    self.stdout.write(file.path)
        except (NotAFolder, OSError) as error:
            raise CommandError(str(error)) from error
        drafts = LessonDraft.objects.filter(lesson__course=course).count()
        if drafts:
            self.stderr.write(self.style.WARNING(f"{drafts} drafts are not exported: publish them first."))
        done = f"{counts[False]} files written, {counts[True]} were as they should be"
        self.stdout.write(self.style.SUCCESS(f"Exported the course “{course.slug}”: {done}."))
