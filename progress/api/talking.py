"""Talking with the tutor over the API: one question and its answer, whole or as it is written."""

from __future__ import annotations

import time
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.db import connection
from django.http import HttpResponseBase
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.permissions import BasePermission
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from lessons.lesson_ids import find_lesson
from progress.answer_stream import answer_stream
from progress.answers import BodyTooLarge, Refused
from progress.api.fields import Choice, Text
from progress.api.running import EventStream
from progress.attaching import attached
from progress.views.ownership import guest_key, own_submission
from progress.views.tutor import bad_picture, own_conversation, still_answering
from tutor import answering, asking, live, pictures, prompting
from tutor.choosing import Caller
from tutor.models import Message

_TAGS = ["the tutor"]
_BODY_MB = 2
_WAIT_SECONDS = 5.0  # between looks at the answer itself
_PAUSE_SECONDS = 0.2


class MayTalk(BasePermission):
    """Whoever is signed in; guests where the operator lets them ask models."""

    def has_permission(self, request: Request, view: Any) -> bool:
        return bool(request.user.is_authenticated or settings.MODEL_GUESTS_MAY_CALL)


class TurnSerializer(serializers.Serializer[Any]):
    role = Choice(choices=Message.Role.values)
    content = Text(max_length=prompting.QUESTION_LIMIT, allow_blank=True)


class QuestionSerializer(serializers.Serializer[Any]):
    message = Text(max_length=prompting.QUESTION_LIMIT)
    conversation_id = serializers.UUIDField(
        required=False, allow_null=True, help_text="Goes on in this one; absent: begins one."
    )
    conversation_history = TurnSerializer(
        many=True,
        required=False,
        help_text="What was said before, where there is no conversation_id. The last 10 turns are used.",
    )
    lesson_id = Text(
        max_length=400, required=False, allow_null=True, help_text='"4.2", or "course-slug:4.2".'
    )
    code = Text(
        max_length=settings.RUN_CODE_MAX_BYTES,
        required=False,
        allow_null=True,
        allow_blank=True,
        help_text="What is in the editor.",
    )
    run_id = serializers.UUIDField(
        required=False, allow_null=True, help_text="A run of one's own: its output goes along."
    )
    images = serializers.ListField(
        child=Text(max_length=pictures.FILE_LIMIT * 2),
        required=False,
        max_length=pictures.MOST,
        help_text="Pictures as data: addresses (PNG, JPEG, GIF, WebP), where the model takes them.",
    )


class CitationSerializer(serializers.Serializer[Any]):
    id = serializers.CharField(help_text="Of a section; in the text it stands as [[id]].")
    title = serializers.CharField()
    url = serializers.CharField(help_text="Leads to the section's heading.")


class TokensSerializer(serializers.Serializer[Any]):
    prompt = serializers.IntegerField()
    completion = serializers.IntegerField()
    total = serializers.IntegerField()


class AnswerSerializer(serializers.Serializer[Any]):
    message = serializers.CharField(help_text="The answer, in Markdown.")
    success = serializers.BooleanField()
    model = serializers.CharField()
    tokens = TokensSerializer()
    citations = CitationSerializer(many=True)
    conversation_id = serializers.UUIDField()
    message_id = serializers.IntegerField()


# One of the server-sent events; a serializer cannot have a field named `data`.
_EVENT = {
    "type": "object",
    "properties": {
        "event": {"type": "string", "enum": list(live.KINDS)},
        "data": {"type": "string", "description": "A JSON object."},
    },
    "required": ["event", "data"],
}
_ERRORS = ("EXTERNAL_SERVICE_ERROR", "TIMEOUT_ERROR", "SERVICE_UNAVAILABLE", "CONFLICT")


class Chat(APIView):
    """Ask the tutor and wait for the answer."""

    permission_classes = [MayTalk]
    guests_may_call = True
    throttle_scope = "chat"
    body_max_bytes = _BODY_MB * 1024 * 1024
    error_codes = _ERRORS

    @extend_schema(
        operation_id="chat",
        tags=_TAGS,
        summary="Ask the tutor",
        request=QuestionSerializer,
        responses=AnswerSerializer,
        examples=[OpenApiExample("A question", request_only=True, value={"message": "What is an agent?"})],
    )
    def post(self, request: Request) -> Response:
        answer = _ask(request)
        _wait(answer)
        return Response(AnswerSerializer(_answer_json(answer)).data)


