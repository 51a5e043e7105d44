"""The rules of a pool, on a clock that the test moves and with supervisors that it plays."""

from __future__ import annotations

import itertools
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any

import pytest

from sandbox import container, engine_watch
from sandbox.capacity import Capacity
from sandbox.control import RunControl
from sandbox.engine_watch import EngineWatch
from sandbox.engines import Death, Limits
from sandbox.errors import EngineUnavailable
from sandbox.execution import Outcome, RunRequest
from sandbox.image import PYTHON, Image
from sandbox.load import Load
from sandbox.pool import Pool
from sandbox.probe import PROBE, PROBE_ANSWER
from sandbox.supervisor.frames import MAX_REQUEST, VERSION, Frame, FrameReader, Kind, pack
from sandbox.supervisor.request import Request
from sandbox.tests.test_container import EXIT, FakeChannel
from sandbox.upkeep import Reason, Record, Upkeep

STAY = "stay"  # a program that goes on until it is stopped
READ = "read"  # a program that waits for input, and ends


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class PlayedBox:
    """A box with a supervisor of few words: it obeys, and is silent when told so."""

    def __init__(self, number: int) -> None:
        self.id = f"box-{number}"
        near, self._far = socket.socketpair()
        near.setblocking(False)
        self.channel = FakeChannel(near)
        self._near = near
        self.silent = False
        self.unclean = False
        self.typed = b""
        self.probe_answer = PROBE_ANSWER
        self.programs: list[str] = []
        self._thread = threading.Thread(target=self._play, daemon=True)
        self._thread.start()

    def destroy(self) -> None:
        self._far.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._near.close()
        self._far.close()

    def die(self) -> None:
        self._far.shutdown(socket.SHUT_RDWR)

    def death(self) -> Death:
        return Death(out_of_memory=False, words="")

    def _play(self) -> None:
        self._far.sendall(pack(Kind.READY, 0, json.dumps({"version": VERSION}).encode()))
        reader = FrameReader(MAX_REQUEST)
        with suppress(BrokenPipeError):  # destroyed in the middle of an answer
            while data := self._far.recv(65536):
                for frame in reader.feed(data):
                    self._far.sendall(self._answer(frame))

    def _answer(self, frame: Frame) -> bytes:
        if frame.kind is Kind.PING:
            return b"" if self.silent else pack(Kind.PONG, 0, frame.payload)
        if self.unclean:
            return pack(Kind.UNCLEAN, 1, b"a file")
        if frame.kind is Kind.INPUT:
            self.typed += frame.payload
            return _end(frame.run)
        if frame.kind is Kind.CANCEL:
            return _end(frame.run, reason="cancelled", code=None)
        code = Request.parse(frame.payload).code
        self.programs.append(code)
        if code in (STAY, READ):
            return pack(Kind.STARTED, frame.run)
        output = self.probe_answer if code == PROBE else code
        return pack(Kind.STARTED, frame.run) + pack(Kind.STDOUT, frame.run, output.encode()) + _end(frame.run)


def _end(run: int, **changes: Any) -> bytes:
    exit_report = json.dumps({**EXIT, **changes}).encode()
    return pack(Kind.EXIT, run, exit_report)


class PlayedEngine:
    name = "played"

    def __init__(self) -> None:
        self.boxes: list[PlayedBox] = []
        self._numbers = itertools.count()
        self.away = False
        self.first_is_unclean = False
        self.reaped = 0
        self.tried = threading.Semaphore(0)
        self.may_go_on = threading.Event()
        self.may_go_on.set()

    def check(self, image: Image = PYTHON) -> None: ...

    def ping(self) -> None:
        if self.away:
            raise EngineUnavailable("start the engine")

    def reap_orphans(self) -> int:
        self.reaped += 1
        return 0

    def create(self, limits: Limits, image: Image = PYTHON) -> PlayedBox:
        away = self.away
        self.tried.release()
        assert self.may_go_on.wait(20)
        if away:
            raise EngineUnavailable("start the engine")
        box = PlayedBox(next(self._numbers))
        box.unclean = self.first_is_unclean and not self.boxes
        self.boxes.append(box)
        return box


@pytest.fixture
def engine() -> PlayedEngine:
    return PlayedEngine()


