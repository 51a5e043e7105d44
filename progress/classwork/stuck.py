"""Who tries a lesson again and again without success, and for how long."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import Count, Max, Min
from django.utils.translation import gettext as _

from progress.classwork.pages import LessonName, names_of
from progress.classwork.spreadsheets import Table
from progress.classwork.tries import (
    FAILED,
    STUCK_TRIES,
    SUCCEEDED,
    not_completed,
    outcome_in_words,
    stuck_since,
    tries_of,
)
from progress.models import Cohort, Submission

SHOWN = 100


@dataclass(frozen=True)
class Stuck:
    """A learner with a lesson: so many `tries` have failed since the first of them."""

    learner: Any
    lesson: LessonName
    tries: int
    since: datetime
    last: Submission  # the latest of these tries, without its bulk

    @property
    def outcome(self) -> str:
        return outcome_in_words(self.last)


def stuck_in(cohort: Cohort, *, language: str, limit: int = SHOWN) -> list[Stuck]:
    """Those who have been stuck for longest come first."""
    groups = list(
        tries_of(cohort)
        .filter(not_completed(), created_at__gte=stuck_since(), lesson__is_retired=False)
        .values("learner", "lesson")
        .annotate(
            tries=Count("lesson", filter=FAILED),
            succeeded=Count("lesson", filter=SUCCEEDED),
            since=Min("created_at", filter=FAILED),
            last=Max("created_at", filter=FAILED),
        )
        .filter(tries__gte=STUCK_TRIES, succeeded=0)
        .order_by("since")[:limit]
    )
    named = get_user_model().objects.only("username", "full_name", "first_name", "last_name")
    learners = named.in_bulk({group["learner"] for group in groups})
    lessons = names_of((group["lesson"] for group in groups), language=language)
    latest = tries_of(cohort).filter(FAILED, created_at__in=[group["last"] for group in groups])
    runs = {
        (run.learner_id, run.lesson_id, run.created_at): run
        for run in latest.only("learner", "lesson", "outcome", "passed", "error", "created_at")
    }
    return [
        Stuck(
            learner=learners[group["learner"]],
            lesson=lessons[group["lesson"]],
            tries=group["tries"],
            since=group["since"],
            last=runs[group["learner"], group["lesson"], group["last"]],
        )
        for group in groups
        if group["lesson"] in lessons
    ]


def table(cohort: Cohort, *, language: str) -> Table:
    head = [
        *(_("User name"), _("Name"), _("Course"), _("Lesson"), _("Failed tries"), _("Stuck since")),
        *(_("Last try"), _("Outcome"), _("Last error")),
    ]
    found = stuck_in(cohort, language=language, limit=10_000)
    return Table(
        head,
        [
            [
                *(stuck.learner.username, stuck.learner.get_full_name(), stuck.lesson.course),
                *(str(stuck.lesson), stuck.tries, stuck.since, stuck.last.created_at),
                *(stuck.outcome, stuck.last.error),
            ]
            for stuck in found
        ],
    )
