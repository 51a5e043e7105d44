"""Which image a course's programs run in."""

from __future__ import annotations

from lessons.models import Course, Lesson
from sandbox.image import AGENT, SHIPPED, Image, with_packages


def image_of(course: Course) -> Image:
    return with_packages(SHIPPED[course.image], course.packages)


def image_for(lesson: Lesson | None) -> Image:
    """What the programs of a lesson run in; those of none, in the image for agents."""
    return image_of(lesson.course) if lesson else AGENT


def images_of_courses() -> list[Image]:
    """Those that lessons' programs need, the one for agents first."""
    courses = Course.objects.order_by("position", "slug")
    return list(dict.fromkeys([AGENT, *map(image_of, courses)]))
