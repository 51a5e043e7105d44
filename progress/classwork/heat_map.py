"""How far each learner of a class is with each lesson of a course."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from django.core.paginator import Page, Paginator
from django.db.models import Aggregate, Count, Q, TextField
from django.utils.functional import cached_property
from django.utils.html import format_html
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
    not_completed,
    stuck_since,
    tries_of,
)
from progress.models import Cohort, LessonProgress

LEARNERS_ON_PAGE = 200
ORDERS = ("progress", "-progress", "name")


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


@lru_cache(maxsize=1024)
def _html(cell: Cell) -> str:
    return f'<td class="heat-{cell.state}">{cell.text}</td>'


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
        """In the table, whose thousands of cells would take a loop in the template ten times as long."""
        return format_html(
            '<tr><th scope="row"><a href="learners/{}/">{}</a></th><td class="heat-sum">{}</td>{}</tr>',
            *(self.learner.pk, self.name, self.done),
            mark_safe("".join(map(_html, self.cells))),  # noqa: S308 - made of numbers and of our own words
        )


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
        return [round(100 * column.count(_DONE) / len(column)) for column in columns]

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
    reached = _reached(cohort, ids)
    pages = Paginator(_in_order(cohort, reached, order), LEARNERS_ON_PAGE)
    shown = pages.get_page(page)
    # A number for each learner makes a long statement; mostly all of them are on one page.
    learners: Any = [each.pk for each in shown] if shown.has_other_pages() else members_of(cohort)
    return HeatMap(course, lessons, _rows(shown, ids, reached, _tries(cohort, learners, course)), shown)


class _Joined(Aggregate):
    """Numbers as one text. A row for each learner is read far faster than one for each cell."""

    function = "STRING_AGG"
    template = "%(function)s(CAST(%(expressions)s AS text), ',')"
    output_field = TextField()

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self.as_sql(compiler, connection, function="GROUP_CONCAT", **context)


@dataclass(frozen=True)
class _Reached:
    """The lessons that a learner has completed, and those that were opened."""

    done: Sequence[int] = ()
    opened: Sequence[int] = ()


def _reached(cohort: Cohort, lessons: Sequence[int]) -> dict[int, _Reached]:
    """By learner, where there is anything to tell."""
    completed = Q(status=LessonProgress.Status.COMPLETED)
    progress = LessonProgress.objects.filter(learner__in=members_of(cohort), lesson__in=lessons).order_by()
    joined = progress.values_list("learner").annotate(
        done=_Joined("lesson", filter=completed), opened=_Joined("lesson", filter=~completed)
    )
    return {learner: _Reached(_numbers(done), _numbers(opened)) for learner, done, opened in joined}


def _numbers(joined: str | None) -> list[int]:
    return list(map(int, joined.split(","))) if joined else []


def _in_order(cohort: Cohort, reached: Mapping[int, _Reached], order: str) -> list[Any]:
    """The learners; those who have completed as many are in the order of their names."""
    learners = list(
        cohort.learners.only("username", "full_name", "first_name", "last_name").order_by("username")
    )
    if order == "name":
        return learners
    nothing = _Reached()
    return sorted(
        learners, key=lambda each: len(reached.get(each.pk, nothing).done), reverse=order == "progress"
    )


def _tries(cohort: Cohort, learners: Any, course: Course) -> dict[int, dict[int, Cell]]:
    """By learner and lesson what was tried lately, where the lesson is not completed.

    Of the whole course: asked for by their numbers, each learner's lessons would be looked up one by one.
    """
    counted = (
        tries_of(cohort)
        .filter(not_completed(), learner__in=learners, lesson__course=course, created_at__gte=stuck_since())
        .values_list("learner", "lesson")
        .annotate(failed=Count("lesson", filter=FAILED), succeeded=Count("lesson", filter=SUCCEEDED))
    )
    found: dict[int, dict[int, Cell]] = defaultdict(dict)
    for learner, lesson, failed, succeeded in counted:
        state = "stuck" if is_stuck(failed, succeeded) else "begun"
        found[learner][lesson] = Cell(state, failed + succeeded)
    return found


def _rows(
    learners: Iterable[Any],
    lessons: Sequence[int],
    reached: Mapping[int, _Reached],
    tries: Mapping[int, Mapping[int, Cell]],
) -> list[Row]:
    rows = []
    for learner in learners:
        own = reached.get(learner.pk, _Reached())
        cells = {
            **dict.fromkeys(own.opened, _OPENED),
            **tries.get(learner.pk, {}),
            **dict.fromkeys(own.done, _DONE),
        }
        rows.append(Row(learner, len(own.done), [cells.get(lesson, _EMPTY) for lesson in lessons]))
    return rows


def table(cohort: Cohort, course: Course, lessons: Sequence[LessonName]) -> Table:
    """Everybody, with the number of recent tries in each lesson."""
    ids = [each.lesson.pk for each in lessons]
    reached = _reached(cohort, ids)
    found = _rows(
        _in_order(cohort, reached, "name"), ids, reached, _tries(cohort, members_of(cohort), course)
    )
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
        for row in found
    ]
    return Table(head, rows)
