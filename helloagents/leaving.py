"""Leaving: all that the site holds about a person, to take along, and how it is erased.

An erased account is deleted with everything that hangs on it: drafts, runs, progress, addresses, second
factors, sessions. What stays says nothing about the person, such as totals in the figures of the sandbox; and
what an instructor said about learners' runs, which is theirs to keep, without the name.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterable
from typing import Any

from allauth.usersessions.models import UserSession
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models, transaction

from helloagents.models import User
from progress import roles
from progress.models import LineComment
from tutor.models import MessageImage

# Rows about a person that are secrets or bookkeeping, not information: by the label of their model.
NOT_EXPORTED = frozenset({"admin.logentry", "account.emailconfirmation"})
# Rows of whoever wrote them, though they hang on another's work and stay with it: with the lookup.
WRITTEN_BY = {"progress.linecomment": "author"}
# What others wrote about a person's work: by the label of the model, with the lookup of whose work it is.
SAID_BY_OTHERS = {"progress.linecomment": "submission__learner"}
# Fields that would open something.
SECRET_FIELDS = frozenset(
    {
        "password",
        "session_key",
        "data",
        "guest_key",
        "token",
        "token_secret",
        "encrypted_key",
        "refresh_id",
        "auth_hash",
        "key",
    }
)


class LastAdmin(Exception):
    """Nobody would be left to look after the site."""


def archive_of(user: User) -> bytes:
    """A ZIP file: the account as one JSON file, and one for each kind of row that belongs to it."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        account = _row(user) | {"groups": [group.name for group in user.groups.all()]}
        archive.writestr("account.json", _json(account))
        for model, owner in owned_models():
            rows = [_row(row) for row in _rows_of(model, owner, user)]
            if rows:
                archive.writestr(f"{model._meta.label_lower}.json", _json(rows))
    return packed.getvalue()


def _rows_of(model: type[models.Model], owner: str, user: User) -> list[models.Model]:
    """The person's own, deleted ones, too; and what others said, as far as they have not taken it back."""
    own = list(model._base_manager.filter(**{owner: user}).order_by("pk"))
    whose = SAID_BY_OTHERS.get(model._meta.label_lower)
    if whose is None:
        return own
    return own + list(model._default_manager.filter(**{whose: user}).exclude(**{owner: user}).order_by("pk"))


def owned_models() -> list[tuple[type[models.Model], str]]:
    """Each model whose rows are an account's, and the lookup that says whose they are.

    Found by their foreign keys, also of rows that hang on rows: a model that comes later is not forgotten.
    """
    found: dict[type[models.Model], str] = {}
    waiting: list[tuple[type[models.Model], str]] = [(User, "")]
    while waiting:
        owner, path = waiting.pop(0)
        for relation in owner._meta.related_objects:
            model = relation.related_model
            owns = isinstance(relation.field, models.ForeignKey) and relation.on_delete is models.CASCADE
            if not owns or isinstance(model, str) or model is User or model in found:
                continue
            found[model] = f"{relation.field.name}__{path}" if path else relation.field.name
            waiting.append((model, found[model]))
    return [
        (model, WRITTEN_BY.get(model._meta.label_lower, path))
        for model, path in found.items()
        if _is_told(model)
    ]


def _is_told(model: type[models.Model]) -> bool:
    return not model._meta.auto_created and model._meta.label_lower not in NOT_EXPORTED


def _row(row: models.Model) -> dict[str, Any]:
    fields = (field for field in row._meta.concrete_fields if field.name not in SECRET_FIELDS)
    told = {field.name: field.value_from_object(row) for field in fields}
    return told | {"url": row.address} if isinstance(row, MessageImage) else told


def _json(content: Any) -> str:
    return json.dumps(content, cls=DjangoJSONEncoder, ensure_ascii=False, indent=2)


def keep_an_admin(leaving: Iterable[User]) -> None:
    """Raises LastAdmin if nobody would manage the site without these.

    To be asked in the transaction that takes them away.
    """
    admins = {admin.pk for admin in roles.admins().select_for_update().only("pk")}
    going = {user.pk for user in leaving}
    if admins & going and admins <= going:
        raise LastAdmin


@transaction.atomic
def erase_account(*, user: User) -> None:
    """Delete the account and everything that hangs on it. Raises LastAdmin.

    What was said about learners' runs stays with them, of nobody; what was taken back of it goes.
    """
    keep_an_admin([user])
    for session in UserSession.objects.filter(user=user):
        session.end()
    LineComment.all_rows.filter(author=user, deleted_at__isnull=False).delete()
    User.objects.get(pk=user.pk).delete()
