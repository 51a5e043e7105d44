"""`manage.py index_lessons`: make the index that search uses, where it is missing or all of it anew."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from lessons.models import LessonText
from lessons.search.indexing import reindex, reindex_where_missing


class Command(BaseCommand):
    help = (
        "Index lessons for search. Imports and edits keep the index up to date by themselves: this is for "
        "texts from before there was one, and with --all for a new version that reads texts otherwise."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--all", action="store_true", help="index every text anew")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["all"]:
            texts = LessonText.objects.select_related("lesson")
            reindex(*texts)
            count = len(texts)
        else:
            count = reindex_where_missing()
        self.stdout.write(f"{count} texts were indexed.")
