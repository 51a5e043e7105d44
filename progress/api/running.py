"""Running code over the API: and wait for the end, or follow it live."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import Any, get_args
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.http import HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.permissions import AllowAny, BasePermission
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from lessons.exercises import CODE
from lessons.lesson_ids import default_course, exercise_id, find_exercise, find_lesson
from progress import actions, events, lifecycle, places
from progress.answers import BodyTooLarge, Refused
from progress.api.fields import Choice, Code, Text, WholeNumber, YesNo
from progress.models import Submission
from progress.results import Result, result_of
from progress.stream import event_stream
from progress.views.ownership import guest_key, own_submission
from progress.views.running import pass_on_input, queue_is_full, too_many_runs
from sandbox.languages import LANGUAGES

_TAGS = ["running code"]
_PAUSE_SECONDS = 0.2
_LOOK_SECONDS = 1.0  # should news of the end be lost, the database is looked at this often


class MayRunCode(BasePermission):
    """Whoever is signed in; guests where the operator allows it."""

    def has_permission(self, request: Request, view: Any) -> bool:
        return bool(request.user.is_authenticated or settings.GUESTS_MAY_RUN_CODE)


class ProgramSerializer(serializers.Serializer[Any]):
    code = Code(help_text="1 byte to 100 KB of UTF-8.")
    language = Choice(choices=sorted(LANGUAGES), required=False, default="python")
    timeout = WholeNumber(
        min_value=1,
        max_value=settings.RUN_TIMEOUT_MAX,
        required=False,
        help_text="Seconds until the program is stopped.",
    )
    lesson_id = Text(
        max_length=400, required=False, allow_null=True, help_text='"4.2", or "course-slug:4.2".'
    )
    exercise = Text(
        max_length=400,
        required=False,
        allow_null=True,
        help_text='Checks the program, too: "count-vowels", or "course-slug:count-vowels".',
    )
    stdin = Text(
        max_length=100_000,
        required=False,
        allow_null=True,
        allow_blank=True,
        help_text="All of its input. Absent: an asynchronous run may be given some while it runs.",
    )


class CheckSerializer(serializers.Serializer[Any]):
    """One check of an exercise. Of a hidden one neither what was expected nor what came instead is told."""

    number = serializers.IntegerField(help_text="0: that the program runs at all.")
    name = serializers.CharField()
    hidden = serializers.BooleanField()
    passed = serializers.BooleanField(allow_null=True, help_text="null: it was not come to.")
    expected = serializers.CharField(allow_null=True)
    actual = serializers.CharField(allow_null=True)
    message = serializers.CharField(allow_blank=True)
    mistake = serializers.DictField(allow_null=True, help_text="A common mistake that was recognised.")


class VerdictSerializer(serializers.Serializer[Any]):
    """What a run for an exercise has besides."""

    exercise = serializers.CharField(required=False, help_text="Its id. Only of a run for an exercise.")
    checks = CheckSerializer(many=True, required=False)
    passed = serializers.BooleanField(allow_null=True, required=False, help_text="null: not known yet.")

    def to_representation(self, instance: Any) -> dict[str, Any]:
        told: dict[str, Any] = super().to_representation(instance)
        if "exercise" not in told:
            del told["passed"]  # what may be null is never left out by itself
        return told


class ResultSerializer(VerdictSerializer):
    """What became of a program. A program that fails is a result, not an error."""

    success = serializers.BooleanField()
    output = serializers.CharField(help_text="What it printed.")
    error = serializers.CharField(allow_null=True, help_text="Traceback, or why it was stopped.")
    execution_time = serializers.FloatField(help_text="Seconds.")
    outcome = serializers.ChoiceField(choices=Submission.OutcomeChoice.values)
    truncated = serializers.BooleanField(help_text="Whether output was cut off.")
    run_id = serializers.UUIDField()


class RunSerializer(VerdictSerializer):
    """A run as it stands; what is not known before its end is null until then."""

    id = serializers.UUIDField()
    status = serializers.ChoiceField(choices=Submission.Status.values)
    success = serializers.BooleanField(allow_null=True)
    output = serializers.CharField()
    error = serializers.CharField(allow_null=True)
    execution_time = serializers.FloatField(allow_null=True)
    outcome = serializers.ChoiceField(choices=Submission.OutcomeChoice.values, allow_null=True)
    truncated = serializers.BooleanField()
    queue_position = serializers.IntegerField(
        allow_null=True, help_text="1 for the next; null: does not wait."
    )
    created_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)
    url = serializers.CharField()
    events_url = serializers.CharField()
    stdin_url = serializers.CharField()


class InputSerializer(serializers.Serializer[Any]):
    text = Text(max_length=100_000, required=False, allow_blank=True, default="")
    eof = YesNo(required=False, default=False, help_text="Whether this was all.")


class AcceptedSerializer(serializers.Serializer[Any]):
    success = serializers.BooleanField()


# One of the server-sent events; a serializer cannot have a field named `data`.
_EVENT = {
    "type": "object",
    "properties": {
        "id": {"type": "string", "description": "For Last-Event-ID."},
        "event": {"type": "string", "enum": [*get_args(events.EventKind), "queued"]},
        "data": {"type": "string", "description": "A JSON object."},
    },
    "required": ["event", "data"],
}


class EventStream(BaseRenderer):
    """Names the format of a view that streams; errors before the stream are JSON."""

    media_type = "text/event-stream"
    format = "sse"

    def render(self, data: Any, accepted_media_type: Any = None, renderer_context: Any = None) -> Any:
        raise NotImplementedError("a stream is no data to render")


# --- Views ----------------------------------------------------------------------------------------


class Execute(APIView):
    """Run a program and wait for its end."""

    permission_classes = [MayRunCode]
    guests_may_call = True
    throttle_scope = "runs"
    error_codes = ("SANDBOX_EXECUTION_ERROR", "CONTAINER_POOL_ERROR", "SERVICE_UNAVAILABLE", "TIMEOUT_ERROR")

    @extend_schema(
        operation_id="execute_code",
        tags=_TAGS,
        summary="Run a program",
        request=ProgramSerializer,
        responses=ResultSerializer,
        examples=[
            OpenApiExample("A first program", request_only=True, value={"code": 'print("Hello, agent!")'})
        ],
    )
    def post(self, request: Request) -> Response:
        submission = submit(request)
        result = result_when_over(submission)
        return Response(ResultSerializer({**asdict(result), **verdict_of(submission)}).data)


class Runs(APIView):
    """Start a program and come back for its result."""

    permission_classes = [MayRunCode]
    guests_may_call = True
    throttle_scope = "runs"
    error_codes = ("SERVICE_UNAVAILABLE",)

    @extend_schema(
        operation_id="start_run",
        tags=_TAGS,
        summary="Start a program",
        request=ProgramSerializer,
        responses={202: RunSerializer},
    )
    def post(self, request: Request) -> Response:
        run = run_json(submit(request))
        return Response(run, status=202, headers={"Location": run["url"]})


class Run(APIView):
    """A run of one's own. Guests are known by the session cookie that came with its start."""

    permission_classes = [AllowAny]

    @extend_schema(operation_id="get_run", tags=_TAGS, summary="A run as it stands", responses=RunSerializer)
    def get(self, request: Request, run_id: UUID) -> Response:
        submission = own_submission(request._request, run_id)
        lifecycle.close_if_hopeless(submission)
        return Response(run_json(submission), headers={"Cache-Control": "no-store"})

    @extend_schema(
        operation_id="stop_run",
        tags=_TAGS,
        summary="Stop a run",
        description="A run that is over stays as it is.",
        responses={200: RunSerializer},
    )
    def delete(self, request: Request, run_id: UUID) -> Response:
        submission = own_submission(request._request, run_id)
        actions.cancel_submission(submission=submission)
        events.wait_until_final(submission.pk, seconds=settings.RUN_INLINE_WAIT_SECONDS)
        submission.refresh_from_db()
        return Response(run_json(submission))


