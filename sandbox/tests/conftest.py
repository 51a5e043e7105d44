"""Real pools on real engines: whatever asks for `pool` runs on Docker and on bubblewrap."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from sandbox.calls import Answerer
from sandbox.control import RunControl
from sandbox.engines import Engine, Limits
from sandbox.engines.selection import ENGINES
from sandbox.execution import RunEvent, RunRequest, RunResult
from sandbox.pool import Pool

MakePool = Callable[..., Pool]


@pytest.fixture(
    scope="session",
    params=[
        pytest.param("docker", marks=pytest.mark.docker),
        pytest.param("bubblewrap", marks=pytest.mark.bubblewrap),
    ],
)
def engine(request: pytest.FixtureRequest) -> Engine:
    made = ENGINES[request.param]()
    made.check()
    return made


@pytest.fixture(scope="session")
def limits() -> Limits:
    return Limits.from_settings()


@pytest.fixture(scope="session")
def shared_pool(engine: Engine, limits: Limits) -> Iterator[Pool]:
    pool = Pool(engine, limits=limits, initial=2, minimum=2, maximum=3)
    yield pool
    pool.close()


@pytest.fixture
def pool(shared_pool: Pool) -> Pool:
    """Shared by the tests of an engine: each must leave it as good as it found it."""
    return shared_pool


@pytest.fixture
def make_pool(engine: Engine, limits: Limits) -> Iterator[MakePool]:
    """Pools of the test's own, for what would hurt a shared one."""
    pools: list[Pool] = []

    def make(**sizes: Any) -> Pool:
        pool = Pool(engine, limits=limits, **{"initial": 1, "minimum": 1, "maximum": 1, **sizes})
        pools.append(pool)
        return pool

    yield make
    for pool in pools:
        pool.close()


@dataclass
class Finished:
    result: RunResult
    events: list[RunEvent]

    @property
    def outcome(self) -> str:
        return self.result.outcome

    @property
    def stdout(self) -> str:
        return "".join(piece.text for piece in self.result.output if piece.stream == "stdout")

    @property
    def stderr(self) -> str:
        return "".join(piece.text for piece in self.result.output if piece.stream == "stderr")


def run(
    pool: Pool,
    code: str,
    *,
    control: RunControl | None = None,
    on_event: Callable[[RunEvent], None] | None = None,
    answer: Answerer | None = None,
    **fields: Any,
) -> Finished:
    """Run a program to its end. Without `stdin` in `fields` its input is empty."""
    events: list[RunEvent] = []

    def note(event: RunEvent) -> None:
        events.append(event)
        if on_event:
            on_event(event)

    request = RunRequest(code=code, **{"stdin": "", "timeout": 20, **fields})
    result = pool.run(request, on_event=note, control=control or RunControl(), answer=answer)
    return Finished(result, events)
