"""The pool: leases, replacement, healing, limits of size and patience."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from sandbox.container import Container
from sandbox.control import RunControl
from sandbox.engines import Engine, Limits
from sandbox.errors import ContainerLost, EngineUnavailable, PoolExhausted
from sandbox.execution import Output, RunEvent, RunRequest, Started
from sandbox.image import PYTHON, Image
from sandbox.pool import Pool
from sandbox.probe import probe
from sandbox.tests.conftest import MakePool, run
from sandbox.upkeep import Upkeep

SPEAK_AND_SPIN = "print('go', flush=True)\nwhile True: pass"


class BrokenEngine:
    """An engine that is away until it is told to be back."""

    name = "broken"

    def __init__(self, engine: Engine | None = None) -> None:
        self.engine = engine
        self.attempts = 0

    def check(self, image: Image = PYTHON) -> None: ...

    def ping(self) -> None: ...

    def reap_orphans(self) -> int:
        return 0

    def create(self, limits: Limits, image: Image = PYTHON):  # type: ignore[no-untyped-def] # whatever the real engine makes
        self.attempts += 1
        if self.engine is None:
            raise EngineUnavailable("start the engine")
        return self.engine.create(limits, image)


@pytest.fixture
def broken() -> Iterator[tuple[BrokenEngine, Pool]]:
    engine = BrokenEngine()
    upkeep = Upkeep(build_pause=3600)
    pool = Pool(
        engine,
        limits=Limits.from_settings(),
        initial=1,
        minimum=1,
        maximum=1,
        lease_wait=3600,  # nobody waits so long: a run that is not told at once hangs
        upkeep=upkeep,
    )
    yield engine, pool
    pool.close()


def lose_during_run(pool: Pool) -> None:
    """Have the container taken away from under a run."""

    def destroy(event: RunEvent) -> None:
        if isinstance(event, Output):
            (container,) = pool._busy
            container._box.destroy()  # what `docker rm -f` or a killed supervisor amounts to

    run(pool, SPEAK_AND_SPIN, on_event=destroy)


def test_a_container_serves_one_run_after_the_other(make_pool: MakePool) -> None:
    pool = make_pool()
    for number in range(5):
        assert run(pool, f"print({number})").stdout == f"{number}\n"

    stats = pool.stats()
    assert stats["total_created"] == 1
    assert stats["total_executions"] == stats["total_resets"] == 5
    assert (stats["available_containers"], stats["in_use_containers"], stats["total_containers"]) == (1, 0, 1)


def test_concurrent_runs_do_not_mix(make_pool: MakePool) -> None:
    pool = make_pool(initial=3, maximum=3)
    code = "import time\nfor i in range(20):\n    print('{0}', i)\n    time.sleep(0.001)\nprint(input())"

    def one(name: str) -> str:
        return run(pool, code.format(name), stdin=f"end {name}\n").stdout

    with ThreadPoolExecutor(6) as threads:
        outputs = list(threads.map(one, map(str, range(18))))

    for name, output in enumerate(outputs):
        assert output == "".join(f"{name} {i}\n" for i in range(20)) + f"end {name}\n"


def test_the_pool_grows_on_demand_up_to_its_maximum(make_pool: MakePool) -> None:
    pool = make_pool(initial=1, maximum=2)
    together = threading.Barrier(2, timeout=20)
    most = []

    def meet(event: RunEvent) -> None:
        if isinstance(event, Started):
            together.wait()  # passes only with two runs at once
            most.append(pool.stats()["total_containers"])

    with ThreadPoolExecutor(4) as threads:
        runs = [threads.submit(run, pool, "print(1)", on_event=meet) for _ in range(4)]
        assert [finished.result().outcome for finished in runs] == ["ok"] * 4

    assert max(most) == 2


def test_waiting_for_a_container_ends(make_pool: MakePool) -> None:
    pool = make_pool(lease_wait=0.05)
    pool.wait_until_filled(20)
    busy, control = threading.Event(), RunControl()

    def started(event: RunEvent) -> None:
        busy.set()

    with ThreadPoolExecutor(1) as threads:
        first = threads.submit(run, pool, "while True: pass", on_event=started, control=control)
        assert busy.wait(20)
        with pytest.raises(PoolExhausted):
            run(pool, "print(1)")
        control.cancel()
        assert first.result().outcome == "cancelled"


def test_a_run_cancelled_while_it_waits_never_starts(make_pool: MakePool) -> None:
    pool = make_pool()
    busy, control, waiting = threading.Event(), RunControl(), RunControl()

    def started(event: RunEvent) -> None:
        busy.set()

    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(run, pool, "while True: pass", on_event=started, control=control)
        assert busy.wait(20)
        second = threads.submit(run, pool, "print('ran')", control=waiting)
        waiting.cancel()
        finished = second.result(timeout=10)
        control.cancel()
        first.result(timeout=10)

    assert finished.outcome == "cancelled"
    assert finished.events == []


@pytest.mark.parametrize("code", ["while True: pass", "x = bytearray(10**9)"], ids=["time", "memory"])
def test_a_container_is_replaced_after_a_limit(make_pool: MakePool, code: str) -> None:
    pool = make_pool()
    run(pool, code, timeout=1)

    assert run(pool, "print('new')").stdout == "new\n"
    assert pool.stats()["total_created"] == 2


def test_a_lost_container_is_a_fault_of_ours_and_replaced(make_pool: MakePool) -> None:
    pool = make_pool()

    with pytest.raises(ContainerLost) as caught:
        lose_during_run(pool)
    assert caught.value.started
    assert run(pool, "print('healed')").stdout == "healed\n"


def test_a_container_lost_while_idle_costs_the_next_run_nothing(make_pool: MakePool) -> None:
    pool = make_pool(initial=2, maximum=2)
    pool.wait_until_filled(20)
    for container in list(pool._idle):
        container._box.destroy()

    assert run(pool, "print('fine')").stdout == "fine\n"


def test_what_a_listener_raises_ends_the_run_and_the_container(make_pool: MakePool) -> None:
    pool = make_pool()

    def fail(event: RunEvent) -> None:
        raise ConnectionError("nobody to tell")

    with pytest.raises(ConnectionError):
        run(pool, "while True: print(1)", on_event=fail)
    assert run(pool, "print('next')").stdout == "next\n"
    assert pool.stats()["total_created"] == 2


def test_a_container_is_replaced_after_its_share_of_runs(make_pool: MakePool) -> None:
    pool = make_pool(upkeep=Upkeep(runs_per_container=2))
    for _ in range(4):
        run(pool, "print(1)")
    run(pool, "print(1)")

    assert pool.stats()["total_created"] >= 3


def test_single_use_containers_serve_one_run_each(make_pool: MakePool) -> None:
    pool = make_pool(initial=2, minimum=2, maximum=4, upkeep=Upkeep(single_use=True))
    containers: list[Container] = []

    def note(event: RunEvent) -> None:
        if isinstance(event, Started):
            containers.extend(pool._busy)

    for _ in range(4):
        run(pool, "open('/tmp/left', 'x')", on_event=note)

    assert len(containers) == len(set(containers)) == 4
    pool.wait_until_filled(20)
    stats = pool.stats()
    assert stats["replaced"] == {"runs": 4}
    assert stats["total_resets"] == 0
    assert stats["available_containers"] >= 2


def test_closing_destroys_all_and_ends_what_runs(make_pool: MakePool) -> None:
    pool = make_pool(initial=2, maximum=2)
    pool.wait_until_filled(20)

    closer = threading.Thread(target=pool.close)

    def close(event: RunEvent) -> None:
        if isinstance(event, Started):
            closer.start()

    with pytest.raises(ContainerLost):
        run(pool, "while True: pass", on_event=close)
    closer.join()
    pool.close()

    with pytest.raises(PoolExhausted):
        run(pool, "print(1)")
    assert pool.stats()["total_created"] == pool.stats()["total_destroyed"] == 2


def test_the_probe_tells_an_untouched_container_from_another(make_pool: MakePool, engine: Engine) -> None:
    container = Container.start(engine, Limits.from_settings())
    try:
        probe(container)
        probe(container)
    finally:
        container.destroy()


def test_idle_containers_are_given_up_down_to_the_minimum(make_pool: MakePool) -> None:
    pool = make_pool(initial=3, minimum=1, maximum=3, idle_seconds=0)
    pool.wait_until_filled(20)
    for _ in range(5):
        pool.maintain()

    assert pool.stats()["available_containers"] == 1


def test_idle_containers_are_checked_and_bad_ones_replaced(
    make_pool: MakePool, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = make_pool(upkeep=Upkeep(deep_check_every=0))
    pool.wait_until_filled(20)
    pool.maintain()
    assert pool.stats()["health_check_failures"] == 0

    monkeypatch.setattr("sandbox.probe.PROBE_ANSWER", "something else")
    pool.maintain()
    monkeypatch.undo()

    assert pool.stats()["health_check_failures"] == 1
    assert run(pool, "print('fine')").stdout == "fine\n"


def test_idle_containers_that_are_gone_are_replaced_before_their_check_is_due(make_pool: MakePool) -> None:
    pool = make_pool(initial=2, minimum=2, maximum=2, upkeep=Upkeep(deep_check_every=3600))
    pool.wait_until_filled(20)
    gone = pool._idle[0]
    gone._box.destroy()
    pool.maintain()

    assert pool.stats()["health_check_failures"] == 1
    pool.wait_until_filled(20)
    assert gone not in pool._idle
    assert not any(container.has_ended() for container in pool._idle)


# --- An engine that is away -----------------------------------------------------------------------------


def test_without_an_engine_a_run_fails_at_once_with_the_remedy(
    broken: tuple[BrokenEngine, Pool],
) -> None:
    _, pool = broken
    with pytest.raises(EngineUnavailable, match="start the engine"):
        pool.run(RunRequest(code=""), on_event=lambda event: None, control=RunControl())

    assert pool.stats()["message"] == "start the engine"


def test_the_pool_heals_when_the_engine_is_back(broken: tuple[BrokenEngine, Pool], engine: Engine) -> None:
    """The very next run finds it, however long the pause between tries in the background."""
    fake, pool = broken
    with pytest.raises(EngineUnavailable):
        pool.run(RunRequest(code=""), on_event=lambda event: None, control=RunControl())
    fake.engine = engine

    assert run(pool, "print('back')").stdout == "back\n"
    assert pool.stats()["message"] == ""
