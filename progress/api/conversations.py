"""Conversations with the tutor over the API: list, look at, make, change, delete, search."""

from __future__ import annotations

from collections.abc import Iterable, Sized
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from lessons.lesson_ids import default_course, find_lesson, lesson_id
from lessons.models import Course
from progress.answers import Refused
from progress.api.fields import Choice, Text, YesNo
from progress.api.talking import CitationSerializer, MayTalk, TokensSerializer
from progress.views.ownership import guest_key
from progress.views.tutor import own_conversation
from tutor import asking, prompting, searching
from tutor.models import Conversation, Message
from tutor.models.talks import SORTED_BY, TITLE_LIMIT

_TAGS = ["the tutor"]
_MOST_AT_ONCE = 100
_MOST_MESSAGES = 1000
_LATEST = 10**14  # milliseconds since 1970


@extend_schema_field(
    {
        "oneOf": [
            {"type": "integer", "minimum": 0, "maximum": _LATEST},
            {"type": "string", "format": "date-time"},
        ]
    }
)
class Moment(serializers.Field[Any, Any, Any, Any]):
    """A time as milliseconds since 1970 or as ISO 8601; without an offset it is UTC."""

    default_error_messages = {
        "invalid": gettext_lazy("Give milliseconds since 1970, or a time as in ISO 8601.")
    }

    def to_internal_value(self, data: Any) -> datetime:
        text = str(data)
        try:
            if text.isdecimal():
                if int(text) > _LATEST:
                    raise OverflowError
                return datetime.fromtimestamp(int(text) / 1000, tz=UTC)
            found = parse_datetime(text)
            if found is None and (day := parse_date(text)):
                found = datetime(day.year, day.month, day.day)
            if found and found.tzinfo:  # PostgreSQL knows no zone as far off as ISO 8601 can name
                found = found.astimezone(UTC)
        except (ValueError, OverflowError, OSError):
            found = None
        if found is None:
            self.fail("invalid")
        return found if found.tzinfo else found.replace(tzinfo=UTC)

    def to_representation(self, value: Any) -> Any:
        return value


class ListQuerySerializer(serializers.Serializer[Any]):
    page = serializers.IntegerField(min_value=1, max_value=10**6, default=1)
    page_size = serializers.IntegerField(min_value=1, max_value=_MOST_AT_ONCE, default=20)
    sort_by = serializers.ChoiceField(choices=SORTED_BY, default="updated_at")
    sort_order = serializers.ChoiceField(choices=("asc", "desc"), default="desc")


class SearchQuerySerializer(serializers.Serializer[Any]):
    query = serializers.CharField(max_length=200, trim_whitespace=False)
    model = serializers.CharField(
        max_length=100, required=False, trim_whitespace=False, help_text="That answered."
    )
    date_from = Moment(required=False, help_text="Milliseconds since 1970, or ISO 8601.")
    date_to = Moment(required=False, help_text="Milliseconds since 1970, or ISO 8601.")


class MessageSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    role = serializers.ChoiceField(choices=Message.Role.values)
    content = serializers.CharField(allow_blank=True, help_text="Markdown.")
    status = serializers.ChoiceField(choices=Message.Status.values)
    error = serializers.CharField(allow_null=True, help_text="In words, of an answer that failed.")
    model = serializers.CharField(allow_null=True)
    tokens = TokensSerializer()
    citations = CitationSerializer(many=True)
    created_at = serializers.DateTimeField()


class ConversationSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    title = serializers.CharField()
    pinned = serializers.BooleanField()
    lesson_id = serializers.CharField(allow_null=True)
    message_count = serializers.IntegerField()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class WholeConversationSerializer(ConversationSerializer):
    messages = MessageSerializer(many=True)


class PageSerializer(serializers.Serializer[Any]):
    page = serializers.IntegerField()
    page_size = serializers.IntegerField()
    total = serializers.IntegerField()
    total_pages = serializers.IntegerField()
    conversations = ConversationSerializer(many=True)


class GivenMessageSerializer(serializers.Serializer[Any]):
    role = Choice(choices=Message.Role.values)
    content = Text(max_length=prompting.QUESTION_LIMIT)


class NewConversationSerializer(serializers.Serializer[Any]):
    title = Text(max_length=TITLE_LIMIT, required=False, allow_blank=True)
    lesson_id = Text(max_length=400, required=False, allow_null=True)
    messages = GivenMessageSerializer(many=True, required=False)

    def validate_messages(self, messages: list[Any]) -> list[Any]:
        if len(messages) > _MOST_MESSAGES:
            raise serializers.ValidationError(_("There are too many messages."))
        return messages


