"""This process's containers: a pool for each image, all within one maximum."""

from __future__ import annotations

import atexit
import os
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

import structlog
from django.conf import settings

from sandbox import hosts
from sandbox.calls import Answerer
from sandbox.capacity import Capacity
from sandbox.control import RunControl
from sandbox.engine_watch import EngineWatch
from sandbox.engines import Engine, Limits
from sandbox.engines.selection import select_engine
from sandbox.errors import EngineUnavailable, ImageMissing
from sandbox.execution import RunEvent, RunRequest, RunResult
from sandbox.image import Image
from sandbox.languages import LANGUAGES
from sandbox.pool import COUNTS, Pool
from sandbox.upkeep import Upkeep

log = structlog.get_logger(__name__)

LOOK_AGAIN = 30.0  # seconds until a missing image is looked for again
ENGINE_AGAIN = 3.0  # seconds until an engine is looked for again


class Pools:
    """Pools of one engine, made when their image is first asked for. Thread-safe."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.limits = Limits.from_settings()  # of the plain image
        self._capacity = Capacity(settings.SANDBOX_POOL_MAX)
        self._upkeep = Upkeep.from_settings()
        self._pools: dict[Image, Pool] = {}
        self._missing: dict[Image, tuple[float, str]] = {}  # when it was looked for, what was said
        self._lock = threading.Lock()
        self._closed = False
        self._watch = EngineWatch(engine, on_change=self._note_engine)

    def run(
        self,
        request: RunRequest,
        *,
        on_event: Callable[[RunEvent], None],
        control: RunControl,
        answer: Answerer | None = None,
    ) -> RunResult:
        """Run a program in its image; see `Pool.run`.

        An image that is missing is replaced by what it stands on, in the end plain Python; but one that the
        language itself needs is not: ImageMissing.
        """
        needed = LANGUAGES[request.language].image
        pool = self.of(needed or request.image)
        if needed and pool.image != needed:
            # It may have been found since.
            _, said = self._missing.get(needed, (0.0, f"The image {needed.name} was not there."))
            raise ImageMissing(said)
        return pool.run(request, on_event=on_event, control=control, answer=answer)

    def warm(self, images: Iterable[Image]) -> None:
        """Have containers of these images made, and always some kept; most of the first one."""
        initial = settings.SANDBOX_POOL_INITIAL
        for image in images:
            self.of(image, initial=initial, minimum=settings.SANDBOX_POOL_MIN)
            initial = settings.SANDBOX_POOL_MIN

    def of(self, image: Image, *, initial: int = 1, minimum: int = 0) -> Pool:
        """The pool of an image, or of what stands in for it."""
        if pool := self._pools.get(image):
            return pool
        with self._lock:
            image = self._usable(image)
            if image not in self._pools:
                self._pools[image] = self._make(image, initial=initial, minimum=minimum)
            return self._pools[image]

    def stats(self) -> dict[str, Any]:
        """Figures as `Pool.stats` gives them, of all pools together, and of each by the image's name.

        They tell of missing images, so now and then one of those is looked for.
        """
        self._look_again()
        each = {image.name: pool.stats() for image, pool in list(self._pools.items())}
        failing = dict.fromkeys(figures["message"] for figures in each.values())  # each said once
        words = [*failing, *(said for _, said in self._missing.copy().values())]
        if self._watch.trouble not in words:
            words.append(self._watch.trouble)
        return {
            **{name: sum(figures[name] for figures in each.values()) for name in _SUMMED},
            "pool_enabled": not self._closed,
            "engine": self.engine.name,
            "timestamp": time.time(),
            "message": " ".join(filter(None, words)),
            "images": each,
        }

    def wait_until_filled(self, seconds: float) -> None:
        for pool in list(self._pools.values()):
            pool.wait_until_filled(seconds)

    def close(self) -> None:
        """See `Pool.close`."""
        with self._lock:
            self._closed = True
            pools = list(self._pools.values())
        self._watch.close()
        for pool in pools:
            pool.close()

    def _make(self, image: Image, *, initial: int, minimum: int) -> Pool:
        pool = Pool(
            self.engine,
            limits=Limits.from_settings(image),
            initial=initial,
            minimum=minimum,
            maximum=settings.SANDBOX_POOL_MAX,
            idle_seconds=settings.SANDBOX_POOL_IDLE_SECONDS,
            lease_wait=settings.SANDBOX_LEASE_WAIT_SECONDS,
            upkeep=self._upkeep,
            image=image,
            capacity=self._capacity,
            on_change=hosts.tell,
        )
        if self._closed:
            pool.close()  # it refuses runs in its own words
        return pool

    def _note_engine(self) -> None:
        hosts.tell()
        for pool in list(self._pools.values()):
            pool.hurry()

    def _usable(self, image: Image) -> Image:
        """The image, or the nearest below it that is there."""
        while image.base and image not in self._pools and self._is_missing(image):
            image = image.base
        return image

    def _look_again(self) -> None:
        """Look for the missing image that was not looked for longest, if it is time.

        No more than one, since whoever asks for figures may not wait for long.
        """
        missing = self._missing.copy()
        if not missing or self._watch.trouble or self._closed:
            return
        image = min(missing, key=lambda each: missing[each][0])
        with suppress(EngineUnavailable):  # the watch will tell
            self._is_missing(image)

    def _is_missing(self, image: Image) -> bool:
        looked_at, _ = self._missing.get(image, (-LOOK_AGAIN, ""))
        if time.monotonic() < looked_at + LOOK_AGAIN:
            return True
        try:
            self.engine.check(image)
        except ImageMissing as error:
            if image not in self._missing:  # else it was said
                log.error(
                    "image_missing", image=image.name, instead=image.base and image.base.name, why=str(error)
                )
            self._missing[image] = (time.monotonic(), str(error))
            return True
        self._missing.pop(image, None)
        return False


_SUMMED = ("available_containers", "in_use_containers", "total_containers", "waiting", *COUNTS)

_pools: Pools | None = None
_obstacle: EngineUnavailable | None = None  # why there were none
_looked_at = 0.0
_pools_lock = threading.Lock()


def get_pool() -> Pools:
    """This process's pools, made at the first call; raises EngineUnavailable when no engine works here.

    That is asked at every sign of life and by every run, and costs processes to find out: for some seconds
    the answer stays the same.
    """
    global _pools, _obstacle, _looked_at
    with _pools_lock:
        if _pools is not None:
            return _pools
        if _obstacle and time.monotonic() < _looked_at + ENGINE_AGAIN:
            raise _obstacle.with_traceback(None)
        try:
            _pools, _obstacle = Pools(select_engine()), None
        except EngineUnavailable as error:
            _obstacle, _looked_at = error, time.monotonic()
            raise
        return _pools


@atexit.register
def close_pool() -> None:
    """Close this process's pools, if there are any; the next `get_pool` makes new ones."""
    global _pools, _obstacle
    with _pools_lock:
        pools, _pools, _obstacle = _pools, None, None
    if pools:
        pools.close()


def _forget_pools() -> None:
    """A forked child has no share in its parent's containers."""
    global _pools, _pools_lock
    _pools, _pools_lock = None, threading.Lock()


os.register_at_fork(after_in_child=_forget_pools)