class RunEvents(APIView):
    """The events of a run, live."""

    permission_classes = [AllowAny]
    renderer_classes = [EventStream, JSONRenderer]

    @extend_schema(
        operation_id="follow_run",
        tags=_TAGS,
        summary="Follow a run (server-sent events)",
        description=(
            "`queued` {position, workers}, `started`, `output` {stream, text}, `input` (it is waited for), "
            "`call` (a step of its talk with a model), and at the end `finished` or `broken` with the "
            "run. `Last-Event-ID` resumes."
        ),
        parameters=[OpenApiParameter("Last-Event-ID", OpenApiTypes.STR, OpenApiParameter.HEADER)],
        responses={(200, "text/event-stream"): OpenApiResponse(_EVENT, description="The events.")},
    )
    def get(self, request: Request, run_id: UUID) -> HttpResponseBase:
        # No connection to the database is kept for as long as the stream lasts.
        submission = places.released(own_submission)(request._request, run_id)
        after = request.headers.get("Last-Event-ID", "")
        return event_stream(submission, after=after, describe=run_json)


class RunInput(APIView):
    """What a running program reads."""

    permission_classes = [AllowAny]
    error_codes = ("CONFLICT", "PAYLOAD_TOO_LARGE", "SERVICE_UNAVAILABLE")

    @extend_schema(
        operation_id="send_input",
        tags=_TAGS,
        summary="Give a running program input",
        request=InputSerializer,
        responses=AcceptedSerializer,
    )
    def post(self, request: Request, run_id: UUID) -> Response:
        submission = own_submission(request._request, run_id)
        form = InputSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        if submission.status != Submission.Status.RUNNING:
            raise Refused("CONFLICT", _("The program is not running."))
        pass_on_input(submission, **form.validated_data)
        return Response({"success": True})


