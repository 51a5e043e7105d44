from collections.abc import Callable, Iterator

import pytest

from helloagents.celery import app
from progress import tasks
from progress.tests.makers import FakePool
from sandbox.engines.selection import ENGINES
from sandbox.execution import RunResult
from sandbox.pools import Pools


@pytest.fixture
def pool_answers(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., FakePool]]:
    """Tasks run at once, against a pool that gives the answers the test names."""

    def answer(*answers: RunResult | Exception) -> FakePool:
        pool = FakePool(*answers)
        monkeypatch.setattr(tasks, "get_pool", lambda: pool)
        return pool

    app.conf.task_always_eager = True
    yield answer
    app.conf.task_always_eager = False


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Pools]:
    """Real containers, for tests marked with `bubblewrap`."""
    pools = Pools(ENGINES["bubblewrap"]())
    yield pools
    pools.close()


@pytest.fixture
def real_runs(sandbox: Pools, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pools]:
    """Tasks run at once, in real containers."""
    monkeypatch.setattr(tasks, "get_pool", lambda: sandbox)
    app.conf.task_always_eager = True
    yield sandbox
    app.conf.task_always_eager = False
