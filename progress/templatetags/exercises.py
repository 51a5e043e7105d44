"""Where the page of a lesson shows its exercises."""

from __future__ import annotations

from typing import Any

from django import template

from lessons.models import LessonText
from progress.exercises import exercises_of
from progress.views.ownership import owner_of

register = template.Library()


@register.inclusion_tag("progress/_exercises.html", takes_context=True)
def lesson_exercises(context: dict[str, Any], text: LessonText) -> dict[str, Any]:
    """The exercises of a lesson in the language of its text, as far as the reader is with them."""
    shown = exercises_of(text.lesson, owner=owner_of(context["request"]), language=text.language)
    return {"exercises": shown, "language": text.language, "LANGUAGE_CODE": context["request"].LANGUAGE_CODE}
