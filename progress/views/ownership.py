"""Whose work a request may see."""

from __future__ import annotations

from uuid import UUID, uuid4

from django.http import Http404, HttpRequest
from django.utils.translation import gettext as _

from lessons.models import Exercise, Lesson
from progress.models import Owner, Submission


def own_submission(request: HttpRequest, run_id: UUID) -> Submission:
    """The caller's submission, or 404: another's looks like none."""
    visible = Submission.objects.visible_to(user=request.user, guest_key=guest_key(request))
    found = visible.select_related("lesson__parent", "lesson__course").filter(pk=run_id).first()
    if found is None:
        raise Http404(_("There is no such run."))
    return found


def guest_key(request: HttpRequest, *, create: bool = False) -> str:
    """What ties a guest's runs to the browser; empty for somebody signed in."""
    if request.user.is_authenticated:
        return ""
    if create and "guest_key" not in request.session:
        request.session["guest_key"] = uuid4().hex
    return str(request.session.get("guest_key", ""))


def owner_of(request: HttpRequest, *, create: bool = False) -> Owner:
    """Who asks: an account, or a guest by key; nobody while a guest has none and none is to be made."""
    if request.user.is_authenticated:
        return Owner(request.user.pk)
    return Owner(guest_key=guest_key(request, create=create))


def published_exercise(pk: int, *, kind: str = "") -> Exercise:
    """The exercise, of a kind where one is named, or 404."""
    found = Exercise.objects.published().select_related("lesson__course", "lesson__parent").filter(pk=pk)
    exercise = (found.filter(kind=kind) if kind else found).first()
    if exercise is None:
        raise Http404(_("There is no such exercise."))
    return exercise


def published_lesson(pk: int) -> Lesson:
    """The lesson, or 404 when there is none to read."""
    found = Lesson.objects.published().select_related("course").filter(pk=pk).first()
    if found is None:
        raise Http404(_("There is no such lesson."))
    return found
