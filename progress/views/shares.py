"""Links to runs: making and withdrawing one's own, and what anybody sees who has one."""

from __future__ import annotations

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from progress import actions, sharing, timelines
from progress.forms import ShareForm
from progress.models import Share, Submission
from progress.views.ownership import own_submission
from tutor import trace


@require_GET
@login_required
@never_cache
def shares(request: HttpRequest) -> HttpResponse:
    """The learner's links, newest first."""
    runs = Submission.objects.titled(request.LANGUAGE_CODE).only(
        "code", "created_at", "lesson__slug", "lesson__course__slug", "lesson__parent__slug"
    )
    found = Share.objects.of(request.user)[:200]
    titled = {run.pk: run for run in runs.filter(pk__in=[share.submission_id for share in found])}
    rows = [
        {"share": share, "run": titled[share.submission_id], "url": _url_of(request, share)}
        for share in found
    ]
    return render(request, "progress/shares.html", {"rows": rows})


@require_POST
@login_required
def share(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """Make a link to a run."""
    submission = own_submission(request, run_id)
    form = ShareForm(request.POST)
    if not form.is_valid():
        raise Http404
    try:
        sharing.share_run(submission=submission, days=form.cleaned_data["days"])
    except sharing.NotOver:
        raise Http404 from None
    return redirect(f"{reverse('submission', args=[run_id])}#share")


@require_POST
@login_required
def withdraw(request: HttpRequest, share_id: int) -> HttpResponse:
    """Let a link lead nowhere, for good."""
    found = get_object_or_404(Share.objects.of(request.user), pk=share_id)
    sharing.withdraw_share(share=found)
    return redirect("shares")


@require_GET
@never_cache
def shared(request: HttpRequest, token: str) -> HttpResponse:
    """What the link shows to anybody: code, output, and how much was asked of models; no checks."""
    found = _open_share(token)
    submission = Submission.objects.titled(request.LANGUAGE_CODE).get(pk=found.submission_id)
    totals = timelines.totals_of(trace.steps_of(submission.pk)) if submission.calls else None
    context = {"submission": submission, "totals": totals, "share": found}
    response = render(request, "progress/shared.html", context)
    response["X-Robots-Tag"] = "noindex, nofollow"
    response["Referrer-Policy"] = "same-origin"  # the address is the key
    return response


@require_POST
@login_required
def open_shared(request: HttpRequest, token: str) -> HttpResponse:
    """Put the code into the reader's own editor of its lesson; what is there becomes an earlier draft."""
    submission = _open_share(token).submission
    if submission.lesson is None or submission.lesson.is_retired:
        raise Http404
    exercise = submission.exercise if submission.exercise and not submission.exercise.is_retired else None
    actions.restore_code(
        learner=request.user, lesson=submission.lesson, exercise=exercise, earlier=submission
    )
    return redirect(exercise or submission.lesson)


def _open_share(token: str) -> Share:
    found = Share.objects.open().select_related("submission").filter(token=token).first()
    if found is None:
        raise Http404(_("This link leads nowhere any more."))
    return found


def links_to(request: HttpRequest, submission: Submission) -> list[dict[str, object]]:
    """The open links to one run, for its own page."""
    found = Share.objects.open().filter(submission=submission)
    return [{"share": share, "url": _url_of(request, share)} for share in found]


def _url_of(request: HttpRequest, share: Share) -> str:
    return request.build_absolute_uri(reverse("shared", args=[share.token]))
