"""How a class fares with each exercise: who solved it, after how many tries, with how many hints."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from statistics import median

from django.db.models import Count, QuerySet
from django.utils.translation import gettext as _

from lessons.models import Course, Exercise
from progress.classwork.pages import LessonName, lessons_in
from progress.classwork.spreadsheets import Table
from progress.classwork.tries import members_of
from progress.models import Cohort, ExerciseProgress, HintTaken


@dataclass(frozen=True)
class Outcome:
    """Learners who tried an exercise and who solved it; `tries` is the median until it was solved."""

    exercise: Exercise
    title: str
    lesson: LessonName
    tried: int
    solved: int
    tries: float | None
    hints: int

    @property
    def share(self) -> int | None:
        """Of those who tried, in percent."""
        return round(100 * self.solved / self.tried) if self.tried else None


def outcomes(cohort: Cohort, course: Course, *, language: str) -> list[Outcome]:
    """In reading order."""
    exercises = Exercise.objects.published().filter(course=course)
    by_lesson: dict[int, list[Exercise]] = defaultdict(list)
    for exercise in exercises.order_by("position", "slug"):
        by_lesson[exercise.lesson_id].append(exercise)
    reached = _reached(cohort, exercises)
    hints = dict(
        HintTaken.objects.filter(exercise__in=exercises, learner__in=members_of(cohort))
        .order_by()
        .values_list("exercise")
        .annotate(taken=Count("pk"))
    )
    return [
        Outcome(
            exercise=exercise,
            title=exercise.title_in(language),
            lesson=lesson,
            tried=reached[exercise.pk].tried,
            solved=reached[exercise.pk].solved,
            tries=median(reached[exercise.pk].tries) if reached[exercise.pk].tries else None,
            hints=hints.get(exercise.pk, 0),
        )
        for lesson in lessons_in(course, language=language)
        for exercise in by_lesson[lesson.lesson.pk]
    ]


@dataclass
class _Reached:
    """How far a class is with an exercise; `tries` are those of each learner who solved it."""

    tried: int = 0
    solved: int = 0
    tries: list[int] = field(default_factory=list)


def _reached(cohort: Cohort, exercises: QuerySet[Exercise]) -> dict[int, _Reached]:
    """By exercise. The database counts who took how many tries, which is a few rows whatever the class."""
    progress = ExerciseProgress.objects.filter(exercise__in=exercises, learner__in=members_of(cohort))
    counted = progress.order_by().values_list("exercise", "tries")
    found: dict[int, _Reached] = defaultdict(_Reached)
    for exercise, tries, learners, solved in counted.annotate(tried=Count("pk"), solved=Count("solved_at")):
        reached = found[exercise]
        reached.tried += learners
        reached.solved += solved
        if tries:
            reached.tries += [tries] * solved
    return found


def table(cohort: Cohort, course: Course, *, language: str) -> Table:
    head = [
        *(_("Lesson"), _("Exercise"), _("Tried by"), _("Solved by"), _("Solved, in %")),
        *(_("Tries until solved (median)"), _("Hints taken")),
    ]
    return Table(
        head,
        [
            [str(each.lesson), each.title, each.tried, each.solved, each.share, each.tries, each.hints]
            for each in outcomes(cohort, course, language=language)
        ],
    )