# --- How ------------------------------------------------------------------------------------------


def submit(request: Request) -> Submission:
    """Store and send the program in the body."""
    form = ProgramSerializer(data=request.data)
    form.is_valid(raise_exception=True)
    return submit_program(request, **form.validated_data)


def submit_program(
    request: Request,
    *,
    code: str,
    language: str = "python",
    timeout: int | None = None,
    lesson_id: str | None = None,
    exercise: str | None = None,
    stdin: str | None = None,
    learner: Any = None,
) -> Submission:
    """Store and send a program. Raises Refused and BodyTooLarge."""
    owner = learner or (request.user if request.user.is_authenticated else None)
    lesson = find_lesson(lesson_id) if lesson_id else None
    if lesson_id and lesson is None:
        raise Refused("RESOURCE_NOT_FOUND", _("There is no such lesson."))
    found = find_exercise(exercise) if exercise else None
    if exercise and (found is None or found.kind != CODE):
        raise Refused("RESOURCE_NOT_FOUND", _("There is no such exercise."))
    try:
        return actions.submit_code(
            learner=owner,
            guest_key=guest_key(request._request, create=True),
            lesson=lesson,
            exercise=found,
            code=code,
            language_version=request.LANGUAGE_CODE,
            language=language,
            stdin=stdin,
            timeout=timeout,
        )
    except actions.CodeTooLarge as problem:
        raise BodyTooLarge from problem
    except actions.QueueFull as problem:
        raise queue_is_full() from problem
    except actions.TooManyRuns as problem:
        raise too_many_runs() from problem


def result_when_over(submission: Submission) -> Result:
    """Wait for the end of the run and return its result. Raises Refused when there will be none."""
    deadline = time.monotonic() + submission.timeout + settings.SANDBOX_LEASE_WAIT_SECONDS
    while not submission.is_over:
        if not connection.in_atomic_block:
            connection.close()  # waiting needs none, and others may
        left = deadline - time.monotonic()
        if left <= 0:
            actions.cancel_submission(submission=submission)  # nobody will look at it
            message = _("The program did not get its turn in time. Try again, or start it as a run.")
            raise Refused("TIMEOUT_ERROR", message, details={"run_id": str(submission.pk)})
        asked_at = time.monotonic()
        over = events.wait_until_final(submission.pk, seconds=min(left, _LOOK_SECONDS))
        if not over and time.monotonic() - asked_at < _PAUSE_SECONDS:
            time.sleep(_PAUSE_SECONDS)  # Redis is away and does not make us wait
        submission.refresh_from_db()
    result = result_of(submission)
    if result is None:
        raise _platform_trouble(submission)
    return result


def _platform_trouble(submission: Submission) -> Refused:
    taken = submission.attempts > 0
    message = _("The platform could not run this program; that says nothing about the program. Try again.")
    return Refused(
        "SANDBOX_EXECUTION_ERROR" if taken else "CONTAINER_POOL_ERROR",
        message,
        details={"run_id": str(submission.pk)},
        seconds=None if taken else 5,
    )


def verdict_of(submission: Submission) -> dict[str, Any]:
    """The fields of `VerdictSerializer`; none where the program was merely run."""
    if submission.exercise is None:
        return {}
    default = default_course()
    exercise = exercise_id(submission.exercise, default=default)
    return {"exercise": exercise, "checks": submission.checks, "passed": submission.passed}


def run_json(submission: Submission) -> dict[str, Any]:
    result = result_of(submission)
    args = [submission.pk]
    known = {
        "id": submission.pk,
        "status": submission.status,
        "success": result.success if result else None,
        "output": result.output if result else "",
        "error": result.error if result else None,
        "execution_time": submission.wall_time,
        "outcome": submission.outcome or None,
        "truncated": submission.truncated,
        "queue_position": places.place_of(submission),
        "created_at": submission.created_at,
        "started_at": submission.started_at,
        "finished_at": submission.finished_at,
        "url": reverse("api-run", args=args),
        "events_url": reverse("api-run-events", args=args),
        "stdin_url": reverse("api-run-stdin", args=args),
        **verdict_of(submission),
    }
    return dict(RunSerializer(known).data)