# A serializer of many does not say how many there may be.
_MANY = {
    "type": "array",
    "minItems": 1,
    "maxItems": _MOST_AT_ONCE,
    "items": {
        "type": "object",
        "properties": {
            "title": {"type": "string", "maxLength": TITLE_LIMIT},
            "lesson_id": {"type": "string", "minLength": 1, "maxLength": 400, "nullable": True},
            "messages": {
                "type": "array",
                "maxItems": _MOST_MESSAGES,
                "items": {
                    "type": "object",
                    "properties": {
                        "role": {"type": "string", "enum": Message.Role.values},
                        "content": {"type": "string", "minLength": 1, "maxLength": prompting.QUESTION_LIMIT},
                    },
                    "required": ["role", "content"],
                },
            },
        },
    },
}


class ChangedConversationSerializer(serializers.Serializer[Any]):
    title = Text(max_length=TITLE_LIMIT, required=False)
    pinned = YesNo(required=False)


class ManySerializer(serializers.Serializer[Any]):
    success = serializers.BooleanField()
    count = serializers.IntegerField()
    conversations = ConversationSerializer(many=True)


class DeletedSerializer(serializers.Serializer[Any]):
    success = serializers.BooleanField()
    deleted_count = serializers.IntegerField()


class FoundSerializer(serializers.Serializer[Any]):
    conversation = ConversationSerializer()
    match_type = serializers.ChoiceField(choices=("title", "message"))
    matched_message = MessageSerializer(required=False, help_text="Where the match is in a message.")


class ResultsSerializer(serializers.Serializer[Any]):
    query = serializers.CharField()
    count = serializers.IntegerField()
    results = FoundSerializer(many=True)


