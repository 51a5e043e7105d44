"""From a lesson's listing to a program: the listing, the earlier ones of its chapter, their files."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

from django.db.models import Q

from lessons.listings import Listing, Program, assemble, extract
from lessons.models import Exercise, Lesson, LessonText


class NoSuchListing(LookupError):
    """The lesson has no listing of that number in that language."""


@dataclass(frozen=True)
class PlacedListing:
    """A listing and where it stands."""

    text: LessonText
    listing: Listing


def chapter_listings(*, chapter_id: int, language: str) -> list[PlacedListing]:
    """Every listing of a chapter, its overview's first, then its lessons' in order."""
    texts = (
        LessonText.objects.filter(Q(lesson=chapter_id) | Q(lesson__parent=chapter_id))
        .filter(language=language, lesson__is_retired=False)
        .select_related("lesson")
        .order_by("lesson__position")
    )
    # The overview comes first whatever position the chapter has among its own siblings.
    ordered = sorted(texts, key=lambda text: text.lesson_id != chapter_id)
    return [
        PlacedListing(text, listing)
        for text in ordered
        for listing in _extract(text.markdown, text.lesson.number)
    ]


def program_of_listing(*, lesson: Lesson, language: str, index: int, code: str | None) -> Program:
    """The program that runs listing `index` (0-based) of `lesson`; `code` replaces the listing's own text."""
    placed = chapter_listings(chapter_id=lesson.parent_id or lesson.pk, language=language)
    for target, place in enumerate(placed):
        if place.text.lesson_id == lesson.pk and place.listing.index == index:
            return assemble([each.listing for each in placed], target, code)
    raise NoSuchListing(index)


def program_of_exercise(*, exercise: Exercise, language: str, code: str) -> Program:
    """The program that runs a learner's code for an exercise: the listing it builds on comes with it."""
    told = exercise.definition
    program = Program(code=code, name="main.py", prelude=(), files={})
    if told.listing is not None:
        lesson, index = exercise.lesson, told.listing - 1
        program = program_of_listing(lesson=lesson, language=language, index=index, code=code)
    return replace(program, files={**program.files, **told.files})


@lru_cache(maxsize=1024)
def _extract(markdown: str, lesson: str) -> tuple[Listing, ...]:
    return tuple(extract(markdown, lesson))
