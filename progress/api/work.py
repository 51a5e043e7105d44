"""Learners' work over the API: what they ran, and how far they are."""

from __future__ import annotations

from typing import Any

from django.http import Http404
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from lessons.lesson_ids import default_course, find_lesson, lesson_id
from lessons.models import Course, Lesson
from progress.answers import Refused
from progress.api.fields import Choice, Code, Text, WholeNumber
from progress.api.people import learner_seen_by
from progress.api.running import VerdictSerializer, result_when_over, submit_program, verdict_of
from progress.completion import mark_lesson, standing
from progress.models import LessonProgress, Owner, Submission
from progress.results import result_of
from sandbox.execution import Outcome

_TAGS = ["learners' work"]


class ProgressQuerySerializer(serializers.Serializer[Any]):
    course = serializers.SlugField(max_length=50, required=False, help_text="One course; else all of them.")


class ProgressSerializer(serializers.Serializer[Any]):
    user_id = serializers.IntegerField()
    completed_lessons = serializers.ListField(child=serializers.CharField(), help_text="Ids of lessons.")
    current_lesson = serializers.CharField(allow_null=True, help_text="The one last begun.")
    total_lessons = serializers.IntegerField()
    completion_percentage = serializers.FloatField()


class MarkSerializer(serializers.Serializer[Any]):
    lesson_id = Text(max_length=400)
    status = Choice(choices=LessonProgress.Status.choices)


class MarkedSerializer(serializers.Serializer[Any]):
    success = serializers.BooleanField()
    message = serializers.CharField()


class SubmissionsQuerySerializer(serializers.Serializer[Any]):
    lesson_id = serializers.CharField(max_length=400, required=False)
    limit = serializers.IntegerField(min_value=1, max_value=100, default=20)
    offset = serializers.IntegerField(min_value=0, max_value=10**9, default=0)


class NewSubmissionSerializer(serializers.Serializer[Any]):
    lesson_id = Text(max_length=400)
    code = Code(help_text="1 byte to 100 KB of UTF-8.")
    exercise = Text(
        max_length=400,
        required=False,
        allow_null=True,
        help_text='Checks the program, too: "count-vowels", or "course-slug:count-vowels".',
    )
    user_id = WholeNumber(
        required=False, allow_null=True, min_value=1, max_value=2**63 - 1, help_text="Absent: the caller."
    )


class SubmissionSerializer(VerdictSerializer):
    id = serializers.UUIDField()
    user_id = serializers.IntegerField()
    lesson_id = serializers.CharField()
    code = serializers.CharField(allow_blank=True)
    status = serializers.ChoiceField(choices=["success", "error"])
    output = serializers.CharField(help_text="What it printed, and what was wrong.")
    execution_time = serializers.FloatField(help_text="Seconds.")
    created_at = serializers.DateTimeField()
    outcome = serializers.ChoiceField(choices=Submission.OutcomeChoice.values)


class SubmissionsSerializer(serializers.Serializer[Any]):
    total = serializers.IntegerField()
    submissions = SubmissionSerializer(many=True)


class Progress(APIView):
    """How far a learner is: one's own, of a learner in a class one teaches, for admins anybody's."""

    @extend_schema(
        operation_id="get_progress",
        tags=_TAGS,
        summary="How far a learner is",
        parameters=[ProgressQuerySerializer],
        responses=ProgressSerializer,
    )
    def get(self, request: Request, user_id: str) -> Response:
        learner = learner_seen_by(request.user, user_id)
        query = ProgressQuerySerializer(data=request.query_params.dict())
        query.is_valid(raise_exception=True)
        slug = query.validated_data.get("course")
        courses = Course.objects.filter(slug=slug) if slug else Course.objects.all()
        if slug and not courses:
            raise Http404(_("There is no such course."))
        found, default = standing(learner=learner, courses=courses), default_course()
        return Response(
            {
                "user_id": learner.pk,
                "completed_lessons": [lesson_id(lesson, default=default) for lesson in found.completed],
                "current_lesson": lesson_id(found.current, default=default) if found.current else None,
                "total_lessons": found.total,
                "completion_percentage": found.percentage,
            }
        )

    @extend_schema(
        operation_id="mark_lesson",
        tags=_TAGS,
        summary="Mark a lesson begun or completed",
        request=MarkSerializer,
        responses=MarkedSerializer,
    )
    def post(self, request: Request, user_id: str) -> Response:
        learner = learner_seen_by(request.user, user_id)
        form = MarkSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        lesson = _lesson(form.validated_data["lesson_id"])
        mark_lesson(owner=Owner(learner.pk), lesson=lesson, status=form.validated_data["status"])
        return Response({"success": True, "message": _("Progress is saved.")})


class SubmissionsOf(APIView):
    """A learner's runs on lessons, newest first."""

    @extend_schema(
        operation_id="list_submissions",
        tags=_TAGS,
        summary="A learner's submissions",
        parameters=[SubmissionsQuerySerializer],
        responses=SubmissionsSerializer,
    )
    def get(self, request: Request, user_id: str) -> Response:
        learner = learner_seen_by(request.user, user_id)
        query = SubmissionsQuerySerializer(data=request.query_params.dict())
        query.is_valid(raise_exception=True)
        fields = query.validated_data
        found = Submission.objects.on_lessons().filter(learner=learner)
        if "lesson_id" in fields:
            found = found.filter(lesson=find_lesson(fields["lesson_id"]))
        page = found.select_related("lesson__course", "lesson__parent", "exercise__course").defer(
            "prelude", "files", "stdin"
        )
        start, default = fields["offset"], default_course()
        listed = [submission_json(each, default) for each in page[start : start + fields["limit"]]]
        return Response({"total": found.count(), "submissions": listed})


class Submissions(APIView):
    """Run a program as work on a lesson, and keep it."""

    throttle_scope = "runs"
    error_codes = ("SANDBOX_EXECUTION_ERROR", "CONTAINER_POOL_ERROR", "SERVICE_UNAVAILABLE", "TIMEOUT_ERROR")

    @extend_schema(
        operation_id="create_submission",
        tags=_TAGS,
        summary="Submit a program",
        request=NewSubmissionSerializer,
        responses={201: SubmissionSerializer},
    )
    def post(self, request: Request) -> Response:
        form = NewSubmissionSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        fields = form.validated_data
        owner = fields.get("user_id")
        learner = learner_seen_by(request.user, str(owner)) if owner else request.user
        submission = submit_program(
            request,
            code=fields["code"],
            lesson_id=fields["lesson_id"],
            exercise=fields.get("exercise"),
            learner=learner,
        )
        result_when_over(submission)
        return Response(submission_json(submission, default_course()), status=201)


def submission_json(submission: Submission, default: Course | None) -> dict[str, Any]:
    assert submission.lesson is not None
    result = result_of(submission)
    assert result is not None
    known = {
        "id": submission.pk,
        "user_id": submission.learner_id,
        "lesson_id": lesson_id(submission.lesson, default=default),
        "code": submission.code,
        "status": "success" if submission.outcome == Outcome.OK else "error",
        "output": "\n".join(filter(None, [result.output, result.error])),
        "execution_time": result.execution_time,
        "created_at": submission.created_at,
        "outcome": submission.outcome,
        **verdict_of(submission),
    }
    return dict(SubmissionSerializer(known).data)


def _lesson(name: str) -> Lesson:
    found = find_lesson(name)
    if found is None:
        raise Refused("RESOURCE_NOT_FOUND", _("There is no such lesson."))
    return found
