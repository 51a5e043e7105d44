"""How far the reader of a lesson is: what its open page tells, and what the reader says."""

from __future__ import annotations

from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_POST

from progress import completion
from progress.answers import invalid, json_body, json_endpoint
from progress.forms import MarkForm, StudyForm
from progress.views.ownership import owner_of, published_lesson


@json_endpoint
@require_POST
def study(request: HttpRequest, lesson_id: int) -> JsonResponse:
    """The lesson is open, and was before its reader for some seconds since the page last said so."""
    lesson = published_lesson(lesson_id)
    form = StudyForm(json_body(request))
    if not form.is_valid():
        return invalid(request, form)
    owner = owner_of(request, create=True)
    completion.note_study(owner=owner, lesson=lesson, seconds=form.cleaned_data["seconds"])
    return JsonResponse({"success": True})


@json_endpoint
@require_POST
def mark(request: HttpRequest, lesson_id: int) -> JsonResponse:
    """Mark a lesson as done, or as begun again."""
    lesson = published_lesson(lesson_id)
    form = MarkForm(json_body(request))
    if not form.is_valid():
        return invalid(request, form)
    owner = owner_of(request, create=True)
    progress = completion.mark_lesson(owner=owner, lesson=lesson, status=form.cleaned_data["status"])
    return JsonResponse({"status": progress.status})