@pytest.fixture
def clock() -> Clock:
    return Clock()


MakePool = Callable[..., Pool]


@pytest.fixture
def make_pool(engine: PlayedEngine, clock: Clock) -> Iterator[MakePool]:
    """Pools whose maintenance is the test's own doing."""
    pools: list[Pool] = []

    def make(*, upkeep: dict[str, Any] | None = None, **sizes: Any) -> Pool:
        pool = Pool(
            engine,
            limits=Limits.from_settings(),
            clock=clock,
            upkeep=Upkeep(check_every=3600, **(upkeep or {})),
            **{"initial": 1, "minimum": 1, "maximum": 10, **sizes},
        )
        pools.append(pool)
        pool.wait_until_filled(20)
        return pool

    yield make
    for pool in pools:
        pool.close()


def run(pool: Pool, code: str = "hi", control: RunControl | None = None) -> Outcome:
    request = RunRequest(code=code)
    return pool.run(request, on_event=lambda event: None, control=control or RunControl()).outcome


@contextmanager
def busy(pool: Pool, number: int) -> Iterator[None]:
    """So many containers run a program meanwhile."""
    controls = [RunControl() for _ in range(number)]
    started = threading.Semaphore(0)

    def stay(control: RunControl) -> Outcome:
        request = RunRequest(code=STAY)
        return pool.run(request, on_event=lambda event: started.release(), control=control).outcome

    with ThreadPoolExecutor(number) as threads:
        runs: list[Future[Outcome]] = [threads.submit(stay, control) for control in controls]
        try:
            for _ in runs:
                assert started.acquire(timeout=20)
            yield
        finally:
            for control in controls:
                control.cancel()
        assert [each.result(20) for each in runs] == [Outcome.CANCELLED] * number


def settled(pool: Pool) -> dict[str, Any]:
    """The figures once nothing is being made or examined any more."""
    pool.wait_until_filled(20)
    with pool._changed:
        assert pool._changed.wait_for(lambda: not pool._examined, 20)
    return pool.stats()


def next_in_turn(pool: Pool, engine: PlayedEngine) -> PlayedBox:
    (box,) = [each for each in engine.boxes if each.id == pool._idle[0].id]
    return box


# --- Growing ahead ----------------------------------------------------------------------------------


def test_the_load_is_the_mean_over_the_window() -> None:
    load = Load(60, now=0)
    load.note(4, now=30)
    assert load.mean(now=45) == pytest.approx(1)  # 15 of 60 seconds with four
    assert load.mean(now=90) == pytest.approx(4)
    load.note(0, now=90)
    assert load.mean(now=120) == pytest.approx(2)
    assert load.mean(now=121) == pytest.approx(4 * 29 / 60)
    assert load.mean(now=10_000) == 0


@pytest.mark.parametrize(("busy_of_ten", "wanted"), [(0, 0), (7.9, 10), (8, 10), (8.1, 11), (10, 13)])
def test_the_wanted_number_keeps_the_busy_share_at_the_threshold(busy_of_ten: float, wanted: int) -> None:
    load = Load(10, now=0)
    load.note(10, now=0)
    load.note(0, now=busy_of_ten)

    assert load.wanted(0.8, now=10) == wanted


def test_a_pool_grows_before_anybody_waits(make_pool: MakePool, clock: Clock) -> None:
    pool = make_pool(initial=4, minimum=4)
    with busy(pool, 4):
        clock.now += 45  # three quarters of the last minute: 3 of 4
        pool.maintain()
        assert settled(pool)["total_containers"] == 4
        clock.now += 10
        pool.maintain()
        stats = settled(pool)
        assert (stats["total_containers"], stats["available_containers"]) == (5, 1)
        pool.maintain()  # one more is enough for now
        assert settled(pool)["total_containers"] == 5


def test_growing_ahead_stays_within_the_maximum_and_the_shared_capacity(
    make_pool: MakePool, clock: Clock
) -> None:
    capacity = Capacity(4)
    others = make_pool(initial=2, minimum=2, capacity=capacity)
    pool = make_pool(initial=1, capacity=capacity)
    with busy(pool, 1):
        for _ in range(10):
            clock.now += 60
            pool.maintain()
    assert settled(pool)["total_containers"] == 2
    small = make_pool(initial=2, minimum=2, maximum=2)
    with busy(small, 2):
        clock.now += 60
        small.maintain()
        assert settled(small)["total_containers"] == 2
    assert settled(others)["total_containers"] == 2


