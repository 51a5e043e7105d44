"""Running code: the endpoints the learn page speaks JSON and server-sent events with."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any
from uuid import UUID

from asgiref.sync import sync_to_async
from django.conf import settings
from django.http import HttpRequest, JsonResponse, StreamingHttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from lessons.exercises import CODE
from progress import actions, events, lifecycle, places
from progress.answers import Refused, code_too_large, error, invalid, json_body, json_endpoint
from progress.forms import CodeForm, InputForm, RunForm
from progress.models import Submission
from progress.programs import NoSuchListing
from progress.stream import event_stream
from progress.views.ownership import guest_key, own_submission, published_exercise, published_lesson
from sandbox import policy

_QUEUE_FULL_SECONDS = 15
_TOO_MANY_SECONDS = 5
_INPUT_AGAIN_SECONDS = 2


@json_endpoint
@require_POST
def runs(request: HttpRequest) -> JsonResponse:
    """Run a program: 201 with the run, ended already when it was quick."""
    if not (request.user.is_authenticated or settings.GUESTS_MAY_RUN_CODE):
        return error(request, "AUTHENTICATION_ERROR", _("Sign in to run code."))
    form = RunForm(json_body(request))
    if not form.is_valid():
        return invalid(request, form)
    fields = form.cleaned_data
    try:
        submission = actions.submit_code(
            learner=request.user if request.user.is_authenticated else None,
            guest_key=guest_key(request, create=True),
            lesson=published_lesson(fields["lesson"]) if fields["lesson"] else None,
            code=fields["code"],
            listing=fields["listing"],
            exercise=published_exercise(fields["exercise"], kind=CODE) if fields["exercise"] else None,
            check=fields["check"],
            language_version=fields["language_version"] or request.LANGUAGE_CODE,
            language=fields["language"] or "python",
            stdin=fields["stdin"],
            timeout=fields["timeout"],
        )
    except actions.CodeTooLarge:
        return code_too_large(request)
    except NoSuchListing:
        return error(request, "RESOURCE_NOT_FOUND", _("This lesson has no such listing."))
    except actions.QueueFull as problem:
        raise queue_is_full() from problem
    except actions.TooManyRuns as problem:
        raise too_many_runs() from problem
    if end := events.wait_until_final(submission.pk, seconds=settings.RUN_INLINE_WAIT_SECONDS):
        lifecycle.take_end(submission, end)
    return JsonResponse(_run_json(submission), status=201)


def queue_is_full() -> Refused:
    message = _("Very many programs are waiting to run, so this one was not taken. Your code is kept.")
    again = _("Try again in %(seconds)s seconds.") % {"seconds": _QUEUE_FULL_SECONDS}
    return Refused("SERVICE_UNAVAILABLE", f"{message} {again}", seconds=_QUEUE_FULL_SECONDS)


def too_many_runs() -> Refused:
    limit = settings.RUN_QUEUE_PER_LEARNER
    message = ngettext(
        "A program of yours is still running. Stop it or let it end, then run this one.",
        "%(limit)s programs of yours are still running. Stop one or let it end, then run this one.",
        limit,
    ) % {"limit": limit}
    return Refused("RATE_LIMIT_EXCEEDED", message, seconds=_TOO_MANY_SECONDS)


@json_endpoint
@require_GET
@never_cache
def run(request: HttpRequest, run_id: UUID) -> JsonResponse:
    """A run as it stands."""
    submission = own_submission(request, run_id)
    lifecycle.close_if_hopeless(submission)
    return JsonResponse(_run_json(submission))


@json_endpoint
@require_POST
def cancel(request: HttpRequest, run_id: UUID) -> JsonResponse:
    """Stop a run; a run that is over stays as it is."""
    submission = own_submission(request, run_id)
    actions.cancel_submission(submission=submission)
    events.wait_until_final(submission.pk, seconds=settings.RUN_INLINE_WAIT_SECONDS)
    submission.refresh_from_db()
    return JsonResponse(_run_json(submission))


@json_endpoint
@require_POST
def stdin(request: HttpRequest, run_id: UUID) -> JsonResponse:
    """Pass a piece of input, or its end, to a running program."""
    submission = own_submission(request, run_id)
    form = InputForm(json_body(request))
    if not form.is_valid():
        return invalid(request, form)
    if submission.status != Submission.Status.RUNNING:
        return error(request, "CONFLICT", _("The program is not running."))
    pass_on_input(submission, **form.cleaned_data)
    return JsonResponse({"success": True})


def pass_on_input(submission: Submission, *, text: str, eof: bool) -> None:
    """Raises Refused."""
    try:
        passed_on = events.send_input(submission.pk, text=text, eof=eof)
    except events.InputTooLarge as problem:
        raise Refused("PAYLOAD_TOO_LARGE", _("A program takes 1 MB of input in all.")) from problem
    if not passed_on:
        message = _("The input could not be passed on. Try again.")
        raise Refused("SERVICE_UNAVAILABLE", message, seconds=_INPUT_AGAIN_SECONDS)


@json_endpoint
@require_GET
async def run_events(request: HttpRequest, run_id: UUID) -> StreamingHttpResponse:
    """The run's events as a server-sent stream; `Last-Event-ID` resumes it."""
    submission = await sync_to_async(places.released(own_submission))(request, run_id)
    return event_stream(submission, after=request.headers.get("Last-Event-ID", ""), describe=_run_json)


@json_endpoint
@require_POST
def check_code(request: HttpRequest) -> JsonResponse:
    """What the course's policy has to say about the code, for the editor's gutter."""
    form = CodeForm(json_body(request))
    if not form.is_valid():
        return invalid(request, form)
    pk = form.cleaned_data["lesson"]
    lesson = published_lesson(pk) if pk else None
    mode = policy.PolicyMode(lesson.course.code_policy) if lesson else policy.PolicyMode.WARN
    findings = policy.check(form.cleaned_data["code"], mode=mode)
    return JsonResponse({"findings": [asdict(finding) for finding in findings]})


def _run_json(submission: Submission) -> dict[str, Any]:
    args = [submission.pk]
    position = places.place_of(submission)
    return {
        "id": str(submission.pk),
        "name": submission.name,
        "status": submission.status,
        "outcome": submission.outcome or None,
        "exit_code": submission.exit_code,
        "output": submission.output,
        "truncated": submission.truncated,
        "wall_time": submission.wall_time,
        "cpu_time": submission.cpu_time,
        "peak_memory": submission.peak_memory,
        "calls": submission.calls,
        "timeout": submission.timeout,
        "queue_position": position,
        "workers": places.workers() if position else None,
        "url": reverse("run", args=args),
        "events_url": reverse("run-events", args=args),
        "stdin_url": reverse("run-stdin", args=args),
        "cancel_url": reverse("run-cancel", args=args),
        "trace_url": reverse("run-calls", args=args),
        "exercise": submission.exercise_id,
        "checks": submission.checks,
        "passed": submission.passed,
    }
