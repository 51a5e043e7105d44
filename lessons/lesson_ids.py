"""What programs call a lesson: the author's number, "4.2", in the default course, else "course-slug:4.2".

A lesson without a number of its own is called by its slug, inside a chapter by "chapter-slug.lesson-slug"; a
slug holds neither dot nor colon. Exercises are called by the ids that their files give them.
"""

from __future__ import annotations

from django.db.models import QuerySet

from lessons.models import Course, Exercise, Lesson

_LONGEST = 400  # characters


def default_course() -> Course | None:
    return Course.objects.first()


def lesson_id(lesson: Lesson, *, default: Course | None) -> str:
    """The lesson's id; two queries fewer when its `course` and `parent` are loaded."""
    name = lesson.number or _path(lesson)
    return name if default and lesson.course_id == default.pk else f"{lesson.course.slug}:{name}"


def find_lesson(text: str) -> Lesson | None:
    """The published lesson of this id; the first in reading order where an author gave a number twice."""
    if len(text) > _LONGEST or "\x00" in text:
        return None
    slug, colon, name = text.rpartition(":")
    course = Course.objects.filter(slug=slug).first() if colon else default_course()
    if course is None or not name:
        return None
    lessons = Lesson.objects.published().filter(course=course).select_related("course", "parent")
    return lessons.filter(number=name).first() or _by_path(lessons, name)


def exercise_id(exercise: Exercise, *, default: Course | None) -> str:
    """The exercise's id; a query fewer when its `course` is loaded."""
    is_default = default is not None and exercise.course_id == default.pk
    return exercise.slug if is_default else f"{exercise.course.slug}:{exercise.slug}"


def find_exercise(text: str) -> Exercise | None:
    """The published exercise of this id: "count-vowels" in the default course, else "course-slug:…"."""
    if len(text) > _LONGEST or "\x00" in text:
        return None
    slug, colon, name = text.rpartition(":")
    course = Course.objects.filter(slug=slug).first() if colon else default_course()
    found = (
        Exercise.objects.published().filter(course=course, slug=name) if course else Exercise.objects.none()
    )
    return found.select_related("lesson__course", "lesson__parent").first()


def _by_path(lessons: QuerySet[Lesson], name: str) -> Lesson | None:
    chapter, dot, slug = name.partition(".")
    if dot:
        return lessons.filter(parent__slug=chapter, slug=slug, number="").first()
    return lessons.filter(parent=None, slug=chapter, number="").first()


def _path(lesson: Lesson) -> str:
    return f"{lesson.parent.slug}.{lesson.slug}" if lesson.parent else lesson.slug
