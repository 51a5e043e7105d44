"""How much a class does, day by day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Count
from django.db.models.functions import TruncDate
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext as _

from progress.classwork.spreadsheets import Table
from progress.classwork.tries import SUCCEEDED, members_of, tries_of
from progress.models import Cohort, LessonProgress
from sandbox.charts import Chart

DAYS = 56


@dataclass(frozen=True)
class Day:
    day: date
    runs: int = 0
    succeeded: int = 0
    learners: int = 0  # who ran something
    completed: int = 0  # lessons


@dataclass(frozen=True)
class Activity:
    """The last days, today last."""

    days: Sequence[Day]

    @cached_property
    def runs(self) -> Chart:
        return Chart.of([day.runs for day in self.days], [day.succeeded for day in self.days])

    @cached_property
    def learners(self) -> Chart:
        return Chart.of([day.learners for day in self.days])

    @cached_property
    def completed(self) -> Chart:
        return Chart.of([day.completed for day in self.days])

    @property
    def totals(self) -> dict[str, int]:
        return {name: sum(getattr(day, name) for day in self.days) for name in ("runs", "completed")}

    @property
    def latest_first(self) -> list[Day]:
        """The days on which anything happened."""
        return [day for day in reversed(self.days) if day.runs or day.completed]


def activity_of(cohort: Cohort) -> Activity:
    today = timezone.localdate()
    days = [today - timedelta(days=before) for before in reversed(range(DAYS))]
    begin = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=DAYS - 1)
    ran = _ran_since(begin, cohort)
    completed = dict(
        LessonProgress.objects.filter(learner__in=members_of(cohort), completed_at__gte=begin)
        .annotate(day=TruncDate("completed_at"))
        .values_list("day")
        .annotate(lessons=Count("lesson"))
    )
    return Activity([Day(day, *ran.get(day, (0, 0, 0)), completed.get(day, 0)) for day in days])


def _ran_since(begin: datetime, cohort: Cohort) -> dict[date, tuple[int, int, int]]:
    """Runs, those that succeeded, and learners who ran anything, by day."""
    by_learner = (
        tries_of(cohort)
        .filter(created_at__gte=begin)
        .annotate(day=TruncDate("created_at"))
        .values("day", "learner")
        .annotate(runs=Count("lesson"), succeeded=Count("lesson", filter=SUCCEEDED))
    )
    # Grouped once more, which the ORM does not do: for COUNT(DISTINCT …) PostgreSQL would sort all the runs.
    parts, parameters = by_learner.query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT day, SUM(runs), SUM(succeeded), COUNT(*) FROM ({parts}) AS parts GROUP BY day",  # noqa: S608 - the ORM's own text
            parameters,
        )
        return {_as_date(day): (int(runs), int(good), who) for day, runs, good, who in cursor.fetchall()}


def _as_date(day: Any) -> date:
    """SQLite tells dates as text."""
    return day if isinstance(day, date) else date.fromisoformat(day)


def table(cohort: Cohort) -> Table:
    head = [_("Day"), _("Runs"), _("of these successful"), _("Active learners"), _("Lessons completed")]
    days = activity_of(cohort).days
    return Table(head, [[str(day.day), day.runs, day.succeeded, day.learners, day.completed] for day in days])
