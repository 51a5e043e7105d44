"""What the learners of a class have used of language models."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

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
    """For instructors: each learner of their classes, with calls, tokens and cost."""
    if not (roles.is_instructor(request.user) or roles.is_admin(request.user)):
        raise Http404
    cohorts = Cohort.objects.visible_to(request.user).prefetch_related("learners")
    if not roles.is_admin(request.user):
        cohorts = cohorts.taught_by(request.user)
    learners = {learner for cohort in cohorts for learner in cohort.learners.all()}
    calls = ModelCall.objects.filter(user__in=learners, started_at__gte=timezone.now() - timedelta(days=DAYS))
    used: dict[int, Any] = {
        total["user"]: total | {"tokens": total["prompt"] + total["completion"]}
        for total in calls.totals("user")
    }
    classes = [
        (cohort, [(learner, used.get(learner.pk)) for learner in cohort.learners.all()]) for cohort in cohorts
    ]
    return render(request, "progress/class_usage.html", {"classes": classes, "days": DAYS})
