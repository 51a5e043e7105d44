"""Drafts: what a learner has in the editor, kept across devices."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from lessons.models import Exercise, LessonText
from progress import actions
from progress.answers import code_too_large, error, invalid, json_body, json_endpoint
from progress.changes import changed_lines
from progress.forms import DraftForm
from progress.models import Draft, DraftVersion
from progress.views.ownership import published_exercise, published_lesson


@json_endpoint
@require_http_methods(["GET", "PUT"])
@never_cache
def draft(request: HttpRequest, lesson_id: int) -> JsonResponse:
    """The learner's draft of a lesson, or of its `exercise`; PUT saves it.

    409 brings what another device saved.
    """
    if not request.user.is_authenticated:
        return error(request, "AUTHENTICATION_ERROR", _("Sign in to keep drafts on the server."), status=401)
    lesson = published_lesson(lesson_id)
    exercise = _exercise_of(request, lesson_id)
    if request.method == "GET":
        stored = Draft.objects.filter(learner=request.user, lesson=lesson, exercise=exercise).first()
        return JsonResponse(_draft_json(stored))
    form = DraftForm(json_body(request))
    if not form.is_valid():
        return invalid(request, form)
    try:
        saved = actions.save_draft(
            learner=request.user, lesson=lesson, exercise=exercise, **form.cleaned_data
        )
    except actions.CodeTooLarge:
        return code_too_large(request)
    except actions.DraftConflict as conflict:
        return JsonResponse(_draft_json(conflict.draft), status=409)
    return JsonResponse(_draft_json(saved))


def _exercise_of(request: HttpRequest, lesson_id: int) -> Exercise | None:
    named = request.GET.get("exercise", "")
    if not named:
        return None
    exercise = published_exercise(int(named)) if named.isdecimal() and len(named) < 19 else None
    if exercise is None or exercise.lesson_id != lesson_id:
        raise Http404(_("There is no such exercise."))
    return exercise


def _draft_json(stored: Draft | None) -> dict[str, Any]:
    if stored is None:
        return {"code": None, "revision": 0, "listing": None, "language_version": None, "updated_at": None}
    return {
        "code": stored.code,
        "revision": stored.revision,
        "listing": stored.listing,
        "language_version": stored.language_version or None,
        "updated_at": stored.updated_at,
    }


@require_GET
@login_required
@never_cache
def history(request: HttpRequest, lesson_id: int) -> HttpResponse:
    """The earlier states of a lesson's draft, one of them whole beside what the editor holds now."""
    lesson = published_lesson(lesson_id)
    mine = DraftVersion.objects.filter(draft__learner=request.user.pk, draft__lesson=lesson)
    versions = list(mine.select_related("draft"))
    chosen = next((each for each in versions if str(each.pk) == request.GET.get("version")), None)
    shown = chosen or next(iter(versions), None)
    text = LessonText.objects.filter(lesson=lesson).preferring(request.LANGUAGE_CODE).first()
    context = {
        "lesson": lesson,
        "lesson_title": text.title if text else lesson.slug,
        "versions": versions,
        "shown": shown,
        "diff": changed_lines(shown.code, shown.draft.code) if shown else [],
    }
    return render(request, "progress/draft_history.html", context)


@require_POST
@login_required
def restore_version(request: HttpRequest, version_id: int) -> HttpResponse:
    """Put an earlier draft back into the editor."""
    version = get_object_or_404(
        DraftVersion.objects.select_related("draft__lesson", "draft__exercise"),
        pk=version_id,
        draft__learner=request.user,
    )
    draft, exercise = version.draft, version.draft.exercise
    actions.restore_code(learner=request.user, lesson=draft.lesson, exercise=exercise, earlier=version)
    return redirect(exercise or draft.lesson)
