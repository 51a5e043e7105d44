"""Every migration can be taken back with data in the database, and applied again, on both kinds of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NoReturn

import pytest

from deploy.dev import services
from deploy.dev.environment import find

pytestmark = pytest.mark.timeout(400)  # a process of its own, which takes every migration twice

# What only the later state can hold goes on the way back: progress without an account.
GOES = {("progress.0008_guests_progress_undone", "progress_lessonprogress"): 1}

Rows = list[dict[str, Any]]


@pytest.fixture(params=["sqlite", "postgresql"])
def told(
    request: pytest.FixtureRequest, tmp_path: Path, missing: Callable[[str], NoReturn]
) -> Iterator[dict[str, Any]]:
    """What the journey's stations were like."""
    with ExitStack() as stack:
        url = f"sqlite:///{tmp_path / 'db.sqlite3'}"
        if request.param == "postgresql":
            if find("initdb") is None:
                missing("PostgreSQL is not installed")
            url = stack.enter_context(services.postgres())
        env = {
            **services.plain_environment(),
            "DEBUG": "true",
            "VAR_DIR": str(tmp_path),
            "DATABASE_URL": url,
            "REDIS_URL": "redis://127.0.0.1:1/0",
        }
        go = "from helloagents.tests.there_and_back import tell; tell()"
        yield json.loads(services.manage(env, "shell", "--no-imports", "-v0", "-c", go))


def test_there_and_back(told: dict[str, Any]) -> None:
    before, first, after = told["before"], told["first"], told["after"]
    assert [table for table, rows in before.items() if not rows] == []

    counts = {table: len(rows) for table, rows in before.items()}
    for migration, left in told["steps"]:
        expected = {table: counts[table] - GOES.get((migration, table), 0) for table in left}
        assert left == expected, migration
        counts = left
    assert {migration.partition(".")[0] for migration, _ in told["steps"]} >= {"progress", "tutor", "lessons"}

    assert {"helloagents_user", "lessons_lesson", "progress_submission", "progress_draft"} <= set(first)
    for table, rows in first.items():
        assert rows == common(before[table], rows), table
        assert common(after[table], rows) == rows, table
    assert {table: columns(rows) for table, rows in after.items() if rows} == {
        table: columns(before[table]) for table, rows in after.items() if rows
    }
    assert set(after) == set(before)


def columns(rows: Rows) -> set[str]:
    return set(rows[0])


def common(rows: Rows, others: Rows) -> Rows:
    """The rows in the columns that the others have, too."""
    return [{name: row[name] for name in columns(others) if name in row} for row in rows]
