"""How well learners have mastered what exercises practise.

Mastery of a concept is the mean, over its exercises, of how likely the learner could still solve each a
week from now without practising: 0 for what was never solved. So it grows with every exercise solved and
with every review, more when that took no hint, and falls slowly while nothing is done.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from lessons.exercises import in_language
from lessons.models import Course, Exercise
from progress import memory
from progress.models import ExerciseProgress

_AHEAD = timedelta(days=7)


@dataclass(frozen=True)
class Concept:
    """A concept of a course, and how well it is mastered: 0…100."""

    slug: str
    name: str
    mastery: int
    solved: int
    exercises: int


def concepts_of(
    course: Course,
    exercises: Iterable[Exercise],
    progress: Mapping[int, ExerciseProgress],
    *,
    language: str,
    on: date,
) -> list[Concept]:
    """The concepts that a course's exercises practise, in the course's order; `progress` by exercise."""
    likely: dict[str, list[float]] = {slug: [] for slug in course.concepts}
    for exercise in exercises:
        for slug in exercise.concepts:
            likely.setdefault(slug, []).append(_later(progress.get(exercise.pk), on))
    return [
        Concept(
            slug=slug,
            name=in_language(course.concepts.get(slug, {}), language, slug),
            mastery=round(100 * sum(chances) / len(chances)),
            solved=sum(chance > 0 for chance in chances),
            exercises=len(chances),
        )
        for slug, chances in likely.items()
        if chances
    ]


def _later(progress: ExerciseProgress | None, on: date) -> float:
    if progress is None or progress.solved_at is None:
        return 0.0
    return memory.remembered(progress, on=on + _AHEAD)
