"""Where a page of the courses shows how far its reader is; the marks come from a context processor."""

from __future__ import annotations

from typing import Any

from django import template

from lessons.models import Exercise
from lessons.outline import Entry, Outline
from progress.completion import unsolved_in
from progress.marks import course_standing, latest_lesson, status_of, where_to_go_on, where_to_go_on_in
from progress.views.ownership import owner_of

register = template.Library()


@register.inclusion_tag("progress/_mark.html", takes_context=True)
def mark(context: dict[str, Any], entry: Entry) -> dict[str, Any]:
    """The mark of one page in a list."""
    return {"status": status_of(entry, context["marks"])}


@register.inclusion_tag("progress/_course_standing.html", takes_context=True)
def standing(context: dict[str, Any], outline: Outline) -> dict[str, Any]:
    """How much of a course is done; nothing before it is begun."""
    return {"standing": course_standing(outline, context["marks"]), "begun": bool(context["marks"])}


@register.inclusion_tag("progress/_begin_or_continue.html", takes_context=True)
def begin_or_continue(context: dict[str, Any], outline: Outline) -> dict[str, Any]:
    """The way into a course: its first page, or where its reader goes on."""
    following = where_to_go_on(outline, context["marks"])
    return {"entry": following or outline.first, "goes_on": following is not None}


@register.inclusion_tag("progress/_start_or_continue.html", takes_context=True)
def start_or_continue(context: dict[str, Any], shelf: list[Outline], start: Entry | None) -> dict[str, Any]:
    """The way in from the first page: where its reader goes on, or where everybody begins."""
    marks, following = context["marks"], None
    if marks:
        following = where_to_go_on_in(shelf, marks, latest=latest_lesson(owner_of(context["request"])))
    return {"start": start, "following": following, "is_begun": bool(marks), "user": context["user"]}


@register.inclusion_tag("progress/_lesson_standing.html", takes_context=True)
def lesson_standing(context: dict[str, Any], entry: Entry) -> dict[str, Any]:
    """At the end of a lesson: whether it is done, and what makes it so: its exercises, or a button."""
    required = Exercise.objects.published().filter(lesson=entry.lesson, optional=False).count()
    left = unsolved_in(entry.lesson, owner=owner_of(context["request"])).count() if required else 0
    return {
        "entry": entry,
        "status": status_of(entry, context["marks"]),
        "required": required,
        "solved": required - left,
        "user": context["user"],
    }
