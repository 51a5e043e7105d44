"""Addresses of the API: version 1, the version list, and the old addresses without a version."""

from __future__ import annotations

from django.urls import URLPattern, path, re_path

from helloagents.api import reference
from helloagents.api.errors import nothing_here
from helloagents.api.tokens import ObtainToken, RefreshToken, RevokeToken
from helloagents.api.users import Account, Me, Users
from helloagents.api.versions import Versions, deprecated
from lessons.api import Contents, Reading
from lessons.search.api import Search
from progress.api.conversations import (
    ConversationBatch,
    Conversations,
    ConversationSearch,
    OneConversation,
)
from progress.api.hints import CodeHint
from progress.api.running import Execute, Run, RunEvents, RunInput, Runs
from progress.api.talking import Chat, ChatStream
from progress.api.work import Progress, Submissions, SubmissionsOf
from sandbox.api import PoolStats

VERSION_1 = [
    path("auth/token", ObtainToken.as_view(), name="api-token"),
    path("auth/token/refresh", RefreshToken.as_view(), name="api-token-refresh"),
    path("auth/token/revoke", RevokeToken.as_view(), name="api-token-revoke"),
    path("users", Users.as_view(), name="api-users"),
    path("users/me", Me.as_view(), name="api-me"),
    path("users/<str:user_id>", Account.as_view(), name="api-user"),
    path("lessons", Contents.as_view(), name="api-lessons"),
    path("lessons/search", Search.as_view(), name="api-lesson-search"),
    path("lessons/<str:lesson_id>", Reading.as_view(), name="api-lesson"),
    path("code/execute", Execute.as_view(), name="api-execute"),
    path("code/hint", CodeHint.as_view(), name="api-hint"),
    path("runs", Runs.as_view(), name="api-runs"),
    path("runs/<uuid:run_id>", Run.as_view(), name="api-run"),
    path("runs/<uuid:run_id>/events", RunEvents.as_view(), name="api-run-events"),
    path("runs/<uuid:run_id>/stdin", RunInput.as_view(), name="api-run-stdin"),
    path("chat", Chat.as_view(), name="api-chat"),
    path("chat/stream", ChatStream.as_view(), name="api-chat-stream"),
    path("conversations", Conversations.as_view(), name="api-conversations"),
    path("conversations/batch", ConversationBatch.as_view(), name="api-conversation-batch"),
    path("conversations/search", ConversationSearch.as_view(), name="api-conversation-search"),
    path("conversations/<uuid:conversation_id>", OneConversation.as_view(), name="api-conversation"),
    path("progress/<str:user_id>", Progress.as_view(), name="api-progress"),
    path("submissions", Submissions.as_view(), name="api-submissions"),
    path("submissions/<str:user_id>", SubmissionsOf.as_view(), name="api-submissions-of"),
    path("sandbox/pool/stats", PoolStats.as_view(), name="pool-stats"),
    path("schema", reference.Schema.as_view(), name="api-schema"),
    path("docs", reference.swagger, name="api-docs"),
    path("redoc", reference.redoc, name="api-redoc"),
]

# Old address → its successor in version 1; both answer by the same view.
OLD = {
    "execute": "code/execute",
    "chat": "chat",
    "hint": "code/hint",
    "lessons": "lessons",
    "lessons/<str:lesson_id>": "lessons/{lesson_id}",
    "users": "users",
    "users/<str:user_id>": "users/{user_id}",
    "progress/<str:user_id>": "progress/{user_id}",
    "submissions": "submissions",
    "submissions/<str:user_id>": "submissions/{user_id}",
}


def _old_addresses() -> list[URLPattern]:
    views = {str(pattern.pattern): pattern.callback for pattern in VERSION_1}
    found = []
    for old, successor in OLD.items():
        view = views[old if old in views else successor]
        found.append(path(old, deprecated(view, successor)))
    return found


urlpatterns = [
    path("version", Versions.as_view(), name="api-version"),
    *(path(f"v1/{pattern.pattern}", pattern.callback, name=pattern.name) for pattern in VERSION_1),
    *_old_addresses(),
    re_path(r"^.*$", nothing_here),
]
