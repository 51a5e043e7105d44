"""What a class has run in lessons, and what counts there as success, as failure and as being stuck."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from progress.models import Cohort, LessonProgress, Submission, SubmissionQuerySet
from sandbox.execution import Outcome

# Of an exercise its checks decide, else how the program ended; one that was stopped is neither.
SUCCEEDED = Q(passed=True) | Q(passed=None, outcome=Outcome.OK)
FAILED = Q(passed=False) | Q(passed=None) & ~Q(outcome__in=[Outcome.OK, Outcome.CANCELLED])

# Stuck is who failed so often in so many days, succeeded never, and has not completed the lesson.
STUCK_TRIES = 3
STUCK_DAYS = 14


def tries_of(cohort: Cohort) -> SubmissionQuerySet:
    """The finished runs in lessons of a class."""
    return Submission.objects.on_lessons().filter(learner__in=members_of(cohort)).order_by()


def members_of(cohort: Cohort) -> QuerySet[Any, Any]:
    """The ids of its learners, for other queries."""
    through: Any = Cohort.learners.through
    found: QuerySet[Any, Any] = through.objects.filter(cohort=cohort.pk).values("user_id")
    return found


def is_stuck(failed: int, succeeded: int) -> bool:
    """Of the tries of those days, in a lesson that is not completed."""
    return failed >= STUCK_TRIES and not succeeded


def stuck_since() -> datetime:
    """The begin of the days that count for being stuck."""
    return timezone.now() - timedelta(days=STUCK_DAYS)


def not_completed() -> Q:
    """Of runs: those in lessons that their learner has not completed."""
    completed = LessonProgress.objects.filter(
        learner=OuterRef("learner"), lesson=OuterRef("lesson"), status=LessonProgress.Status.COMPLETED
    )
    return ~Q(Exists(completed))


def outcome_in_words(run: Submission) -> str:
    """How a try ended, where the program may be fine and the exercise not solved."""
    if run.passed is False and run.outcome == Outcome.OK:
        return _("checks not passed")
    return str(run.get_outcome_display())