class Conversations(APIView):
    """The caller's conversations."""

    permission_classes = [MayTalk]
    guests_may_call = True

    @extend_schema(
        operation_id="list_conversations",
        tags=_TAGS,
        summary="One's conversations",
        parameters=[ListQuerySerializer],
        responses=PageSerializer,
    )
    def get(self, request: Request) -> Response:
        query = ListQuerySerializer(data=request.query_params.dict())
        query.is_valid(raise_exception=True)
        page, size = query.validated_data["page"], query.validated_data["page_size"]
        own = _own(request)
        total = own.count()
        descending = query.validated_data["sort_order"] == "desc"
        found = own.sorted_by(query.validated_data["sort_by"], descending=descending)
        listed = _for_list(found.page((page - 1) * size, page * size))
        return Response(
            {
                "page": page,
                "page_size": size,
                "total": total,
                "total_pages": -(-total // size),
                "conversations": conversations_json(listed),
            }
        )

    @extend_schema(
        operation_id="create_conversation",
        tags=_TAGS,
        summary="Make a conversation",
        request=NewConversationSerializer,
        responses={201: WholeConversationSerializer},
    )
    def post(self, request: Request) -> Response:
        form = NewConversationSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        [made] = _create(request, [form.validated_data])
        return Response(_whole_json(made), status=201)


class OneConversation(APIView):
    """One conversation of the caller's."""

    permission_classes = [MayTalk]
    guests_may_call = True

    @extend_schema(
        operation_id="get_conversation",
        tags=_TAGS,
        summary="A conversation and its messages",
        responses=WholeConversationSerializer,
    )
    def get(self, request: Request, conversation_id: UUID) -> Response:
        return Response(_whole_json(own_conversation(request._request, conversation_id)))

    @extend_schema(
        operation_id="change_conversation",
        tags=_TAGS,
        summary="Rename or pin a conversation",
        request=ChangedConversationSerializer,
        responses=WholeConversationSerializer,
    )
    def patch(self, request: Request, conversation_id: UUID) -> Response:
        found = own_conversation(request._request, conversation_id)
        form = ChangedConversationSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        fields = form.validated_data
        asking.change_conversation(
            conversation=found, title=fields.get("title"), is_pinned=fields.get("pinned")
        )
        return Response(_whole_json(found))

    @extend_schema(
        operation_id="delete_conversation",
        tags=_TAGS,
        summary="Delete a conversation",
        responses={200: DeletedSerializer},
    )
    def delete(self, request: Request, conversation_id: UUID) -> Response:
        own_conversation(request._request, conversation_id)
        return Response({"success": True, "deleted_count": _delete(request, [conversation_id])})


class ConversationBatch(APIView):
    """Many at once: all or none."""

    permission_classes = [MayTalk]
    guests_may_call = True
    body_kind = list
    error_codes = ("VALIDATION_ERROR", "RESOURCE_NOT_FOUND", "PAYLOAD_TOO_LARGE")
    body_max_bytes = 2 * 1024 * 1024

    @extend_schema(
        operation_id="create_conversations",
        tags=_TAGS,
        summary="Make many conversations, or none",
        request={"application/json": _MANY},
        responses={201: ManySerializer},
    )
    def post(self, request: Request) -> Response:
        _check_length(request.data)
        form = NewConversationSerializer(data=request.data, many=True)
        form.is_valid(raise_exception=True)
        made = _create(request, form.validated_data)
        listed = {
            each.pk: each for each in _for_list(_own(request).filter(pk__in=[each.pk for each in made]))
        }
        shown = conversations_json(listed[each.pk] for each in made)
        return Response({"success": True, "count": len(shown), "conversations": shown}, status=201)

    @extend_schema(
        operation_id="delete_conversations",
        tags=_TAGS,
        summary="Delete many conversations, or none",
        description=(
            f"The body is a list of 1 to {_MOST_AT_ONCE} ids. One that is not there, or another's, leaves "
            "all of them as they are."
        ),
        responses={200: DeletedSerializer},
    )
    def delete(self, request: Request) -> Response:
        _check_length(request.data)
        ids = serializers.ListField(child=serializers.UUIDField()).run_validation(request.data)
        return Response({"success": True, "deleted_count": _delete(request, ids)})


class ConversationSearch(APIView):
    """Find conversations by what is in their titles and messages."""

    permission_classes = [MayTalk]
    guests_may_call = True

    @extend_schema(
        operation_id="search_conversations",
        tags=_TAGS,
        summary="Search one's conversations",
        parameters=[SearchQuerySerializer],
        responses=ResultsSerializer,
    )
    def get(self, request: Request) -> Response:
        query = SearchQuerySerializer(data=request.query_params.dict())
        query.is_valid(raise_exception=True)
        fields = query.validated_data
        hits = searching.search(
            _own(request),
            fields["query"],
            model=fields.get("model", ""),
            since=fields.get("date_from"),
            until=fields.get("date_to"),
        )
        wanted = _for_list(_own(request).filter(pk__in=[hit.conversation_id for hit in hits]))
        shown = {talk["id"]: talk for talk in conversations_json(wanted)}
        results = []
        for hit in hits:
            result: dict[str, Any] = {"conversation": shown[str(hit.conversation_id)], "match_type": hit.kind}
            if hit.message:
                result["matched_message"] = message_json(hit.message)
            results.append(result)
        return Response({"query": fields["query"], "count": len(results), "results": results})


# --- How ------------------------------------------------------------------------------------------


def _own(request: Request) -> Any:
    return Conversation.objects.visible_to(user=request.user, guest_key=guest_key(request._request))


def _for_list(conversations: Any) -> QuerySet[Conversation]:
    found: QuerySet[Conversation] = conversations.counted().select_related("lesson__course", "lesson__parent")
    return found


def _check_length(given: Sized) -> None:
    if not 1 <= len(given) <= _MOST_AT_ONCE:
        message = _("Give 1 to %(most)s of them.") % {"most": _MOST_AT_ONCE}
        raise serializers.ValidationError({"non_field_errors": [message]})


def _create(request: Request, described: list[dict[str, Any]]) -> list[Conversation]:
    names = {each["lesson_id"] for each in described if each.get("lesson_id")}
    lessons = {name: find_lesson(name) for name in names}
    if None in lessons.values():
        raise Refused("RESOURCE_NOT_FOUND", _("There is no such lesson."))
    return asking.create_conversations(
        user=request.user if request.user.is_authenticated else None,
        guest_key=guest_key(request._request, create=True),
        described=[{**each, "lesson": lessons.get(each.get("lesson_id"))} for each in described],
    )


def _delete(request: Request, ids: list[UUID]) -> int:
    try:
        return asking.delete_conversations(user=request.user, guest_key=guest_key(request._request), ids=ids)
    except asking.NoSuchConversations as problem:
        message = _("At least one of these conversations does not exist, so none was deleted.")
        raise Refused("RESOURCE_NOT_FOUND", message) from problem


def conversations_json(conversations: Iterable[Any]) -> list[dict[str, Any]]:
    """Of conversations as `_for_list` reads them."""
    default = default_course()
    return [_conversation_json(each, default, each.message_count) for each in conversations]


def _conversation_json(conversation: Conversation, default: Course | None, count: int) -> dict[str, Any]:
    known = {
        "id": conversation.pk,
        "title": conversation.title,
        "pinned": conversation.is_pinned,
        "lesson_id": lesson_id(conversation.lesson, default=default) if conversation.lesson else None,
        "message_count": count,
        "created_at": conversation.created_at,
        "updated_at": conversation.updated_at,
    }
    return dict(ConversationSerializer(known).data)


def _whole_json(conversation: Conversation) -> dict[str, Any]:
    messages = [message_json(each) for each in conversation.messages.standing().defer("context", "words")]
    return {
        **_conversation_json(conversation, default_course(), len(messages)),
        "messages": messages,
    }


def message_json(message: Message) -> dict[str, Any]:
    prompt, completion = message.prompt_tokens, message.completion_tokens
    known = {
        "id": message.pk,
        "role": message.role,
        "content": message.content,
        "status": message.status,
        "error": message.error_message or None,
        "model": message.model or None,
        "tokens": {"prompt": prompt, "completion": completion, "total": prompt + completion},
        "citations": message.citations,
        "created_at": message.created_at,
    }
    return dict(MessageSerializer(known).data)
