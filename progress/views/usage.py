"""What the learners of a class have used of language models."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from progress import roles
from progress.models import Cohort
from tutor.models import ModelCall

DAYS = 30


@login_required
@require_safe
def class_usage(request: HttpRequest) -> HttpResponse:
    """For instructors: the learners of their classes who used any, with calls, tokens and cost."""
    if not (roles.is_instructor(request.user) or roles.is_admin(request.user)):
        raise Http404
    cohorts = Cohort.objects.visible_to(request.user).prefetch_related("learners")
    if not roles.is_admin(request.user):
        cohorts = cohorts.taught_by(request.user)
    learners = {learner for cohort in cohorts for learner in cohort.learners.all()}
    calls = ModelCall.objects.filter(user__in=learners, started_at__gte=timezone.now() - timedelta(days=DAYS))
    # Refused before anybody was asked: no use of a model, and no failure of one.
    calls = calls.exclude(status=ModelCall.Status.FAILED, provider="")
    used: dict[int, Any] = {
        total["user"]: total | {"tokens": total["prompt"] + total["completion"]}
        for total in calls.totals("user")
    }
    classes = [
        (cohort, [(learner, used[learner.pk]) for learner in cohort.learners.all() if learner.pk in used])
        for cohort in cohorts
    ]
    context = {"classes": classes, "days": DAYS, "currency": settings.MODEL_CURRENCY}
    return render(request, "progress/class_usage.html", context)
