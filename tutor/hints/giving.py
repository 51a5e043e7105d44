"""Give a hint: choose whose, and say whose it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from lessons.exercises import in_language
from lessons.models import Exercise, Lesson
from lessons.search import SectionHit, find_sections, sections_named
from tutor import choosing
from tutor.choosing import Caller
from tutor.guardrail import Guard
from tutor.hints import asking
from tutor.hints.asking import NoHint
from tutor.hints.own import EXAMPLE, OwnHint, own_hint
from tutor.hints.reading import Place, read_place
from tutor.sections import solutions_of

_SECTIONS = 3
AUTHOR, MODEL, PROGRAM = "author", "model", "program"


@dataclass(frozen=True, kw_only=True)
class Hint:
    """A hint, and whose it is: the exercise's author's, a model's, or worked out from the code alone."""

    current_context: str
    hint: str
    reference_code: str | None
    key_concepts: Sequence[str]
    given_by: str
    model: str = ""
    step: int
    more: bool  # whether the next step says something else
    sections: Sequence[SectionHit] = field(default=())
    trouble: NoHint | None = None  # why no model said it, where one could have


def give_hint(
    *,
    code: str,
    line: int,
    is_python: bool,
    lesson: Lesson | None,
    exercise: Exercise | None,
    step: int,
    caller: Caller,
) -> Hint:
    """The hint at a line for the `step`th time somebody asks there (from 1)."""
    place = read_place(code, line, is_python=is_python)
    authored = exercise.definition.hints if exercise else ()
    if exercise and step <= len(authored):
        hint = in_language(authored[step - 1].text, caller.language, "")
        concepts = _concepts_of(exercise, caller.language)
        return Hint(
            current_context=place.context, hint=hint, reference_code=None, key_concepts=concepts,
            given_by=AUTHOR, step=step, more=True,
            sections=_sections(" ".join(concepts), lesson, caller.language),
        )  # fmt: skip
    rung = min(EXAMPLE, step)  # the author's hints are the first rungs of the same ladder
    own = own_hint(place, rung=rung)
    sections = _sections(own.search, lesson, caller.language)
    trouble = None
    if choosing.choose(caller, asked_model="").candidates:
        try:
            return _from_model(place, code, caller, rung, step, lesson, sections)
        except NoHint as error:
            trouble = error
    return _from_program(place, own, step, sections, trouble)


def _from_model(
    place: Place,
    code: str,
    caller: Caller,
    rung: int,
    step: int,
    lesson: Lesson | None,
    sections: Sequence[SectionHit],
) -> Hint:
    texts = sections_named([hit.section_id for hit in sections], language=caller.language)
    solutions, starters = solutions_of(lesson)
    guard = Guard(solutions, starters=starters)
    given = [(hit.heading, texts[hit.section_id].body) for hit in sections if hit.section_id in texts]
    said = asking.ask(place, code, caller=caller, rung=rung, sections=given, guard=guard)
    return Hint(
        current_context=place.context, hint=said.hint, reference_code=said.example,
        key_concepts=said.concepts,
        given_by=MODEL, model=said.model, step=step, more=rung < EXAMPLE, sections=sections,
    )  # fmt: skip


def _from_program(
    place: Place, own: OwnHint, step: int, sections: Sequence[SectionHit], trouble: NoHint | None
) -> Hint:
    return Hint(
        current_context=place.context, hint=own.hint, reference_code=own.example, key_concepts=own.concepts,
        given_by=PROGRAM, step=step, more=own.more, sections=sections, trouble=trouble,
    )  # fmt: skip


def _concepts_of(exercise: Exercise, language: str) -> list[str]:
    names = exercise.course.concepts
    return [in_language(names.get(slug) or {}, language, slug) for slug in exercise.concepts]


def _sections(query: str, lesson: Lesson | None, language: str) -> list[SectionHit]:
    """Sections on a subject, those of the lesson at hand first."""
    hits = find_sections(query, language=language, course=lesson.course if lesson else None, limit=20)
    return sorted(hits, key=lambda hit: hit.lesson != lesson)[:_SECTIONS]
