"""A draft in its place on the site, for staff and for whoever was given its link."""

from __future__ import annotations

from django.http import Http404, HttpRequest
from django.utils.translation import override

from lessons.models import LessonDraft

PARAMETER = "draft"


def draft_to_show(
    request: HttpRequest, *, course: str, chapter: str, lesson: str, language: str
) -> LessonDraft | None:
    """The draft that the address asks for; None when it asks for none.

    Raises Http404 for whoever may not see it, and when there is none (any more).
    """
    token = request.GET.get(PARAMETER)
    if token is None:
        return None
    place = {"lesson__slug": lesson, "lesson__parent__slug": chapter} if lesson else {"lesson__slug": chapter}
    drafts = LessonDraft.objects.filter(lesson__course__slug=course, language=language, **place)
    drafts = drafts.filter(lesson__parent__isnull=not lesson)
    draft = drafts.select_related("lesson__course", "lesson__parent", "updated_by").first()
    has_link = bool(draft and token and draft.token == token)
    if draft is None or not (has_link or request.user.has_perm("lessons.change_lesson")):
        raise Http404("no such draft")
    return draft


def preview_url(draft: LessonDraft) -> str:
    """The lesson's own address, showing the draft: to staff alone while the link is withdrawn."""
    with override(draft.language):
        return f"{draft.lesson.get_absolute_url()}?{PARAMETER}={draft.token}"
