"""The dashboard: how the one who asks is doing."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from lessons.models import Exercise
from progress.actions import begin_review
from progress.dashboard import dashboard_of
from progress.views.ownership import owner_of


@require_safe
@never_cache
def dashboard(request: HttpRequest) -> HttpResponse:
    """Of a learner or of a guest, who has one, too."""
    shown = dashboard_of(owner_of(request), language=request.LANGUAGE_CODE)
    return render(request, "progress/dashboard.html", {"dashboard": shown})


@require_POST
def review(request: HttpRequest, exercise_id: int) -> HttpResponse:
    """Do an exercise again. What its editor holds is kept as an earlier draft, and it starts empty."""
    published = Exercise.objects.published().select_related("lesson__course", "lesson__parent")
    exercise = get_object_or_404(published, pk=exercise_id)
    if request.user.is_authenticated:
        begin_review(learner=request.user, exercise=exercise, language=request.LANGUAGE_CODE)
    return redirect(f"{exercise.lesson.get_absolute_url()}?again={exercise.slug}#exercise-{exercise.slug}")