def test_whoever_waits_no_longer_costs_no_other_pool_a_container(make_pool: MakePool) -> None:
    capacity = Capacity(2)
    pool, other = make_pool(capacity=capacity), make_pool(capacity=capacity)
    control = RunControl()
    with busy(other, 1), busy(pool, 1), ThreadPoolExecutor(1) as threads:
        late = threads.submit(run, pool, "late", control)
        until_waiting(pool, 1)
        control.cancel()
        assert late.result(20) is Outcome.CANCELLED

    assert settled(pool)["total_destroyed"] == settled(other)["total_destroyed"] == 0


def test_what_is_idle_for_long_goes_down_to_the_minimum(make_pool: MakePool, clock: Clock) -> None:
    pool = make_pool(initial=3, minimum=2, idle_seconds=300)
    clock.now += 299
    pool.maintain()
    assert settled(pool)["total_containers"] == 3
    clock.now += 1
    for _ in range(3):
        pool.maintain()
    assert settled(pool)["total_containers"] == 2


# --- A container's record ---------------------------------------------------------------------------


def test_a_container_is_known_by_its_record(make_pool: MakePool, clock: Clock) -> None:
    pool = make_pool()
    run(pool)
    with busy(pool, 1):
        clock.now += 3
        (record,) = pool.stats()["containers"]
        assert (record["id"], record["state"], record["executions"]) == ("box-0", "busy", 1)
    (record,) = settled(pool)["containers"]

    assert (record["state"], record["executions"], record["mean_seconds"]) == ("idle", 2, 1.5)
    assert (record["failure_rate"], record["age"]) == (0, 3)


def test_a_container_is_replaced_above_a_tenth_of_failures() -> None:
    rules, record = Upkeep(), Record.new(0)
    record.failures, record.executions = 1, 8
    assert rules.reason_to_replace(record) is None  # nine samples say little
    record.executions = 9
    assert rules.reason_to_replace(record) is None  # a tenth is not above a tenth
    record.failures = 2
    assert rules.reason_to_replace(record) is Reason.FAILURES
    record.executions = 18
    assert rules.reason_to_replace(record) is None


def test_checks_that_were_passed_count_as_well_as_those_that_were_missed() -> None:
    rules, record = Upkeep(), Record.new(0)
    record.executions = 5
    for _ in range(5):
        for now in range(100):
            record.note_well(now)
        record.note_missed()

    assert rules.reason_to_replace(record) is None
    assert record.failure_rate == pytest.approx(5 / 510)


def test_passed_checks_are_in_the_figures(make_pool: MakePool, clock: Clock) -> None:
    pool = make_pool()
    (record,) = pool._records.values()
    record.failures = 1
    clock.now += 30
    pool.maintain()

    assert settled(pool)["containers"][0]["failure_rate"] == 0.5


def test_a_container_is_replaced_after_its_runs(make_pool: MakePool, engine: PlayedEngine) -> None:
    pool = make_pool(maximum=1, upkeep={"runs_per_container": 3})
    for _ in range(4):
        run(pool)

    assert [len(box.programs) for box in engine.boxes] == [3, 1]
    assert pool.stats()["replaced"] == {"runs": 1}


# --- Health -----------------------------------------------------------------------------------------


