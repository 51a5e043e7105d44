"""Which errors the programs of a class end with, those of the most learners first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Max
from django.utils import timezone
from django.utils.translation import gettext as _

from progress.classwork.pages import LessonName, names_of
from progress.classwork.spreadsheets import Table
from progress.classwork.tries import FAILED, outcome_in_words, tries_of
from progress.models import Cohort, Submission

DAYS = 28
SHOWN = 50


@dataclass(frozen=True)
class CommonError:
    """Runs of a lesson that ended alike: `error` is the last line less what differs, empty for a limit."""

    lesson: LessonName
    error: str
    runs: int
    learners: int
    last: datetime
    example: Submission  # the latest of them, without its bulk

    @property
    def outcome(self) -> str:
        return outcome_in_words(self.example)


def common_errors(cohort: Cohort, *, language: str, limit: int = SHOWN) -> list[CommonError]:
    """Those of the last `DAYS` days."""
    failed = tries_of(cohort).filter(FAILED, created_at__gte=timezone.now() - timedelta(days=DAYS))
    groups = list(
        failed.filter(lesson__is_retired=False)
        .values("lesson", "outcome", "passed", "error")
        .annotate(runs=Count("lesson"), learners=Count("learner", distinct=True), last=Max("created_at"))
        .order_by("-learners", "-runs", "-last")[:limit]
    )
    lessons = names_of((group["lesson"] for group in groups), language=language)
    latest = tries_of(cohort).filter(FAILED, created_at__in=[group["last"] for group in groups])
    examples = {
        (run.lesson_id, run.outcome, run.passed, run.error, run.created_at): run
        for run in latest.only("learner", "lesson", "outcome", "passed", "error", "created_at")
    }
    return [
        CommonError(
            lesson=lessons[group["lesson"]],
            error=group["error"],
            runs=group["runs"],
            learners=group["learners"],
            last=group["last"],
            example=examples[
                group["lesson"], group["outcome"], group["passed"], group["error"], group["last"]
            ],
        )
        for group in groups
        if group["lesson"] in lessons
    ]


def table(cohort: Cohort, *, language: str) -> Table:
    head = [
        *(_("Course"), _("Lesson"), _("Outcome"), _("Error")),
        *(_("Learners"), _("Runs"), _("Last seen")),
    ]
    found = common_errors(cohort, language=language, limit=10_000)
    return Table(
        head,
        [
            [
                *(each.lesson.course, str(each.lesson), each.outcome, each.error),
                *(each.learners, each.runs, each.last),
            ]
            for each in found
        ],
    )
