"""Exercises as their learner meets them: what there is to do, what is solved, which hints were taken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lessons.exercises import Hint, in_language
from lessons.models import Exercise, Lesson
from lessons.pages import rendered_pieces
from lessons.rendering.code import code_html
from progress.models import HintTaken, Owner, Submission


@dataclass(frozen=True, kw_only=True)
class ShownHint:
    """A hint that was taken. `line_contains` finds the line of the learner's code that it points at."""

    number: int
    html: str
    line_contains: str


@dataclass(frozen=True, kw_only=True)
class ShownExercise:
    """An exercise on the page of its lesson."""

    exercise: Exercise
    title: str
    prompt: str  # HTML
    starter: str | None  # None: that of its listing
    listing: int | None  # in the lesson, from 0
    code: str  # HTML; of a question
    program: str  # of a question: what is asked about
    choices: Sequence[str]
    is_solved: bool
    hints: Sequence[ShownHint]
    hint_count: int
    concepts: Sequence[str]  # their names


@dataclass(frozen=True, kw_only=True)
class ShownVerdict:
    """What a run was written for, and what came of its checks."""

    title: str
    address: str  # "" when the course no longer has it
    passed: bool | None
    is_unjudged: bool  # it was to be checked, and was not
    checks: Sequence[dict[str, Any]]  # as `Submission.checks` keeps them, the failed ones first

    @property
    def count(self) -> int:
        """Of all checks; that the program runs at all is none of them."""
        return sum(check["number"] > 0 for check in self.checks)

    @property
    def good(self) -> int:
        return sum(check["number"] > 0 and bool(check["passed"]) for check in self.checks)


def exercises_of(lesson: Lesson, *, owner: Owner, language: str) -> list[ShownExercise]:
    """The exercises of a lesson, in order."""
    found = list(Exercise.objects.published().filter(lesson=lesson).select_related("course"))
    if not found:
        return []
    solved = set(
        Submission.objects.of(owner)
        .filter(exercise__in=found, passed=True)
        .values_list("exercise", flat=True)
    )
    taken: dict[int, int] = {}
    for exercise_id, number in (
        HintTaken.objects.of(owner).filter(exercise__in=found).values_list("exercise", "number")
    ):
        taken[exercise_id] = max(number, taken.get(exercise_id, 0))
    hints = {each.pk: each.definition.hints[: taken.get(each.pk, 0)] for each in found}
    texts = [(in_language(each.definition.prompt, language, ""), each.source_path) for each in found]
    texts += [
        (in_language(hint.text, language, ""), each.source_path) for each in found for hint in hints[each.pk]
    ]
    html = iter(rendered_pieces(texts, course=found[0].course, language=language))
    prompts = [next(html) for _ in found]
    return [
        _shown(
            each,
            prompt=prompt,
            hints=[
                _hint(number, hint, next(html), language) for number, hint in enumerate(hints[each.pk], 1)
            ],
            is_solved=each.pk in solved,
            language=language,
        )
        for each, prompt in zip(found, prompts, strict=True)
    ]


def hint_of(exercise: Exercise, number: int, *, language: str) -> ShownHint:
    """One hint, by its number from 1."""
    hint = exercise.definition.hints[number - 1]
    return _hint(number, hint, _rendered(exercise, in_language(hint.text, language, ""), language), language)


def explanation_of(exercise: Exercise, *, language: str) -> str:
    """Of a question, as HTML; "" where its author gave none."""
    text = in_language(exercise.definition.explanation, language, "")
    return _rendered(exercise, text, language) if text else ""


def solution_of(exercise: Exercise, *, owner: Owner) -> tuple[str, Submission] | None:
    """The author's solution, and the learner's own; None for those who have not solved it."""
    solved = Submission.objects.of(owner).solving(exercise).first()
    if solved is None:
        return None
    return in_language(exercise.definition.solution, solved.language_version, ""), solved


def verdict_of(submission: Submission, *, language: str) -> ShownVerdict | None:
    """For the page of a run; None: it was merely run, for no exercise."""
    exercise = submission.exercise
    if exercise is None:
        return None
    is_there = not (exercise.is_retired or exercise.lesson.is_retired)
    return ShownVerdict(
        title=exercise.title_in(language),
        address=exercise.get_absolute_url() if is_there else "",
        passed=submission.passed,
        is_unjudged=submission.is_checked and submission.is_over and submission.passed is None,
        checks=sorted(submission.checks, key=lambda check: (check["passed"] is not False, check["number"])),
    )


def _shown(
    exercise: Exercise, *, prompt: str, hints: Sequence[ShownHint], is_solved: bool, language: str
) -> ShownExercise:
    told = exercise.definition
    program = in_language(told.code, language, "")
    return ShownExercise(
        exercise=exercise,
        title=exercise.title_in(language),
        prompt=prompt,
        starter=in_language(told.starter, language, "") if told.starter or told.listing is None else None,
        listing=None if told.listing is None else told.listing - 1,
        code=code_html(program, "python") if program else "",
        program=program,
        choices=in_language(told.choices, language, ()),
        is_solved=is_solved,
        hints=hints,
        hint_count=len(told.hints),
        concepts=[_name_of(exercise, concept, language) for concept in exercise.concepts],
    )


def _hint(number: int, hint: Hint, html: str, language: str) -> ShownHint:
    return ShownHint(number=number, html=html, line_contains=in_language(hint.line_contains, language, ""))


def _name_of(exercise: Exercise, concept: str, language: str) -> str:
    names: dict[str, str] = exercise.course.concepts.get(concept, {})
    return in_language(names, language, concept)


def _rendered(exercise: Exercise, markdown: str, language: str) -> str:
    pieces = [(markdown, exercise.source_path)]
    return rendered_pieces(pieces, course=exercise.course, language=language)[0]
