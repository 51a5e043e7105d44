"""Statements that are made once do what Django's own do."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError
from django.forms.models import model_to_dict
from django.utils import timezone

from progress.models import Submission, statements
from sandbox.execution import Outcome

pytestmark = pytest.mark.django_db

FIELDS = {
    "guest_key": "guest",
    "code": "print('%s 100% 语言')",
    "prelude": [{"name": "a.py", "code": "x"}],
    "files": {"data.txt": "ä"},
    "stdin": None,
    "exit_code": None,
    "wall_time": 0.25,
}


def row_of(submission: Submission) -> dict[str, Any]:
    row = Submission.objects.get(pk=submission.pk)
    return {field.attname: getattr(row, field.attname) for field in Submission._meta.concrete_fields}


def test_a_row_is_inserted_as_django_inserts_it() -> None:
    ours, djangos = Submission(**FIELDS), Submission(**FIELDS)

    statements.insert(ours)
    djangos.save(force_insert=True)

    known = {"id", "created_at", "queued_at"}
    there, as_django = row_of(ours), row_of(djangos)
    assert {name: value for name, value in there.items() if name not in known} == {
        name: value for name, value in as_django.items() if name not in known
    }
    assert (ours.created_at, ours.queued_at) == (there["created_at"], there["queued_at"])
    ours.code = "changed"
    ours.save()  # it knows that it is in the database
    assert Submission.objects.get(pk=ours.pk).code == "changed"


def test_a_broken_constraint_is_djangos_error() -> None:
    row = Submission(**FIELDS)
    statements.insert(row)

    with pytest.raises(IntegrityError):
        statements.insert(row)


def test_an_update_writes_where_all_is_as_said() -> None:
    row = Submission.objects.create(**FIELDS, status=Submission.Status.RUNNING, attempts=2)
    other = Submission.objects.create(**{**FIELDS, "guest_key": "other"})
    where = {"id": row.pk, "status": Submission.Status.RUNNING, "attempts": 2, "deleted_at": None}
    values = {"status": Submission.Status.FINISHED, "outcome": Outcome.OK, "output": [["stdout", "%s ä\n"]]}

    assert statements.update(Submission, where={**where, "attempts": 1}, values=values) == 0
    assert statements.update(Submission, where=where, values=values) == 1

    row.refresh_from_db()
    other.refresh_from_db()
    assert model_to_dict(row, fields=["status", "outcome", "output"]) == values
    assert other.status == Submission.Status.QUEUED


def test_an_update_leaves_out_what_is_deleted() -> None:
    row = Submission.objects.create(**FIELDS, deleted_at=timezone.now())

    assert not statements.update(
        Submission, where={"id": row.pk, "deleted_at": None}, values={"name": "b.py"}
    )


def test_rows_come_back_as_they_are_then() -> None:
    row = Submission.objects.create(**FIELDS, attempts=1)

    (changed,) = statements.update_returning(
        Submission, where={"id": row.pk}, values={"host": "here"}, plus_one="attempts"
    )

    assert (changed.host, changed.attempts) == ("here", 2)
    assert {field.attname: getattr(changed, field.attname) for field in Submission._meta.concrete_fields} == (
        row_of(row)
    )
    assert not changed._state.adding
