"""A run's events on their way through Redis."""

from __future__ import annotations

import json
import sys
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from progress import events


@pytest.fixture
def hurried_threads() -> Iterator[None]:
    """Threads that take turns as often as they can."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(usual)


def test_what_many_runs_say_at_once_all_arrives_in_order(hurried_threads: None) -> None:
    runs = [uuid.uuid4() for _ in range(4)]

    def say(run_id: uuid.UUID) -> None:
        for number in range(300):
            events.publish_soon(run_id, "output", stream="stdout", text=f"{number} ".ljust(20_000))
            if number % 3 == 0:
                events._Outbox.of_process().send()
        events.publish(run_id, "finished")

    with ThreadPoolExecutor(len(runs)) as threads:
        list(threads.map(say, runs))

    for run_id in runs:
        entries: Any = events.client().xrange(f"run:{run_id}")
        told = [(fields["kind"], json.loads(fields["data"])) for _, fields in entries]
        assert [kind for kind, _ in told] == ["output"] * 300 + ["finished"]
        assert [int(data["text"]) for _, data in told[:-1]] == list(range(300))
