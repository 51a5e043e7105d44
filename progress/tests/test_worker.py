"""A worker process beside its tasks: that it starts and ends well when the database is away."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NoReturn

import pytest
from django.db import OperationalError

from progress import orders, tasks, worker
from progress.models import Submission
from sandbox.image import AGENT


class PlayedPools:
    """Pools that note what they were asked to keep warm."""

    def __init__(self) -> None:
        self.warmed: list[Any] = []

    def warm(self, images: list[Any]) -> None:
        self.warmed.append(images)


@pytest.fixture(autouse=True)
def back_to_the_start(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(worker, "_is_warm", False)
    monkeypatch.setattr("django.db.connections.close_all", lambda: None)  # the test's own is among them
    yield
    orders._leaving.clear()


def _away(*args: Any) -> NoReturn:
    raise OperationalError("The database is away.")


def test_warming_up_is_tried_again_when_the_database_is_back(monkeypatch: pytest.MonkeyPatch) -> None:
    pools: Any = PlayedPools()
    monkeypatch.setattr(worker, "images_of_courses", _away)
    worker._warm_up(pools)
    assert not worker._is_warm

    monkeypatch.setattr(worker, "images_of_courses", lambda: [AGENT])
    worker._warm_up(pools)
    assert pools.warmed == [[AGENT]]
    assert worker._is_warm


def test_a_run_that_cannot_be_given_away_is_not_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "hand_over", _away)
    assert not worker._let_go(Submission())  # else it would be written down as stopped by its learner

    monkeypatch.setattr(tasks, "hand_over", lambda submission: False)  # somebody else's by now
    assert worker._let_go(Submission())


def test_whoever_leaves_takes_no_more_runs_though_it_held_none(settings: Any) -> None:
    settings.WORKER_STOP_SECONDS = 0
    worker._leave()
    assert orders.leaving()
