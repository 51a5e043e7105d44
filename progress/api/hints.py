"""Hints over the API, for the editor of this site and of others."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import Http404
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from lessons.lesson_ids import find_exercise, find_lesson
from progress.actions import take_hint
from progress.answers import BodyTooLarge
from progress.api.fields import Choice, Code, Text, WholeNumber
from progress.views.ownership import guest_key, owner_of
from sandbox.languages import LANGUAGES
from tutor.choosing import Caller
from tutor.hints.giving import AUTHOR, MODEL, PROGRAM, Hint, give_hint

_LARGEST = 1_000_000  # lines and columns


class AskSerializer(serializers.Serializer[Any]):
    code = Code(help_text="1 byte to 100 KB of UTF-8.")
    cursor_line = WholeNumber(min_value=1, max_value=_LARGEST)
    cursor_column = WholeNumber(min_value=0, max_value=_LARGEST, required=False, default=0)
    language = Choice(choices=sorted(LANGUAGES), required=False, default="python")
    lesson_id = Text(
        max_length=400, required=False, allow_null=True, help_text='"4.2", or "course-slug:4.2".'
    )
    exercise = Text(
        max_length=400,
        required=False,
        allow_null=True,
        help_text="Its author's hints come first. Those are then taken.",
    )
    step = WholeNumber(
        min_value=1,
        max_value=50,
        required=False,
        default=1,
        help_text="1 for the first hint at a place, then 2, …",
    )


class SectionSerializer(serializers.Serializer[Any]):
    id = serializers.CharField()
    title = serializers.CharField()
    url = serializers.CharField()


class TroubleSerializer(serializers.Serializer[Any]):
    code = serializers.CharField()
    message = serializers.CharField()


class HintSerializer(serializers.Serializer[Any]):
    current_context = serializers.CharField(help_text="Where the cursor is, in words.")
    hint = serializers.CharField()
    reference_code = serializers.CharField(allow_null=True, help_text="An example of another task.")
    key_concepts = serializers.ListField(child=serializers.CharField())
    given_by = serializers.ChoiceField(
        choices=[AUTHOR, MODEL, PROGRAM], help_text="program: from the code alone."
    )
    model = serializers.CharField(allow_blank=True)
    step = serializers.IntegerField()
    more = serializers.BooleanField(help_text="Whether another step says something else.")
    sections = SectionSerializer(many=True)
    trouble = TroubleSerializer(
        allow_null=True, help_text="Why no model gave the hint, where one could have."
    )


class CodeHint(APIView):
    """A hint at the cursor: the author's, a model's, or one from the code itself."""

    permission_classes = [AllowAny]
    throttle_scope = "hint"

    @extend_schema(
        operation_id="hint", tags=["the tutor"], summary="A hint at the cursor",
        request=AskSerializer, responses=HintSerializer,
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        body = AskSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        asked = body.validated_data
        if len(asked["code"].encode()) > settings.RUN_CODE_MAX_BYTES:
            raise BodyTooLarge
        exercise = find_exercise(asked["exercise"]) if asked.get("exercise") else None
        lesson = (
            exercise.lesson
            if exercise
            else find_lesson(asked["lesson_id"])
            if asked.get("lesson_id")
            else None
        )
        if asked.get("exercise") and exercise is None:
            raise Http404(_("There is no such exercise."))
        if asked.get("lesson_id") and lesson is None:
            raise Http404(_("There is no such lesson."))
        caller = Caller(
            user_id=request.user.pk,
            visitor="" if request.user.is_authenticated else guest_key(request),
            purpose="hint",
            lesson_id=lesson.pk if lesson else None,
            course_id=lesson.course_id if lesson else None,
            language=request.LANGUAGE_CODE,
        )
        hint = give_hint(
            code=asked["code"],
            line=asked["cursor_line"],
            is_python=asked["language"] == "python",
            lesson=lesson,
            exercise=exercise,
            step=asked["step"],
            caller=caller,
        )
        owner = owner_of(request)
        if exercise and owner and hint.given_by == AUTHOR:
            take_hint(owner=owner, exercise=exercise, number=hint.step)
        return Response(_shown(hint))


def _shown(hint: Hint) -> dict[str, Any]:
    return {
        "current_context": hint.current_context,
        "hint": hint.hint,
        "reference_code": hint.reference_code,
        "key_concepts": hint.key_concepts,
        "given_by": hint.given_by,
        "model": hint.model,
        "step": hint.step,
        "more": hint.more,
        "sections": [
            {"id": each.section_id, "title": each.heading, "url": each.url} for each in hint.sections
        ],
        "trouble": {"code": hint.trouble.code, "message": hint.trouble.message} if hint.trouble else None,
    }
