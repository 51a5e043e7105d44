"""Warm containers of one image, kept ready so that a run need not wait for one.

Making and destroying happen in the background; a caller of `Pool.run` leases a container, uses it in its own
thread and gives it back. A container is replaced after a time or memory limit that was hit, a wipe that left
something, a broken protocol; it is looked into after lesser oddities. `sandbox.upkeep` holds the rules.
"""

from __future__ import annotations

import math
import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import structlog
from django.utils.translation import gettext as _

from sandbox import tracing
from sandbox.calls import Answerer
from sandbox.capacity import Capacity
from sandbox.container import Container, is_too_large
from sandbox.control import RunControl
from sandbox.engines import Engine, Limits
from sandbox.errors import (
    ContainerLost,
    ContainerSilent,
    ContainerUnclean,
    EngineUnavailable,
    PoolExhausted,
    SandboxError,
)
from sandbox.execution import Outcome, RunEvent, RunRequest, RunResult
from sandbox.image import PYTHON, Image
from sandbox.languages import LANGUAGES
from sandbox.load import Load
from sandbox.probe import probe
from sandbox.upkeep import Reason, Record, Upkeep

log = structlog.get_logger(__name__)

BUILDERS = 2  # containers made or destroyed at the same time
CLOSE_SECONDS = 10.0  # for runs to let go of their containers
# After these the container's state is in doubt: something was killed in the middle of things.
SUSPICIOUS = {Outcome.TIMEOUT, Outcome.MEMORY, Outcome.PROCESS_LIMIT}
# After these it should be well, and is looked into before the next run. So it is after death by a signal.
ODD = {Outcome.CANCELLED, Outcome.OUTPUT_LIMIT}


COUNTS = (
    *("total_created", "total_destroyed", "total_executions", "total_resets", "health_check_failures"),
    *("platform_failures", "build_failures"),
)


