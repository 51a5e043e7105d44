"""Marks beside lessons: what the reader of a page has begun and completed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from lessons.outline import Entry, Outline
from progress.models import LessonProgress, Owner

Marks = Mapping[int, str]  # of a lesson by its key: a status


def marks_of(owner: Owner) -> Marks:
    return dict(LessonProgress.objects.of(owner).values_list("lesson", "status")) if owner else {}


def latest_lesson(owner: Owner) -> int | None:
    """The lesson that was open last, by its key."""
    of_owner = LessonProgress.objects.of(owner).of_published().order_by("-updated_at", "-pk")
    return of_owner.values_list("lesson", flat=True).first()


def status_of(entry: Entry, marks: Marks) -> str:
    """Of a page: a chapter that has lessons is as far as they are. Empty: not begun."""
    if not entry.lessons:
        return marks.get(entry.lesson.pk, "")
    inside = {marks.get(child.lesson.pk, "") for child in entry.lessons}
    if inside == {LessonProgress.Status.COMPLETED}:
        return LessonProgress.Status.COMPLETED
    return LessonProgress.Status.IN_PROGRESS if inside != {""} else ""


@dataclass(frozen=True)
class CourseStanding:
    """How much of a course is done. Chapters that have lessons are counted by them."""

    done: int
    total: int
    next: Entry | None  # the first lesson that is not done; None when all are

    @property
    def percentage(self) -> int:
        return round(100 * self.done / self.total) if self.total else 0


def course_standing(outline: Outline, marks: Marks) -> CourseStanding:
    pages = [entry for entry in outline if not entry.lessons]
    left = [entry for entry in pages if status_of(entry, marks) != LessonProgress.Status.COMPLETED]
    return CourseStanding(done=len(pages) - len(left), total=len(pages), next=left[0] if left else None)


def where_to_go_on(outline: Outline, marks: Marks) -> Entry | None:
    """The next page that is not done, from the furthest one begun; None for a course not begun or all done.

    Pages that were skipped, such as a preface, come when nothing else is left.
    """
    pages = [entry for entry in outline if not entry.lessons]
    begun = [number for number, entry in enumerate(pages) if status_of(entry, marks)]
    if not begun:
        return None
    ahead = pages[begun[-1] :] + pages
    return next(
        (entry for entry in ahead if status_of(entry, marks) != LessonProgress.Status.COMPLETED), None
    )


def where_to_go_on_in(shelf: Iterable[Outline], marks: Marks, *, latest: int | None) -> Entry | None:
    """The next page of the course of the latest lesson; if that is done, of another one begun."""
    nearest = sorted(shelf, key=lambda outline: all(entry.lesson.pk != latest for entry in outline))
    return next(filter(None, (where_to_go_on(outline, marks) for outline in nearest)), None)
