"""The parts of lessons that an answer may rest on, and what of a lesson it must not give away."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lessons.exercises import in_language
from lessons.models import Exercise, Lesson, LessonText
from lessons.models import Section as Indexed
from lessons.search import find_sections, section_id, sections_named
from lessons.search.finding import LONGEST_QUERY, section_url

_OTHERS = 5  # of other lessons
_FOUND = 12


@dataclass(frozen=True)
class Section:
    """What stands under one heading of a lesson. The id is stable, and what citations name."""

    id: str
    title: str
    url: str
    text: str = ""

    def as_json(self) -> dict[str, Any]:
        return {"id": self.id, "title": self.title, "url": self.url}


def find(question: str, *, lesson: Lesson | None, language: str) -> list[Section]:
    """Those that fit the question best: the lesson's own, then others, then the rest of the lesson."""
    course = lesson.course if lesson else None
    hits = find_sections(question[:LONGEST_QUERY], language=language, course=course, limit=_FOUND)
    texts = sections_named([hit.section_id for hit in hits], language=language)
    found = [
        (
            hit.lesson,
            Section(hit.section_id, _titled(hit.title, hit.heading), hit.url, texts[hit.section_id].body),
        )
        for hit in hits
        if hit.section_id in texts
    ]
    own = [section for home, section in found if home == lesson]
    others = [section for home, section in found if home != lesson]
    rest = _sections_of(lesson, language) if lesson else ()
    chosen = {section.id: section for section in (*own, *others[:_OTHERS])}
    for section in rest:
        chosen.setdefault(section.id, section)
    return list(chosen.values())


def _sections_of(lesson: Lesson, language: str) -> Iterator[Section]:
    text = LessonText.objects.filter(lesson=lesson).preferring(language).first()
    if text is None:
        return
    indexed = Indexed.objects.filter(text=text).select_related("text__lesson__course", "text__lesson__parent")
    for each in indexed.order_by("position"):
        url = section_url(each, language=text.language)
        yield Section(section_id(each), _titled(text.title, each.heading), url, each.body)


def _titled(title: str, heading: str) -> str:
    return f"{title}: {heading}" if heading and heading != title else title


def solutions_of(lesson: Lesson | None) -> tuple[list[str], list[str]]:
    """The reference solutions of the lesson's exercises and their starters, in every language.

    No model is ever sent a solution.
    """
    if lesson is None:
        return [], []
    definitions = [each.definition for each in Exercise.objects.published().filter(lesson=lesson)]
    solutions = (solution for each in definitions for solution in each.solution.values())
    starters = (starter for each in definitions for starter in each.starter.values())
    return list(dict.fromkeys(solutions)), list(dict.fromkeys(starters))


def hints_of(lesson: Lesson | None, language: str) -> list[tuple[str, str]]:
    """The first of the authors' hints for each exercise of the lesson, after the exercise's title."""
    if lesson is None:
        return []
    exercises = Exercise.objects.published().filter(lesson=lesson)
    return [
        (each.title_in(language), in_language(hint.text, language, ""))
        for each in exercises
        for hint in each.definition.hints[:1]
    ]
