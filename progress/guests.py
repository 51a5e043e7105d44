"""What somebody did as a guest belongs to the account they then sign in to."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import F

from progress.models import ExerciseProgress, HintTaken, LessonProgress, Owner, StudyTime, Submission
from tutor.gateway import owner_of
from tutor.models import Conversation, ModelCall


@transaction.atomic
def adopt_work_of_guest(*, guest_key: str, learner: Any) -> int:
    """Give the guest's runs, progress and talks to the learner; returns how many runs. Safe to repeat.

    What they asked of models goes along, to be exported and erased with the account; budgets still count it
    as the guest's.
    """
    if not guest_key:
        return 0
    guest = owner_of(user_id=None, visitor=guest_key)
    ModelCall.objects.filter(user=None, owner=guest).update(user=learner)
    _adopt_progress(Owner(guest_key=guest_key), Owner(learner.pk))
    _adopt_hints(Owner(guest_key=guest_key), Owner(learner.pk))
    Conversation.all_rows.of_guest(guest_key).update(user=learner, guest_key="")
    runs = Submission.objects.filter(learner=None, guest_key=guest_key)
    # Runs that are not over lose their place: the learner's own may hold one of the same number.
    moved = runs.unfinished().update(learner=learner, guest_key="", slot=None)
    return moved + runs.update(learner=learner, guest_key="")


def _adopt_progress(guest: Owner, learner: Owner) -> None:
    """Where both have a row of the same thing, the learner's takes in what the guest's has more."""
    has = list(LessonProgress.objects.of(learner).values_list("lesson", flat=True))
    LessonProgress.objects.of(guest).exclude(lesson__in=has).update(**learner.fields)
    for progress in LessonProgress.objects.of(guest).completed():
        begun = LessonProgress.objects.of(learner).in_progress().filter(lesson=progress.lesson_id)
        begun.update(status=progress.status, completed_at=progress.completed_at)
    LessonProgress.objects.of(guest).delete()

    for attempt in ExerciseProgress.objects.of(guest):
        known = ExerciseProgress.objects.of(learner).filter(exercise=attempt.exercise_id)
        # Whoever got further is right: a solution outweighs tries, the later rating the earlier one.
        if attempt.solved_at or not known.solved().exists():
            known.delete()
            ExerciseProgress.objects.filter(pk=attempt.pk).update(**learner.fields)
    ExerciseProgress.objects.of(guest).delete()

    for time in StudyTime.objects.of(guest):
        same = StudyTime.objects.of(learner).filter(lesson=time.lesson_id, day=time.day)
        if not same.update(seconds=F("seconds") + time.seconds):
            StudyTime.objects.filter(pk=time.pk).update(**learner.fields)
    StudyTime.objects.of(guest).delete()


def _adopt_hints(guest: Owner, learner: Owner) -> None:
    """The hints taken as a guest, but those that the learner had taken already."""
    for hint in HintTaken.objects.of(guest):
        HintTaken.objects.get_or_create(**learner.fields, exercise_id=hint.exercise_id, number=hint.number)
    HintTaken.objects.of(guest).delete()
