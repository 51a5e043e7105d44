"""Takes a site with a row in every table of ours back to its first migrations and forward again.

Run in a process and on a database of its own, by test_migrations.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

from django.apps import apps
from django.core.management import call_command
from django.db import connection, models
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
from django.utils import timezone

OURS = ("progress", "tutor", "lessons", "api", "helloagents")  # each after those that stand on it

_VALUES: dict[type[models.Field[Any, Any]], Any] = {
    models.IntegerField: 1,
    models.BooleanField: False,
    models.FloatField: 1.0,
    models.DateTimeField: timezone.now(),
    models.DateField: timezone.now().date(),
    models.BinaryField: b"bytes",
    models.JSONField: ["words"],
    models.UUIDField: uuid4(),
    models.GenericIPAddressField: "127.0.0.1",
}


def tell() -> None:
    """Print what the tables held before, at the first migrations and after; at each step back, how much."""
    call_command("migrate", verbosity=0)
    for model in _models():
        _make(model)
    _make_guest()
    before, steps = _tables(), []

    def note(action: str, migration: Any = None, fake: Any = None, /) -> None:
        if action == "unapply_success":
            steps.append([str(migration), {name: len(rows) for name, rows in _tables().items()}])

    back = MigrationExecutor(connection, progress_callback=note)
    back.migrate([(app, _first(app)) for app in OURS])
    first = _tables()
    call_command("migrate", verbosity=0)
    told = {"before": before, "steps": steps, "first": first, "after": _tables()}
    json.dump(told, sys.stdout, default=str)


def _models() -> Iterator[type[models.Model]]:
    for app in OURS:
        yield from apps.get_app_config(app).get_models(include_auto_created=True)


def _first(app: str) -> str:
    (first,) = (name for label, name in MigrationLoader(connection).graph.root_nodes(app) if label == app)
    return str(first)


def _make(model: type[models.Model]) -> models.Model:
    """The first row of a model, made with all that it stands on if there is none."""
    if found := model._base_manager.first():
        return found
    values = {field.name: _value(field) for field in model._meta.concrete_fields if _is_wanted(field)}
    return model._base_manager.create(**values)


def _is_wanted(field: models.Field[Any, Any]) -> bool:
    if isinstance(field, models.ForeignKey):
        return field.related_model is not field.model
    is_automatic = isinstance(field, models.AutoField | models.GeneratedField)
    may_be_empty = field.null or (field.blank and field.empty_strings_allowed)
    return not (may_be_empty or field.has_default() or is_automatic)


def _value(field: models.Field[Any, Any]) -> Any:
    if isinstance(field, models.ForeignKey):
        related: Any = field.related_model
        return _make(related)
    if field.choices:
        return field.flatchoices[0][0]
    for kind, value in _VALUES.items():
        if isinstance(field, kind):
            return value
    return "a@b.org"


def _make_guest() -> None:
    """What did not exist at first: a guest's progress."""
    lesson: Any = _make(apps.get_model("lessons", "Lesson"))
    progress = apps.get_model("progress", "LessonProgress")
    progress._base_manager.create(guest_key="guest", lesson=lesson, updated_at=timezone.now())


def _tables() -> dict[str, list[dict[str, Any]]]:
    """The rows of every table of ours that there is, as the database has them."""
    prefixes = tuple(f"{app}_" for app in OURS)
    with connection.cursor() as cursor:
        names = sorted(n for n in connection.introspection.table_names(cursor) if n.startswith(prefixes))
        return {name: _rows(cursor, name) for name in names if "fulltext" not in name}


def _rows(cursor: Any, table: str) -> list[dict[str, Any]]:
    cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
    columns = [column[0] for column in cursor.description]
    rows = [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]
    return sorted(rows, key=lambda row: str(row.get("id")))
