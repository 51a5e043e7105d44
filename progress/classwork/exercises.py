"""How a class fares with each exercise: who solved it, after how many tries, with how many hints."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from statistics import median

from django.db.models import Count, F
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
    """By exercise: of each learner who solved it, how many tries that took."""
    judged = tries_of(cohort).filter(exercise__course=course, passed__isnull=False)
    until_solved = judged.filter(
        exercise__progress__learner=F("learner"), created_at__lte=F("exercise__progress__solved_at")
    )
    found: dict[int, list[int]] = defaultdict(list)
    for exercise, _learner, tries in until_solved.values_list("exercise", "learner").annotate(n=Count("pk")):
        found[exercise].append(tries)
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