class Pool:
    """Containers of one engine. Thread-safe. Begins to fill as soon as it is made."""

    def __init__(
        self,
        engine: Engine,
        *,
        limits: Limits,
        initial: int = 3,
        minimum: int = 1,
        maximum: int = 10,
        idle_seconds: float = 300,
        lease_wait: float = 60,
        image: Image = PYTHON,
        capacity: Capacity | None = None,
        upkeep: Upkeep | None = None,
        clock: Callable[[], float] = time.monotonic,
        on_change: Callable[[], object] = lambda: None,
    ) -> None:
        """`capacity` is shared with the other pools of the process; alone, `maximum` is all there is.

        `on_change` is called, and may not wait, when containers cannot be made any more or can be again.
        Everything but the waiting itself goes by `clock`, in seconds.
        """
        self.engine = engine
        self.limits = limits
        self.image = image
        self._capacity = capacity or Capacity(maximum)
        self._capacity.join(self)
        self._upkeep = upkeep or Upkeep()
        self._clock = clock
        self._on_change = on_change
        self._initial = initial
        self._minimum = minimum
        self._maximum = maximum
        self._idle_seconds = idle_seconds
        self._lease_wait = lease_wait
        self._changed = threading.Condition()
        self._idle: deque[Container] = deque()
        self._busy: set[Container] = set()
        self._examined: set[Container] = set()  # those of the busy ones that run no learner's program
        self._records: dict[Container, Record] = {}
        self._load = Load(self._upkeep.growth_window, now=clock())
        self._building = 0
        self._waiting = 0
        self._closed = False
        self._failure: EngineUnavailable | None = None  # of the latest attempt to make a container
        self._failed_at = 0.0
        self._tries = self._failed_try = 0  # at making a container, counted as they begin
        self._reaped_at = clock()
        self._counts = dict.fromkeys(COUNTS, 0)
        self._replaced: Counter[str] = Counter()
        self._builders = ThreadPoolExecutor(BUILDERS, thread_name_prefix="sandbox-builder")
        self._examiner = ThreadPoolExecutor(1, thread_name_prefix="sandbox-examiner")
        self._stop = threading.Event()
        self._alarm = threading.Event()  # the next round of maintenance is due
        self._keeper = threading.Thread(target=self._keep, name="sandbox-pool", daemon=True)
        with self._changed:
            self._grow_to(max(initial, minimum))
        self._keeper.start()

    def run(
        self,
        request: RunRequest,
        *,
        on_event: Callable[[RunEvent], None],
        control: RunControl,
        answer: Answerer | None = None,
    ) -> RunResult:
        """Run a program to its end, in this thread; waits for a container if need be.

        `answer` is given each of the program's calls, in a thread of its own; None: there is no model.
        Raises EngineUnavailable, PoolExhausted or ContainerLost: the platform's faults, never the program's.
        """
        if request.language not in LANGUAGES:
            raise ValueError(f"no such language: {request.language}")
        if is_too_large(request, self.limits):
            return RunResult.without_run(Outcome.REJECTED)
        began = self._clock()
        while True:
            with tracing.step("lease a container", image=self.image.name):
                container = self._lease(control)
            if container is None:
                return RunResult.without_run(Outcome.CANCELLED)
            made_at = self._records[container].made_at
            try:
                with tracing.step("run in a container", container=container.id, engine=self.engine.name):
                    return self._run_in(container, request, on_event, control, answer)
            except ContainerLost as lost:
                log.warning("container_lost", container=container.id, reason=str(lost), started=lost.started)
                if isinstance(lost, ContainerUnclean) and not lost.started:
                    continue  # an earlier run's doing, found out only now
                if lost.started or made_at > began:
                    raise  # otherwise it had died unnoticed, maybe like all of its age: try another

    def stats(self) -> dict[str, Any]:
        with self._changed:
            return {
                "pool_enabled": not self._closed,
                "engine": self.engine.name,
                "available_containers": len(self._idle),
                "in_use_containers": len(self._busy),
                "total_containers": self._size(),
                "waiting": self._waiting,
                **self._counts,
                "replaced": dict(self._replaced),
                "timestamp": time.time(),
                "message": str(self._failure) if self._failure else "",
                "containers": [
                    {"id": each.id, "state": self._state(each), **record.figures(self._clock())}
                    for each, record in self._records.items()
                ],
            }

    def _state(self, container: Container) -> str:
        if container in self._examined:
            return "checked"
        return "busy" if container in self._busy else "idle"

    def wait_until_filled(self, seconds: float) -> None:
        """Until no container is being made any more; raises EngineUnavailable when none could be."""
        with self._changed:
            self._changed.wait_for(lambda: not self._building, seconds)
            if self._failure and not self._size():
                raise self._failure

    def close(self) -> None:
        """Destroy all containers; runs going on end with ContainerLost. May be called more than once."""
        with self._changed:
            first, self._closed = not self._closed, True
            idle, busy = list(self._idle), list(self._busy)
            self._idle.clear()
            for container in idle:
                del self._records[container]
            self._changed.notify_all()
        if first:
            self._stop.set()
            self._alarm.set()
            for container in busy:
                container.abort()  # its user destroys it
            for container in idle:
                self._destroy(container)
            self._examiner.shutdown(wait=True)
            self._builders.shutdown(wait=True)
            self._keeper.join()
        with self._changed:
            self._changed.wait_for(lambda: not self._busy, CLOSE_SECONDS)

    # --- Leases --------------------------------------------------------------------------------------

    def _run_in(
        self,
        container: Container,
        request: RunRequest,
        on_event: Callable[[RunEvent], None],
        control: RunControl,
        answer: Answerer | None,
    ) -> RunResult:
        record = self._records[container]
        began = self._clock()
        try:
            result = container.run(request, on_event=on_event, control=control, answer=answer)
        except BaseException as error:
            unclean = isinstance(error, ContainerUnclean)
            with self._changed:
                self._counts["health_check_failures"] += unclean
                self._counts["platform_failures"] += isinstance(error, SandboxError) and not unclean
            self._discard(container, Reason.LOST)
            raise
        record.note_run(began=began, ended=self._clock())
        with self._changed:
            self._counts["total_executions"] += 1
        if reason := self._reason_to_replace(container, record, result):
            self._discard(container, reason)
        elif _is_odd(result):
            self._have_examined(container)
        else:
            self._give_back(container)
        return result

    def _reason_to_replace(self, container: Container, record: Record, result: RunResult) -> Reason | None:
        if result.outcome in SUSPICIOUS:
            return Reason.LIMIT
        return self._upkeep.reason_to_replace(record) if container.usable else Reason.LOST

    def _lease(self, control: RunControl) -> Container | None:
        """A container to use alone; None if the run was cancelled meanwhile."""
        deadline = self._clock() + self._lease_wait
        control.wake_by(self._notify)
        try:
            while (container := self._take(control, deadline)) is not None:
                if self._is_fit(container):
                    return container
            return None
        finally:
            control.wake_by(None)

    def _take(self, control: RunControl, deadline: float) -> Container | None:
        with self._changed:
            tries = self._tries
            self._waiting += 1
            try:
                while not control.cancelled:
                    if self._idle:  # also at the last moment
                        container = self._idle.popleft()
                        self._occupy(container)
                        return container
                    self._refuse_if_hopeless(tries, deadline)
                    self._grow_to(self._needed(), at_once=not self._size())
                    self._changed.wait(max(0.0, deadline - self._clock()))
                self._changed.notify()  # it may have been the one who was told of a container
                return None
            finally:
                self._waiting -= 1
                if not self._waiting:
                    self._capacity.withdraw(self)
                if self._upkeep.single_use:
                    self._grow_to(self._needed())  # this one will not come back

    def _refuse_if_hopeless(self, tries: int, deadline: float) -> None:
        """Called with the lock held, while no container is free."""
        if self._closed:
            raise PoolExhausted(_("The pool is closing."))
        # Only a try that began after the run had asked tells that it is vain to wait.
        if self._failure and not self._size() and not self._building and self._failed_try > tries:
            raise self._failure
        if self._clock() >= deadline:
            raise PoolExhausted(_("No container came free in time."))

    def _is_fit(self, container: Container) -> bool:
        """The quick look at a container that has just been leased; a bad one is seen to."""
        record = self._records[container]
        try:
            if self._clock() - max(record.used_at, record.checked_at) > self._upkeep.ping_after:
                container.ping()
        except ContainerSilent as silent:
            self._note_missed(container, silent)
            self._have_examined(container)  # it may do better later; meanwhile there are others
            return False
        except ContainerLost as lost:
            self._note_unhealthy(container, lost)
            return False
        return True

    def _give_back(self, container: Container) -> None:
        with self._changed:
            self._counts["total_resets"] += 1
        self._put_back(container)

    def _put_back(self, container: Container) -> None:
        with self._changed:
            if not self._closed:
                self._release(container)
                if self._capacity.claims(self, waiting=bool(self._waiting)):
                    self._part_with(container)
                else:
                    self._idle.append(container)
                    self._changed.notify()
                return
        self._let_go(container)

    def _discard(self, container: Container, reason: Reason) -> None:
        """Destroy a leased container and have it replaced, both in the background."""
        with self._changed:
            if not self._closed:
                self._replaced[reason] += 1
                self._release(container)
                self._part_with(container)
                if not self._capacity.claims(self, waiting=bool(self._waiting)):
                    self._grow_to(max(self._needed(), 0 if self._upkeep.single_use else self.size() + 1))
                return
        self._let_go(container)

    def _let_go(self, container: Container) -> None:
        """The end of a container's last use, while the pool closes."""
        self._destroy(container)
        with self._changed:
            self._release(container)
            self._records.pop(container, None)
            self._changed.notify_all()

    def _note_missed(self, container: Container, why: ContainerSilent) -> None:
        record = self._records[container]
        record.note_missed()
        log.warning("container_silent", container=container.id, reason=str(why), checks=record.missed)
        with self._changed:
            self._counts["health_check_failures"] += 1

    def _note_unhealthy(self, container: Container, why: ContainerLost) -> None:
        log.warning("container_unfit", container=container.id, reason=str(why))
        with self._changed:
            self._counts["health_check_failures"] += 1
        self._discard(container, Reason.LOST)

    def _occupy(self, container: Container) -> None:
        """Called with the lock held."""
        self._busy.add(container)
        self._load.note(len(self._busy) - len(self._examined), now=self._clock())

    def _release(self, container: Container) -> None:
        """Called with the lock held."""
        self._busy.discard(container)
        self._examined.discard(container)
        self._load.note(len(self._busy) - len(self._examined), now=self._clock())

    def _notify(self) -> None:
        with self._changed:
            self._changed.notify_all()

    # --- Among the pools of a process ----------------------------------------------------------------

    def size(self) -> int:
        """How many containers there are or are being made."""
        return self._size() + self._building

    def give_up_idle(self) -> bool:
        """Part with an idle container for the sake of another image; False without one."""
        with self._changed:
            if self._closed or not self._idle:
                return False
            self._part_with(self._idle.popleft())
            return True

    def retry(self) -> None:
        """There may be room for a container that somebody waits for."""
        self._notify()

    def _part_with(self, container: Container) -> None:
        """Destroy a container, no longer counted, in the background. Called with the lock held."""
        self._records.pop(container, None)
        self._free_place()
        self._builders.submit(self._destroy, container)

    def _free_place(self) -> None:
        """Called with the lock held, which is why the others are told by another thread."""
        if self._capacity.give_back():
            self._builders.submit(self._capacity.tell)

    # --- Making and destroying -----------------------------------------------------------------------

    def _size(self) -> int:
        return len(self._idle) + len(self._busy)

    def _needed(self) -> int:
        """How many containers it takes for those who have one or wait for one. Called with the lock held."""
        needed = len(self._busy) + self._waiting
        # A single-use pool makes the next ones while these run.
        return max(self._minimum, needed + self._initial if self._upkeep.single_use else needed)

    def _grow_to(self, wanted: int, *, at_once: bool = False) -> None:
        """Have containers made until there are `wanted`, within the maximum. Called with the lock held.

        While the engine fails, tries are some time apart; `at_once` makes one now, for all who wait.
        """
        if self._failure and at_once:
            wanted = 0 if self._building else 1
        elif self._failure and self._clock() < self._failed_at + self._upkeep.build_pause:
            return
        while not self._closed and self.size() < min(wanted, self._maximum):
            if not self._capacity.take(self, waiting=bool(self._waiting)):
                if self._waiting:
                    self._builders.submit(self._capacity.relieve, self)
                return
            self._building += 1
            self._builders.submit(self._build)

    def _build(self) -> None:
        with self._changed:
            self._tries = this_try = self._tries + 1
        container, failure = None, None
        try:
            container = Container.start(self.engine, self.limits, self.image)
        except EngineUnavailable as error:
            log.error("container_not_made", engine=self.engine.name, reason=str(error))
            failure = error
        except Exception as error:
            log.exception("container_not_made", engine=self.engine.name)
            failure = EngineUnavailable(str(error))
        with self._changed:
            before = self._can_serve()
            self._building -= 1
            self._failure = failure
            if failure:
                self._note_build_failure(this_try)
            if container:
                self._counts["total_created"] += 1
                if not self._closed:
                    self._records[container] = Record.new(self._clock())
                    self._idle.append(container)
                    container = None
            if self._can_serve() != before:
                self._on_change()
            self._changed.notify_all()
        if container:
            self._destroy(container)

    def _can_serve(self) -> tuple[bool, bool]:
        """Whether the latest attempt gave a container; whether there is one. Called with the lock held."""
        return not self._failure, bool(self._size())

    def _note_build_failure(self, this_try: int) -> None:
        """Called with the lock held."""
        self._counts["build_failures"] += 1
        self._failed_try, self._failed_at = this_try, self._clock()
        if not self._closed:
            self._free_place()

    def _destroy(self, container: Container) -> None:
        try:
            container.destroy()
        except Exception:
            log.exception("container_not_destroyed", container=container.id)
        with self._changed:
            self._counts["total_destroyed"] += 1

    # --- Maintenance ---------------------------------------------------------------------------------

    def maintain(self) -> None:
        """One round of upkeep; a thread of the pool's own does it every `Upkeep.check_every` seconds."""
        for step in (self._reap, self._shrink, self._check_idle, self._refill):
            self._guarded(step)

    def _keep(self) -> None:
        """The keeper thread's life."""
        self._guarded(self.engine.reap_orphans)
        while not self._stop.is_set():
            self._alarm.wait(self._upkeep.check_every)
            self._alarm.clear()
            if not self._stop.is_set():
                self.maintain()

    def hurry(self) -> None:
        """The engine has gone or is back: look after the containers now. Returns at once."""
        with self._changed:
            self._failed_at = -math.inf
        self._alarm.set()

    def _guarded(self, step: Callable[[], object]) -> None:
        try:
            step()
        except Exception:
            log.exception("pool_maintenance_failed")

    def _reap(self) -> None:
        """Remove what workers that died without a word have left behind."""
        if self._clock() - self._reaped_at >= self._upkeep.reap_every:
            self._reaped_at = self._clock()
            self.engine.reap_orphans()

    def _refill(self) -> None:
        with self._changed:
            ahead = self._load.wanted(self._upkeep.growth_above, now=self._clock())
            # What cannot be done is told until it was done, so somebody has to try.
            trial = 1 if self._failure else 0
            self._grow_to(max(self._minimum, len(self._busy) + self._waiting, ahead, trial))

    def _shrink(self) -> None:
        """Give up one container, if more than the minimum have been idle for long."""
        with self._changed:
            if self._size() <= self._minimum or not self._idle:
                return
            container = self._idle[0]  # the one that has waited longest
            if self._clock() - self._records[container].used_at < self._idle_seconds:
                return
            self._part_with(self._idle.popleft())

    def _check_idle(self) -> None:
        """Look into idle containers that are due or gone, one at a time, so that learners find the others."""
        for _each in range(len(self._idle)):
            if (container := self._pick_due()) is None:
                return
            self._examine(container)

    def _pick_due(self) -> Container | None:
        with self._changed:
            records = self._records
            latest = self._clock() - self._upkeep.deep_check_every
            due = [each for each in self._idle if records[each].checked_at <= latest or each.has_ended()]
            if not due or self._closed:
                return None
            container = min(due, key=lambda each: records[each].checked_at)
            self._idle.remove(container)
            self._examined.add(container)
            self._occupy(container)
            return container

    def _have_examined(self, container: Container) -> None:
        """Have a leased container looked into in the background before anybody else gets it."""
        with self._changed:
            if not self._closed:
                self._examined.add(container)
                self._occupy(container)
                self._examiner.submit(self._examine, container)
                return
        self._discard(container, Reason.LOST)

    def _examine(self, container: Container) -> None:
        """The deep check: give the container back, or replace it."""
        record = self._records[container]
        reason = None
        try:
            while not (reason := self._upkeep.reason_to_replace(record)):
                try:
                    container.ping()
                    break
                except ContainerSilent as silent:
                    self._note_missed(container, silent)
            if not reason:
                probe(container)
        except ContainerLost as lost:
            self._note_unhealthy(container, lost)
            return
        except Exception:
            log.exception("container_not_examined", container=container.id)
            reason = Reason.LOST
        if reason:
            self._discard(container, reason)
            return
        record.note_well(self._clock())
        self._put_back(container)


def _is_odd(result: RunResult) -> bool:
    """Whether a program was killed, by the supervisor or by a signal that it brought upon itself."""
    return result.outcome in ODD or (result.outcome is Outcome.FAILED and result.exit_code is None)
