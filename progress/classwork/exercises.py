"""How a class fares with each exercise: who solved it, after how many tries, with how many hints."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from statistics import median

from django.db.models import Case, Count, F, When, Window
from django.db.models.functions import RowNumber
from django.utils.translation import gettext as _

from lessons.models import Course, Exercise
from progress.classwork.pages import LessonName, lessons_in
from progress.classwork.spreadsheets import Table
from progress.classwork.tries import members_of, tries_of
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
    progress = ExerciseProgress.objects.filter(exercise__in=exercises, learner__in=members_of(cohort))
    reached = {
        exercise: (tried, solved)
        for exercise, tried, solved in progress.order_by()
        .values_list("exercise")
        .annotate(tried=Count("pk"), solved=Count("solved_at"))
    }
    hints = dict(
        HintTaken.objects.filter(exercise__in=exercises, learner__in=members_of(cohort))
        .order_by()
        .values_list("exercise")
        .annotate(taken=Count("pk"))
    )
    tries = _tries_until_solved(cohort, course)
    return [
        Outcome(
            exercise=exercise,
            title=exercise.title_in(language),
            lesson=lesson,
            tried=reached.get(exercise.pk, (0, 0))[0],
            solved=reached.get(exercise.pk, (0, 0))[1],
            tries=median(tries[exercise.pk]) if exercise.pk in tries else None,
            hints=hints.get(exercise.pk, 0),
        )
        for lesson in lessons_in(course, language=language)
        for exercise in by_lesson[lesson.lesson.pk]
    ]


def _tries_until_solved(cohort: Cohort, course: Course) -> dict[int, list[int]]:
    """By exercise: of each learner who passed, the how manieth try was the first to pass."""
    judged = tries_of(cohort).filter(exercise__course=course, passed__isnull=False)
    place = Window(RowNumber(), partition_by=[F("exercise"), F("learner")], order_by=F("created_at").asc())
    # Within the expression, as a filter of its own would take the failed tries away before they are numbered.
    passes = judged.annotate(place=Case(When(passed=True, then=place))).filter(place__isnull=False)
    first: dict[tuple[int, int], int] = {}
    for exercise, learner, at in passes.values_list("exercise", "learner", "place"):
        first[exercise, learner] = min(at, first.get((exercise, learner), at))
    found: dict[int, list[int]] = defaultdict(list)
    for (exercise, _learner), at in first.items():
        found[exercise].append(at)
    return dict(found)


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
