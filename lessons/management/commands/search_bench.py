"""`manage.py search_bench`: how fast search in lessons is, on the courses of this site."""

from __future__ import annotations

import json
import time
from argparse import ArgumentParser
from statistics import median
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from lessons.models import Section
from lessons.search import search

QUERIES = ("智能", "ReAct", "思维链", "tool call")
_SHOWN = 10  # hits, as on the page


class Command(BaseCommand):
    help = "Search in lessons again and again, and print the median and the quickest of each query."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("queries", nargs="*", default=QUERIES, help="what to search instead")
        parser.add_argument("--times", type=int, default=21, help="how often each is searched")
        parser.add_argument("--language", default=settings.LANGUAGE_CODE, help="the reader's")
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        sections = Section.objects.count()
        if not sections:
            raise CommandError("There is nothing to search. `manage.py import_lessons` brings a course.")
        times = max(1, options["times"])
        figures = [_measure(query, options["language"], times) for query in options["queries"]]
        if options["json"]:
            report = {"database": connection.vendor, "sections": sections, "queries": figures}
            self.stdout.write(json.dumps(report, ensure_ascii=False))
            return
        self.stdout.write(f"{connection.vendor}, {sections} sections, {times} times each")
        self.stdout.write(f"{'median':>9} {'quickest':>11} {'found':>6}")
        for each in figures:
            taken = f"{each['median']:6.1f} ms {each['quickest']:8.1f} ms"
            self.stdout.write(f"{taken} {each['found']:6} {each['query']}")


def _measure(query: str, language: str, times: int) -> dict[str, Any]:
    """In milliseconds; once before it is measured."""
    found = search(query, language=language, limit=_SHOWN).total
    taken = []
    for _ in range(times):
        begin = time.perf_counter()
        search(query, language=language, limit=_SHOWN)
        taken.append(1000 * (time.perf_counter() - begin))
    return {
        "query": query,
        "median": round(median(taken), 1),
        "quickest": round(min(taken), 1),
        "found": found,
    }
