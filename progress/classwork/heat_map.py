"""How far each learner of a class is with each lesson of a course."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.core.paginator import Page, Paginator
from django.db.models import Count, Q, QuerySet
from django.utils.functional import cached_property
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from lessons.models import Course
from progress.classwork.pages import LessonName
from progress.classwork.spreadsheets import Table
from progress.classwork.tries import (
    FAILED,
    STUCK_DAYS,
    SUCCEEDED,
    is_stuck,
    members_of,
    stuck_since,
    tries_of,
)
from progress.models import Cohort, LessonProgress

LEARNERS_ON_PAGE = 200
ORDERS = {"progress": ("-done", "username"), "-progress": ("done", "username"), "name": ("username",)}


class Cell(NamedTuple):
    """A learner with a lesson: `state` is "done", "stuck", "begun" or "none", `tries` are the recent ones."""

    state: str
    tries: int = 0

    @property
    def text(self) -> str:
        """So that the state is not told by colour alone."""
        if self.state == "done":
            return "✓"
        if self.state == "stuck":
            return f"{self.tries}!"
        if self.state == "begun":
            return str(self.tries) if self.tries else "○"
        return ""


_DONE, _OPENED, _EMPTY = Cell("done"), Cell("begun"), Cell("none")


@dataclass(frozen=True)
class Row:
    """A learner; `done` of the lessons shown are completed."""

    learner: Any
    done: int
    cells: Sequence[Cell]

    @property
    def name(self) -> str:
        return str(self.learner.get_full_name() or self.learner.username)

    @property
    def html(self) -> SafeString:
        """The cells of the table: thousands, for which a loop in the template takes ten times as long."""
        cells = (f'<td class="heat-{cell.state}">{cell.text}</td>' for cell in self.cells)
        return mark_safe("".join(cells))  # noqa: S308 - made of numbers and of our own words


@dataclass(frozen=True)
class HeatMap:
    course: Course
    lessons: Sequence[LessonName]
    rows: Sequence[Row]
    page: Page[Any]

    @cached_property
    def shares(self) -> list[int]:
        """Of each lesson, in percent: how many of the learners shown have completed it."""
        columns = zip(*(row.cells for row in self.rows), strict=True) if self.rows else []
        return [round(100 * sum(cell.state == "done" for cell in column) / len(column)) for column in columns]

    @property
    def columns(self) -> list[tuple[LessonName, int]]:
        return list(zip(self.lessons, self.shares or [0] * len(self.lessons), strict=True))


def heat_map(
    cohort: Cohort,
    course: Course,
    lessons: Sequence[LessonName],
    *,
    order: str = "progress",
    page: Any = 1,
) -> HeatMap:
    """Some lessons of a course by the learners of a class."""
    ids = [each.lesson.pk for each in lessons]
    done = Q(lessonprogress__status=LessonProgress.Status.COMPLETED, lessonprogress__lesson__in=ids)
    learners = cohort.learners.only("username", "full_name", "first_name", "last_name")
    counted: QuerySet[Any] = learners.annotate(done=Count("lessonprogress", filter=done)).order_by(
        *ORDERS[order]
    )
    pages = Paginator(counted, LEARNERS_ON_PAGE)
    pages.count = cohort.learners.count()  # without what is counted of each
    shown = pages.get_page(page)
    cells = _cells(cohort, shown, ids)
    rows = [
        Row(learner, learner.done, [cells.get((learner.pk, lesson), _EMPTY) for lesson in ids])
        for learner in shown
    ]
    return HeatMap(course, lessons, rows, shown)


def _cells(cohort: Cohort, shown: Page[Any], lessons: Sequence[int]) -> dict[tuple[int, int], Cell]:
    """By learner and lesson, where there is anything to tell."""
    # A number for each learner makes a long statement; mostly all of them are on one page.
    learners: Any = list(shown) if shown.has_other_pages() else members_of(cohort)
    counted = (
        tries_of(cohort)
        .filter(learner__in=learners, lesson__in=lessons, created_at__gte=stuck_since())
        .values_list("learner", "lesson")
        .annotate(failed=Count("lesson", filter=FAILED), succeeded=Count("lesson", filter=SUCCEEDED))
    )
    cells = {
        (learner, lesson): Cell("stuck" if is_stuck(failed, succeeded) else "begun", failed + succeeded)
        for learner, lesson, failed, succeeded in counted
    }
    progress = LessonProgress.objects.filter(learner__in=learners, lesson__in=lessons)
    for learner, lesson, status in progress.values_list("learner", "lesson", "status"):
        if status == LessonProgress.Status.COMPLETED:
            cells[learner, lesson] = _DONE
        else:
            cells.setdefault((learner, lesson), _OPENED)
    return cells


def table(cohort: Cohort, course: Course, lessons: Sequence[LessonName]) -> Table:
    """Everybody, with the number of recent tries in each lesson."""
    pages = Paginator(cohort.learners.order_by("pk"), LEARNERS_ON_PAGE).page_range
    found = [heat_map(cohort, course, lessons, order="name", page=page) for page in pages]
    words = {"done": _("completed"), "stuck": _("stuck"), "begun": _("begun"), "none": ""}
    head = [_("User name"), _("Name"), _("Completed")]
    tries = _("%(lesson)s: tries in %(days)s days")
    for lesson in lessons:
        head += [str(lesson), tries % {"lesson": lesson.short, "days": STUCK_DAYS}]
    rows = [
        [
            row.learner.username,
            row.learner.get_full_name(),
            row.done,
            *(value for cell in row.cells for value in (words[cell.state], cell.tries)),
        ]
        for part in found
        for row in part.rows
    ]
    return Table(head, rows)