def test_a_silent_container_is_replaced_at_the_third_check_and_nobody_waits_for_it(
    make_pool: MakePool, engine: PlayedEngine, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(container, "PING_SECONDS", 0.01)
    pool = make_pool(initial=2, minimum=2, maximum=2)
    box = next_in_turn(pool, engine)
    box.silent = True
    clock.now += 11

    assert run(pool) is Outcome.OK
    stats = settled(pool)
    assert (stats["health_check_failures"], stats["replaced"]) == (3, {"silent": 1})
    assert stats["total_containers"] == 2
    assert box.programs == []


def test_a_run_that_an_unclean_container_refuses_goes_to_another(
    make_pool: MakePool, engine: PlayedEngine, clock: Clock
) -> None:
    pool = make_pool()
    box = engine.boxes[0]
    box.unclean = True
    clock.now += 1

    assert run(pool) is Outcome.OK

    assert box.programs == []
    assert [each.programs for each in engine.boxes[1:]] == [["hi"]]
    assert settled(pool)["replaced"] == {"lost": 1}


def test_a_run_refused_by_a_container_younger_than_itself_keeps_its_input(
    make_pool: MakePool, engine: PlayedEngine, clock: Clock
) -> None:
    pool = make_pool(initial=0, minimum=0)
    engine.may_go_on.clear()
    engine.first_is_unclean = True
    control = RunControl()
    control.send_input("typed early")
    with ThreadPoolExecutor(1) as threads:
        outcome = threads.submit(run, pool, READ, control)
        assert engine.tried.acquire(timeout=20)
        clock.now += 1
        engine.may_go_on.set()
        assert outcome.result(20) is Outcome.OK

    assert [(box.programs, box.typed) for box in engine.boxes] == [([], b""), ([READ], b"typed early")]
    stats = settled(pool)
    assert (stats["health_check_failures"], stats["platform_failures"]) == (1, 0)


def test_a_container_that_answers_late_is_kept(
    make_pool: MakePool, engine: PlayedEngine, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(container, "PING_SECONDS", 0.01)
    pool = make_pool(initial=2, minimum=2, maximum=2)
    box = next_in_turn(pool, engine)
    box.silent = True
    note, seen = Record.note_missed, []

    def hear_again(record: Record) -> None:
        note(record)
        seen.append(record)
        box.silent = len(seen) < 2

    monkeypatch.setattr(Record, "note_missed", hear_again)
    clock.now += 11
    run(pool)
    stats = settled(pool)

    assert (stats["health_check_failures"], stats["total_created"]) == (2, 2)
    assert seen[0].missed == 0
    assert box.programs == [PROBE]  # looked into before it may serve again


def test_idle_containers_are_looked_into_every_half_minute(
    make_pool: MakePool, engine: PlayedEngine, clock: Clock
) -> None:
    pool = make_pool(initial=3, minimum=3)
    clock.now += 29
    pool.maintain()
    assert [box.programs for box in engine.boxes] == [[], [], []]
    clock.now += 1
    pool.maintain()
    pool.maintain()
    assert [box.programs for box in engine.boxes] == [[PROBE]] * 3
    assert pool.stats()["total_executions"] == pool.stats()["total_resets"] == 0


def test_a_stopped_program_s_container_is_looked_into_before_the_next_run(
    make_pool: MakePool, engine: PlayedEngine
) -> None:
    pool = make_pool(maximum=1)
    with busy(pool, 1):
        pass
    run(pool)
    assert engine.boxes[0].programs == [STAY, PROBE, "hi"]

    engine.boxes[0].probe_answer = "something was left"
    with busy(pool, 1):
        pass
    run(pool)
    assert engine.boxes[1].programs == ["hi"]
    assert pool.stats()["replaced"] == {"lost": 1}


def test_orphans_are_looked_for_again_and_again(
    make_pool: MakePool, engine: PlayedEngine, clock: Clock
) -> None:
    pool = make_pool()
    pool.maintain()
    at_the_start = engine.reaped
    for _ in range(12):
        clock.now += 5
        pool.maintain()

    assert engine.reaped == at_the_start + 2


# --- Who waits ----------------------------------------------------------------------------------------


def test_a_free_container_is_taken_also_at_the_last_moment(make_pool: MakePool) -> None:
    assert run(make_pool(lease_wait=0)) is Outcome.OK


def test_whoever_was_told_of_a_container_and_leaves_tells_the_next(make_pool: MakePool) -> None:
    pool = make_pool(maximum=1)
    first, leaving = RunControl(), RunControl()
    with ThreadPoolExecutor(3) as threads:
        threads.submit(run, pool, STAY, first)
        until(lambda: bool(pool.stats()["in_use_containers"]))
        left = threads.submit(run, pool, "left", leaving)
        until_waiting(pool, 1)
        served = threads.submit(run, pool, "served")
        until_waiting(pool, 2)
        leaving.wake_by(None)  # so that it hears of its end by the container alone
        leaving.cancel()
        first.cancel()
        try:
            assert left.result(20) is Outcome.CANCELLED
            assert served.result(20) is Outcome.OK
        finally:
            pool._notify()


# --- One run each -----------------------------------------------------------------------------------


def test_single_use_containers_are_made_ahead(make_pool: MakePool, engine: PlayedEngine) -> None:
    pool = make_pool(initial=2, minimum=2, maximum=5, upkeep={"single_use": True})
    with busy(pool, 2):
        assert settled(pool)["available_containers"] == 2  # the next two are there already
    for _ in range(5):
        run(pool)
    stats = settled(pool)

    assert (stats["available_containers"], stats["in_use_containers"]) == (2, 0)
    assert max(len(box.programs) for box in engine.boxes) == 1
    assert stats["replaced"] == {"runs": 7}


# --- An engine that is away -------------------------------------------------------------------------


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline


def until_waiting(pool: Pool, number: int) -> None:
    until(lambda: pool.stats()["waiting"] >= number)


@pytest.fixture
def make_failing(make_pool: MakePool, engine: PlayedEngine) -> MakePool:
    """Pools without a container whose engine has just failed."""

    def make() -> Pool:
        engine.away = True
        pool = make_pool(initial=0, minimum=0)
        with pytest.raises(EngineUnavailable):
            run(pool)
        assert engine.tried.acquire(timeout=20)
        return pool

    return make


def test_a_run_tries_an_engine_that_failed_a_moment_ago(make_failing: MakePool, engine: PlayedEngine) -> None:
    pool = make_failing()
    engine.away = False

    assert run(pool) is Outcome.OK  # at the same moment, by the clock


def test_a_try_that_began_before_a_run_asked_does_not_end_it(
    make_failing: MakePool, engine: PlayedEngine
) -> None:
    pool = make_failing()
    engine.may_go_on.clear()
    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(run, pool)
        assert engine.tried.acquire(timeout=20)
        second = threads.submit(run, pool)
        until_waiting(pool, 2)
        engine.away = False
        engine.may_go_on.set()

        assert second.result(20) is Outcome.OK
        # Whoever came first has had its answer, unless the second try began before it heard of it.
        assert first.exception(20) is None or isinstance(first.exception(), EngineUnavailable)


def test_those_who_wait_for_an_engine_that_is_away_share_a_try(
    make_failing: MakePool, engine: PlayedEngine
) -> None:
    pool = make_failing()
    engine.may_go_on.clear()
    with ThreadPoolExecutor(20) as threads:
        runs = [threads.submit(run, pool) for _ in range(20)]
        until_waiting(pool, 20)
        engine.may_go_on.set()
        for each in runs:
            with pytest.raises(EngineUnavailable):
                each.result(20)

    # Beside the failure that was known: a try for who came first, and one for all the others.
    assert pool.stats()["build_failures"] in (2, 3)


# --- An engine that goes and comes ------------------------------------------------------------------


def test_containers_that_cannot_be_made_are_told_at_once_and_tried_again(
    make_pool: MakePool, engine: PlayedEngine
) -> None:
    told = threading.Semaphore(0)
    pool = make_pool(minimum=0, on_change=told.release)
    assert told.acquire(timeout=20)  # there is one

    engine.away = True
    engine.boxes[0].die()
    pool.hurry()
    assert told.acquire(timeout=20)
    assert pool.stats()["message"] == "start the engine"

    engine.away = False
    pool.hurry()  # within the pause between two tries
    assert told.acquire(timeout=20)
    assert (pool.stats()["message"], pool.stats()["total_containers"]) == ("", 1)


def test_an_engine_is_asked_whether_it_lives(monkeypatch: pytest.MonkeyPatch, engine: PlayedEngine) -> None:
    monkeypatch.setattr(engine_watch, "EVERY", 0.01)
    changed = threading.Semaphore(0)
    watch = EngineWatch(engine, on_change=changed.release)
    try:
        assert watch.trouble == ""
        engine.away = True
        assert changed.acquire(timeout=20)
        assert watch.trouble == "start the engine"
        engine.away = False
        assert changed.acquire(timeout=20)
        assert watch.trouble == ""
    finally:
        watch.close()
