"""How far learners are: lessons begun and completed, the time they take, and all of it summed up."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils import timezone

from lessons.models import Course, Exercise, ExerciseQuerySet, Lesson
from progress import memory
from progress.models import ExerciseProgress, LessonProgress, Owner, StudyTime, Submission

_LONGEST_BEAT = 90  # seconds that one word from an open page may add: it sends one a minute


@dataclass(frozen=True)
class Standing:
    """A learner's progress through some courses: lessons, in the order of completion, out of `total`."""

    completed: tuple[Lesson, ...]
    current: Lesson | None
    total: int

    @property
    def percentage(self) -> float:
        """0.0…100.0, with one digit after the point."""
        return round(100 * len(self.completed) / self.total, 1) if self.total else 0.0


@transaction.atomic
def mark_lesson(*, owner: Owner, lesson: Lesson, status: str) -> LessonProgress:
    """Set a lesson begun or completed. What was completed stays so at its first time, until begun anew."""
    progress, created = LessonProgress.objects.select_for_update().get_or_create(
        **owner.fields, lesson=lesson, defaults=_state(status)
    )
    if created or progress.status == status == LessonProgress.Status.COMPLETED:
        return progress
    for field, value in _state(status).items():
        setattr(progress, field, value)
    progress.save(update_fields=["status", "completed_at", "updated_at"])
    return progress


def begin_lesson(*, owner: Owner, lesson: Lesson) -> None:
    """Note that the learner is at this lesson now; a completed one stays so."""
    rows = LessonProgress.objects.of(owner).filter(lesson=lesson)
    if not rows.update(updated_at=timezone.now()):
        LessonProgress.objects.get_or_create(**owner.fields, lesson=lesson)


@transaction.atomic
def note_study(*, owner: Owner, lesson: Lesson, seconds: int) -> None:
    """An open page says that its lesson was before the learner for so long since it last said so.

    The overview of a chapter is done when it was opened: what there is to do is in its lessons.
    """
    if lesson.is_chapter and lesson.children.filter(is_retired=False).exists():
        mark_lesson(owner=owner, lesson=lesson, status=LessonProgress.Status.COMPLETED)
    else:
        begin_lesson(owner=owner, lesson=lesson)
    if not seconds:
        return
    now = timezone.now()
    times = StudyTime.objects.select_for_update()
    time, created = times.get_or_create(**owner.fields, lesson=lesson, day=timezone.localdate(now))
    # Two tabs at once are one learner: no more time passes than the clock's.
    passed = _LONGEST_BEAT if created else (now - time.updated_at).total_seconds()
    time.seconds += round(min(seconds, passed, _LONGEST_BEAT))
    time.updated_at = now
    time.save(update_fields=["seconds", "updated_at"])


def note_run(submission: Submission) -> bool:
    """A program of a lesson ran: its learner is at that lesson."""
    owner = Owner(submission.learner_id, submission.guest_key)
    if submission.lesson is not None and owner:
        begin_lesson(owner=owner, lesson=submission.lesson)
    return True


def note_checked(submission: Submission) -> None:
    """Take account of a run whose checks were judged, in the transaction that finishes it.

    It is what tells how well the exercise is remembered. A lesson is completed when each of its exercises is
    solved but for the optional ones.
    """
    owner, exercise = Owner(submission.learner_id, submission.guest_key), submission.exercise
    if exercise is None or submission.passed is None or not owner:
        return
    begin_lesson(owner=owner, lesson=exercise.lesson)
    memory.note_attempt(owner=owner, exercise=exercise, passed=submission.passed)
    if submission.passed and not unsolved_in(exercise.lesson, owner=owner).exists():
        mark_lesson(owner=owner, lesson=exercise.lesson, status=LessonProgress.Status.COMPLETED)


def unsolved_in(lesson: Lesson, *, owner: Owner) -> ExerciseQuerySet:
    """What the learner has to solve before the lesson is completed."""
    solved = ExerciseProgress.objects.of(owner).solved().values("exercise")
    return Exercise.objects.published().filter(lesson=lesson, optional=False).exclude(pk__in=solved)


def standing(*, learner: Any, courses: Iterable[Course]) -> Standing:
    """Where the learner stands in these courses; lessons that are not published any more do not count."""
    courses = list(courses)
    rows = LessonProgress.objects.filter(learner=learner, lesson__course__in=courses).of_published()
    rows = rows.select_related("lesson__course", "lesson__parent")
    begun = rows.in_progress().first()
    return Standing(
        completed=tuple(row.lesson for row in rows.completed()),
        current=begun.lesson if begun else None,
        total=Lesson.objects.published().filter(course__in=courses).count(),
    )


def _state(status: str) -> dict[str, Any]:
    completed = status == LessonProgress.Status.COMPLETED
    return {"status": status, "completed_at": timezone.now() if completed else None}
