"""`manage.py build_sandbox_image`: make the images that learner code runs in."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from lessons.models import Course
from progress.images import image_of, images_of_courses
from sandbox.errors import SandboxError
from sandbox.image import AGENT, JAVASCRIPT, SHIPPED, Image
from sandbox.image.building import DEFAULT_BASE, build_images


class Command(BaseCommand):
    help = (
        "Build the images that learner code runs in, with an image registry or without one: for Docker where "
        "an engine answers, else the folders of packages for bubblewrap. What is up to date stays."
    )
    requires_system_checks = ()  # needs no site, only the engine

    def add_arguments(self, parser: ArgumentParser) -> None:
        which = parser.add_mutually_exclusive_group()
        which.add_argument("--image", choices=SHIPPED, help="only this one; by default all that courses need")
        which.add_argument("--course", metavar="SLUG", help="only the one this course runs in")
        parser.add_argument(
            "--base",
            help=f"image to build on; it needs Python 3.11 or newer. Without it: {DEFAULT_BASE} if it can be "
            "had, else on Debian as root a minimal system made here",
        )

    def handle(
        self, *args: Any, image: str | None, course: str | None, base: str | None, **options: Any
    ) -> None:
        told: list[str] = []

        def tell(line: str) -> None:
            told.append(line)
            self.stdout.write(line)
            self.stdout.flush()

        try:
            build_images(self._wanted(image, course), base=base, tell=tell)
        except SandboxError as error:
            raise CommandError(str(error)) from error
        if options["verbosity"]:
            news = "Done. Running workers take it for new containers." if told else "All was up to date."
            self.stdout.write(self.style.SUCCESS(news))

    def _wanted(self, image: str | None, course: str | None) -> list[Image]:
        if image:
            return [SHIPPED[image]]
        if course:
            found = Course.objects.filter(slug=course).first()
            if found is None:
                raise CommandError(f"There is no course {course!r}; see import_lessons.")
            return [image_of(found)]
        try:
            return [*images_of_courses(), JAVASCRIPT]
        except DatabaseError:  # a new site builds its images before it has a database
            return [AGENT, JAVASCRIPT]
