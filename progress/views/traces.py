"""What a run asked of models: its trace as JSON, as a timeline, as a file, and beside another run's."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET
from django.views.decorators.vary import vary_on_headers
from django_htmx.middleware import HtmxDetails

from progress import timelines
from progress.answers import json_endpoint
from progress.changes import changed_lines
from progress.models import Submission
from progress.views.ownership import guest_key, own_submission
from tutor import budgets, telemetry, trace
from tutor.gateway import owner_of


@json_endpoint
@require_GET
@never_cache
def run_trace(request: HttpRequest, run_id: UUID) -> JsonResponse:
    """Every call of the run, with its messages."""
    steps = trace.steps_of(own_submission(request, run_id).pk)
    totals = timelines.totals_of(steps)
    return JsonResponse({"steps": steps, "scripted": totals.scripted, "totals": totals.as_json()})


@json_endpoint
@require_GET
@never_cache
def export(request: HttpRequest, run_id: UUID) -> JsonResponse:
    """The same for other programs, as a file, under OpenTelemetry's names."""
    submission = own_submission(request, run_id)
    answer = JsonResponse(telemetry.export(submission.pk), json_dumps_params={"indent": 2})
    answer["Content-Disposition"] = f'attachment; filename="trace-{submission.pk}.json"'
    return answer


@require_GET
@never_cache
@vary_on_headers("HX-Request")
def calls(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """The timeline: the latest calls, those `before` a number, or those `since` one."""
    submission = own_submission(request, run_id)
    shown = timelines.timeline(
        trace.steps_of(submission.pk),
        since=_number(request.GET.get("since")),
        before=_number(request.GET.get("before")),
    )
    template = "progress/_trace.html" if HtmxDetails(request) else "progress/trace.html"
    return render(request, template, context_of(request, submission, shown))


@require_GET
@never_cache
@vary_on_headers("HX-Request")
def call(request: HttpRequest, run_id: UUID, call_id: int) -> HttpResponse:
    """Everything about one call: the whole prompt, the tools, and the call as it is kept."""
    submission = own_submission(request, run_id)
    steps = trace.steps_of(submission.pk)
    place = next((place for place, step in enumerate(steps) if step["id"] == call_id), None)
    if place is None:
        raise Http404(_("There is no such call."))
    context = {
        **context_of(request, submission, timelines.timeline(steps[place : place + 1])),
        "card": timelines.card(steps, place),
        "prompt": timelines.messages(steps, place),
        "answer": timelines.answer(steps[place]),
        "raw": timelines.raw(steps[place]),
    }
    template = "progress/_call_details.html" if HtmxDetails(request) else "progress/call.html"
    return render(request, template, context)


@require_GET
@never_cache
def compare(request: HttpRequest) -> HttpResponse:
    """Two runs beside each other: `a` and `b`, or the two that were ticked as `run` in a list."""
    ticked = request.GET.getlist("run")
    if ticked or not {"a", "b"} <= request.GET.keys():
        return _compare_ticked(request, ticked)
    a, b = (own_submission(request, _run_id(request.GET[name])) for name in ("a", "b"))
    steps = [trace.steps_of(a.pk), trace.steps_of(b.pk)]
    pairs = timelines.compare(*steps)
    context = {
        "runs": [
            {"run": run, "totals": timelines.totals_of(its)} for run, its in zip((a, b), steps, strict=True)
        ],
        "a": a,
        "b": b,
        "pairs": pairs,
        "differing": sum(bool(pair.differences) for pair in pairs),
        "left": max(0, max(map(len, steps)) - timelines.CARDS_AT_ONCE),
        "diff": changed_lines(a.code, b.code),
        "most_tokens": max((each.tokens for each in _cards(pairs)), default=0),
        "most_cost": max((each.cost_units for each in _cards(pairs)), default=0),
    }
    return render(request, "progress/compare.html", context)


def context_of(request: HttpRequest, submission: Submission, shown: timelines.Timeline) -> dict[str, Any]:
    """What the templates of a trace want."""
    mine = Submission.objects.visible_to(user=request.user, guest_key=guest_key(request))
    before = mine.before(submission) if submission.is_over and not submission.is_answer else None
    is_charged = any(card.is_charged for card in shown.cards)
    return {
        "submission": submission,
        "before": before,
        "timeline": shown,
        "most_tokens": shown.most_tokens,
        "most_cost": shown.most_cost,
        "allowance": _allowance(request) if is_charged else None,
        "compare_url": f"{reverse('compare-runs')}?a={before.pk}&b={submission.pk}" if before else "",
    }


def _allowance(request: HttpRequest) -> timelines.Allowance | None:
    """What the person may still ask of models today."""
    owner = owner_of(user_id=request.user.pk, visitor=guest_key(request))
    today = next(usage for usage in budgets.usage_of(owner) if usage["window"] == "day")
    return timelines.tightest(today["measures"])


def _compare_ticked(request: HttpRequest, ticked: list[str]) -> HttpResponse:
    if len(ticked) != 2:
        messages.info(request, _("Tick two runs to compare them."))
        return redirect("submissions")
    found = [own_submission(request, _run_id(each)) for each in ticked]
    older, newer = sorted(found, key=lambda run: run.created_at)
    return redirect(f"{reverse('compare-runs')}?a={older.pk}&b={newer.pk}")


def _cards(pairs: list[timelines.Pair]) -> list[timelines.Card]:
    return [side for pair in pairs for side in (pair.a, pair.b) if side]


def _run_id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Http404(_("There is no such run.")) from None


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isdecimal() and len(text) < 10 else None
