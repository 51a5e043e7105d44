"""The lessons of a course as an instructor's tables name them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from lessons.models import Course, Lesson, LessonText
from lessons.outline import outlines

# What names and places a lesson; its course and its chapter may have a lot more.
_OF_LESSON = (
    *("lesson__number", "lesson__slug", "lesson__position", "lesson__is_retired"),
    *("lesson__parent__slug", "lesson__parent__position"),
    *("lesson__course__slug", "lesson__course__position"),
)


@dataclass(frozen=True)
class LessonName:
    lesson: Lesson
    title: str
    course: str = ""  # its title, where lessons of several may meet

    @property
    def short(self) -> str:
        """What the head of a narrow column says."""
        return self.lesson.number or self.title[:4]

    def __str__(self) -> str:
        return f"{self.lesson.number} {self.title}".strip()


def lessons_in(course: Course, *, language: str) -> list[LessonName]:
    """Every page of a course in reading order."""
    [outline] = outlines([course], language=language)
    return [LessonName(entry.lesson, entry.title) for entry in outline]


def names_of(lesson_ids: Iterable[int], *, language: str) -> dict[int, LessonName]:
    """These lessons by their ids, with chapter and course at hand."""
    texts = LessonText.objects.filter(lesson__in=set(lesson_ids)).preferring(language)
    named = list(texts.select_related("lesson__parent", "lesson__course").only("title", *_OF_LESSON))
    titles = _titles({text.lesson.course_id for text in named}, language=language)
    found: dict[int, LessonName] = {}
    for text in named:
        found.setdefault(text.lesson_id, LessonName(text.lesson, text.title, titles[text.lesson.course_id]))
    return found


def are_of_several_courses(lessons: Iterable[LessonName]) -> bool:
    """Whether a table of them has to say of which course each is: numbers are the same in all."""
    return len({name.lesson.course_id for name in lessons}) > 1


def _titles(course_ids: Iterable[int], *, language: str) -> dict[int, str]:
    named: Any = Course.objects.filter(pk__in=course_ids).titled(language)
    return {course.pk: course.title for course in named}
