"""The load scenario itself, small: that learners do everything, and that what went wrong is told."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NoReturn

import pytest

from deploy.dev import services
from deploy.dev.environment import find
from deploy.dev.processes import SetupError

pytestmark = [pytest.mark.bubblewrap, pytest.mark.timeout(400)]  # a whole site has to start


def test_a_few_learners_for_a_few_seconds(missing: Callable[[str], NoReturn]) -> None:
    if find("initdb") is None or find("redis-server") is None:
        missing("PostgreSQL or Redis is not installed")
    env = services.plain_environment() | {"DEBUG": "true", "SANDBOX_ENGINE": "bubblewrap"}
    told = services.manage(env, "loadtest", "--learners", "4", "--seconds", "4", "--pause", "0.5")

    rows = dict(re.findall(r"^  ([a-z][a-z ]+?) {2,}(\d+ +\d+) ", told, flags=re.MULTILINE))
    assert {"page", "run", "tutor panel", "question", "first words", "answer"} <= set(rows), told
    assert int(rows["page"].split()[0]) > 0
    assert {row.split()[1] for kind, row in rows.items() if kind not in ("web", "worker", "beat")} == {"0"}
    assert re.search(r"^  web +\d+ +\d+ +\d+ ", told, flags=re.MULTILINE)
    assert re.search(r"\d+ learners per core$", told, flags=re.MULTILINE)


def test_more_than_a_machine_can_bear_is_refused() -> None:
    env = services.plain_environment() | {"DEBUG": "true"}
    with pytest.raises(SetupError, match="from 1 to 2000"):
        services.manage(env, "loadtest", "--learners", "100000")
