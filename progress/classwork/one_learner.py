"""How one learner is with the lessons that were begun."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Max

from progress.classwork.pages import LessonName, names_of
from progress.classwork.tries import FAILED
from progress.models import LessonProgress, Submission


@dataclass(frozen=True)
class LessonWork:
    """A lesson that a learner has opened or run something in."""

    lesson: LessonName
    completed_at: datetime | None
    tries: int
    failed: int
    last: datetime | None  # when something was run last


def lessons_of(learner: Any, *, language: str) -> list[LessonWork]:
    """In reading order."""
    completed = dict(LessonProgress.objects.filter(learner=learner).values_list("lesson", "completed_at"))
    counted = Submission.objects.on_lessons().filter(learner=learner).order_by().values_list("lesson")
    ran = {
        lesson: (tries, failed, last)
        for lesson, tries, failed, last in counted.annotate(
            tries=Count("lesson"), failed=Count("lesson", filter=FAILED), last=Max("created_at")
        )
    }
    names = names_of({*completed, *ran}, language=language)
    found = [
        LessonWork(name, completed.get(lesson), *ran.get(lesson, (0, 0, None)))
        for lesson, name in names.items()
        if not name.lesson.is_retired
    ]
    return sorted(found, key=lambda work: _place(work.lesson))


def _place(name: LessonName) -> tuple[Any, ...]:
    lesson, chapter = name.lesson, name.lesson.parent
    if chapter is None:
        return (lesson.course.position, lesson.course.slug, lesson.position, -1)
    return (lesson.course.position, lesson.course.slug, chapter.position, lesson.position)