class ChatStream(APIView):
    """Ask the tutor and read the answer as it is written."""

    permission_classes = [MayTalk]
    guests_may_call = True
    throttle_scope = "chat"
    body_max_bytes = _BODY_MB * 1024 * 1024
    renderer_classes = [EventStream, JSONRenderer]
    error_codes = _ERRORS

    @extend_schema(
        operation_id="chat_stream",
        tags=_TAGS,
        summary="Ask the tutor (server-sent events)",
        description=(
            "`token` {text}, `citation` {id, title, url} before the text that has it, `usage` {model, "
            "prompt_tokens, completion_tokens, total_tokens, cost, currency}, `error` {code, message}, and "
            "at the end `done` with the answer as `chat` gives it and its `status`. Hanging up stops it."
        ),
        request=QuestionSerializer,
        responses={(200, "text/event-stream"): OpenApiResponse(_EVENT, description="The events.")},
    )
    def post(self, request: Request) -> HttpResponseBase:
        answer = _ask(request)
        response = answer_stream(answer, after="", describe=_ended_json, hanging_up_stops=True)
        response["X-Conversation-ID"] = str(answer.conversation_id)
        response["X-Message-ID"] = str(answer.pk)
        if not connection.in_atomic_block:
            connection.close()  # none is kept for as long as the stream lasts
        return response


# --- How ------------------------------------------------------------------------------------------


def _ask(request: Request) -> Message:
    """Keep the question in the body, and have it answered."""
    try:
        form = QuestionSerializer(data=request.data)
    except (BodyTooLarge, RequestDataTooBig) as problem:
        message = _("The question is larger than %(limit)s MB. Leave pictures out.") % {"limit": _BODY_MB}
        raise Refused("PAYLOAD_TOO_LARGE", message) from problem
    form.is_valid(raise_exception=True)
    fields = form.validated_data
    talk_id = fields.get("conversation_id")
    conversation = own_conversation(request._request, talk_id) if talk_id else None
    lesson = find_lesson(fields["lesson_id"]) if fields.get("lesson_id") else None
    if fields.get("lesson_id") and lesson is None:
        raise Refused("RESOURCE_NOT_FOUND", _("There is no such lesson."))
    key = guest_key(request._request, create=True)
    images = fields.get("images") or []
    if images and not pictures.are_taken(_caller(request, key)):
        raise serializers.ValidationError({"images": [_("The model here does not look at pictures.")]})
    try:
        _question, answer = asking.ask(
            user=request.user if request.user.is_authenticated else None,
            guest_key=key,
            conversation=conversation,
            lesson=lesson,
            question=fields["message"],
            language=request.LANGUAGE_CODE,
            attached=attached(
                code=fields.get("code") or "",
                run=own_submission(request._request, fields["run_id"]) if fields.get("run_id") else None,
                history=None if conversation else fields.get("conversation_history"),
            ),
            pictures=_pictures(images),
        )
    except asking.StillAnswering as problem:
        raise Refused("CONFLICT", still_answering()) from problem
    return answer


def _caller(request: Request, key: str) -> Caller:
    return Caller(user_id=request.user.pk, visitor=key, purpose="chat")


def _pictures(urls: list[str]) -> list[pictures.Picture]:
    try:
        return [pictures.read(url) for url in urls]
    except pictures.BadPicture as problem:
        raise serializers.ValidationError({"images": [bad_picture()]}) from problem


def _wait(answer: Message) -> None:
    """Until the answer is there. Raises Refused when there will be none."""
    while not answer.is_over:
        if not connection.in_atomic_block:
            connection.close()  # waiting needs none, and others may
        asked_at = time.monotonic()
        over = live.wait_until_done(answer.pk, seconds=_WAIT_SECONDS)
        if not over and time.monotonic() - asked_at < _PAUSE_SECONDS:
            time.sleep(_PAUSE_SECONDS)  # Redis is away and does not make us wait
        answer.refresh_from_db()
        answering.close_if_lost(answer)
    if answer.status in (Message.Status.FAILED, Message.Status.CUT) and answer.error_code != "too_long":
        raise _failure(answer)


def _failure(answer: Message) -> Refused:
    """Why there is no answer. The question is kept, and named."""
    details = {
        "reason": answer.error_code,
        "conversation_id": str(answer.conversation_id),
        "message_id": answer.pk,
        "sections": answer.citations,
    }
    code = answer.error_code
    if code.endswith(("_budget_exceeded", "rate_limited")):
        kind = "RATE_LIMIT_EXCEEDED"
    elif code == "provider_timeout":
        kind = "TIMEOUT_ERROR"
    elif code.startswith("provider_") or code == "model_not_found":
        kind = "EXTERNAL_SERVICE_ERROR"
    else:
        kind = "SERVICE_UNAVAILABLE"
    message = answer.error_message or _("The answer broke off. Your question is kept; try again.")
    return Refused(kind, message, details=details)


def _answer_json(answer: Message) -> dict[str, Any]:
    prompt, completion = answer.prompt_tokens, answer.completion_tokens
    return {
        "message": answer.content,
        "success": answer.status == Message.Status.COMPLETE,
        "model": answer.model,
        "tokens": {"prompt": prompt, "completion": completion, "total": prompt + completion},
        "citations": answer.citations,
        "conversation_id": str(answer.conversation_id),
        "message_id": answer.pk,
    }


def _ended_json(answer: Message) -> dict[str, Any]:
    return {**_answer_json(answer), "status": answer.status}
