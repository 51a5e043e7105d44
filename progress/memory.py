"""What learners remember of exercises, and when to do them again.

The method is FSRS-6, the Free Spaced Repetition Scheduler (J. Ye et al., open-spaced-repetition), with its
published parameters; docs/decisions/0011 says how runs become its ratings. It counts in days, and a day here
is one of the calendar: what was learnt in the evening can be due in the morning.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time

from django.db import transaction
from django.utils import timezone
from fsrs import Card, Rating, Scheduler, State

from lessons.models import Exercise
from progress import clock
from progress.models import ExerciseProgress, Owner

_WANTED = 0.9  # of what is due, so much should still be remembered
_LONGEST = 365  # days between reviews
# No steps of minutes: within a day an exercise is tried until it is solved. No chance: days are told ahead.
_scheduler = Scheduler(
    desired_retention=_WANTED,
    learning_steps=(),
    relearning_steps=(),
    maximum_interval=_LONGEST,
    enable_fuzzing=False,
)


@transaction.atomic
def note_attempt(*, owner: Owner, exercise: Exercise, passed: bool) -> ExerciseProgress:
    """A checked run of an exercise ended. It is rated if it says something about what the learner remembers.

    The first failure of an attempt is a rating, further ones are learning. To pass without failure or hint is
    better than with. Once solved, runs say nothing until the exercise is due: its code is still before the
    learner.
    """
    progress, _ = ExerciseProgress.objects.select_for_update().get_or_create(
        **owner.fields, exercise=exercise
    )
    today = clock.today()
    if not _counts(progress, today):
        return progress
    if passed:
        rate(progress, Rating.Hard if progress.failures or progress.hints else Rating.Good, on=today)
        if progress.solved_at is None:
            progress.solved_at, progress.tries = timezone.now(), progress.failures + 1
        progress.is_open, progress.failures, progress.hints = False, 0, 0
    else:
        if not progress.failures:
            rate(progress, Rating.Again, on=today)
        progress.is_open, progress.failures = True, progress.failures + 1
    progress.updated_at = timezone.now()
    progress.save()
    return progress


@transaction.atomic
def note_hint(*, owner: Owner, exercise: Exercise) -> None:
    """A hint was taken: the attempt under way is not the learner's alone."""
    progress, _ = ExerciseProgress.objects.select_for_update().get_or_create(
        **owner.fields, exercise=exercise
    )
    if _counts(progress, clock.today()):
        progress.hints += 1
        progress.save(update_fields=["hints"])


def remembered(progress: ExerciseProgress, *, on: date) -> float:
    """How likely the learner could solve the exercise on that day: 0.0…1.0."""
    return _scheduler.get_card_retrievability(_card(progress), _moment(on))


def rate(progress: ExerciseProgress, rating: Rating, *, on: date) -> None:
    """Take a rating in; saves nothing."""
    card, _ = _scheduler.review_card(_card(progress), rating, _moment(on))
    progress.stability, progress.difficulty = card.stability, card.difficulty
    progress.rated_on, progress.due_on = on, card.due.date()


def _counts(progress: ExerciseProgress, today: date) -> bool:
    return progress.is_open or progress.due_on is None or progress.due_on <= today


def _card(progress: ExerciseProgress) -> Card:
    if progress.rated_on is None or progress.due_on is None:
        return Card(card_id=0)
    return Card(
        card_id=0,
        state=State.Review,
        stability=progress.stability,
        difficulty=progress.difficulty,
        due=_moment(progress.due_on),
        last_review=_moment(progress.rated_on),
    )


def _moment(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=UTC)
