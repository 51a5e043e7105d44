"""Removing a course for good, which is for courses that nobody has worked in."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.db import models

from lessons.models import Course, Exercise, Lesson


def is_worked_in(course: Course, *, by_others_than: Any) -> bool:
    """Whether anything that people made would go with the course. To be asked in the deleting transaction.

    Found by foreign keys: other apps' rows that belong to somebody. A guest is somebody, too.
    """
    # Locked, so that no work begins between the question and the deletion.
    lessons = list(Lesson.objects.select_for_update().filter(course=course).order_by("pk"))
    places: tuple[tuple[type[models.Model], Any], ...] = (
        (Lesson, lessons),
        (Exercise, Exercise.objects.filter(course=course)),
        (Course, [course]),
    )
    return any(
        model._base_manager.filter(**{f"{place}__in": rows}).exclude(**{owner: by_others_than}).exists()
        for what, rows in places
        for model, place, owner in _work_on(what)
    )


def _work_on(what: type[models.Model]) -> list[tuple[type[models.Model], str, str]]:
    """The models of work that is deleted with such rows; their fields for these, and for whose work it is."""
    found = []
    for relation in what._meta.related_objects:
        model: Any = relation.related_model
        if model._meta.app_label == what._meta.app_label or relation.on_delete is not models.CASCADE:
            continue
        owners = [
            field.name for field in model._meta.concrete_fields if field.related_model is get_user_model()
        ]
        found += [(model, relation.field.name, owner) for owner in owners[:1]]
    return found
