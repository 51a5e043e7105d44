"""A process's pools: an engine or an image that is not there is asked for again, but not all the time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import SimpleNamespace

import pytest
from pytest_django import Settings

from sandbox import pools as module
from sandbox.control import RunControl
from sandbox.errors import EngineUnavailable, ImageMissing
from sandbox.execution import RunRequest
from sandbox.image import PYTHON, Image
from sandbox.languages import LANGUAGES
from sandbox.pools import Pools, close_pool, get_pool
from sandbox.tests.test_upkeep import Clock, PlayedEngine

EXTRA = Image("extra", base=PYTHON)
OTHER = Image("other", base=PYTHON)


class BareEngine(PlayedEngine):
    """One that lacks images."""

    def __init__(self, *missing: Image) -> None:
        super().__init__()
        self.missing = {*missing}
        self.looked_for: list[Image] = []

    def check(self, image: Image = PYTHON) -> None:
        self.looked_for.append(image)
        if image in self.missing:
            raise ImageMissing(f"build {image.name}")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=clock, time=clock))
    return clock


@pytest.fixture
def made(settings: Settings) -> Iterator[Callable[..., tuple[Pools, BareEngine]]]:
    settings.SANDBOX_POOL_INITIAL = settings.SANDBOX_POOL_MIN = 1
    settings.SANDBOX_POOL_MAX = 1
    all_made: list[Pools] = []

    def make(*missing: Image) -> tuple[Pools, BareEngine]:
        engine = BareEngine(*missing)
        all_made.append(Pools(engine))
        return all_made[-1], engine

    yield make
    for pools in all_made:
        pools.close()


def test_an_image_that_was_built_is_found_without_a_run(
    made: Callable[..., tuple[Pools, BareEngine]], clock: Clock
) -> None:
    pools, engine = made(EXTRA)
    assert pools.of(EXTRA).image is PYTHON
    assert pools.stats()["message"] == "build extra"

    engine.missing.clear()
    clock.now += module.LOOK_AGAIN + 1
    assert pools.stats()["message"] == ""
    assert pools.of(EXTRA).image is EXTRA


def test_figures_look_for_one_image_now_and_then(
    made: Callable[..., tuple[Pools, BareEngine]], clock: Clock
) -> None:
    pools, engine = made(EXTRA, OTHER)
    pools.warm([EXTRA, OTHER])
    engine.looked_for.clear()

    for _ in range(5):
        assert pools.stats()["message"] == "build extra build other"
    assert engine.looked_for == []
    clock.now += module.LOOK_AGAIN + 1
    pools.stats()
    assert engine.looked_for == [EXTRA]
    for _ in range(5):
        pools.stats()
    assert engine.looked_for == [EXTRA, OTHER]


def test_a_language_s_image_found_meanwhile_is_no_other_fault(
    made: Callable[..., tuple[Pools, BareEngine]], monkeypatch: pytest.MonkeyPatch
) -> None:
    needed = LANGUAGES["javascript"].image
    assert needed
    pools, _ = made(needed)
    stand_in = pools.of(needed)
    monkeypatch.setattr(pools, "of", lambda image: stand_in)
    pools._missing.clear()

    with pytest.raises(ImageMissing, match=needed.name):
        pools.run(
            RunRequest(code="", language="javascript"), on_event=lambda event: None, control=RunControl()
        )


# --- Without an engine ----------------------------------------------------------------------------


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """An engine is away, and each look for it noted."""
    close_pool()
    found: list[str] = []

    def look() -> PlayedEngine:
        found.append("looked")
        raise EngineUnavailable("start the engine")

    monkeypatch.setattr(module, "select_engine", look)
    yield found
    close_pool()


def test_an_engine_that_is_away_is_looked_for_every_few_seconds(looks: list[str], clock: Clock) -> None:
    for _ in range(10):
        with pytest.raises(EngineUnavailable, match="start the engine"):
            get_pool()
    assert looks == ["looked"]

    clock.now += module.ENGINE_AGAIN
    with pytest.raises(EngineUnavailable, match="start the engine"):
        get_pool()
    assert looks == ["looked"] * 2


def test_an_engine_is_found_as_soon_as_it_is_looked_for(
    looks: list[str], clock: Clock, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    settings.SANDBOX_POOL_INITIAL = settings.SANDBOX_POOL_MIN = 0
    with pytest.raises(EngineUnavailable):
        get_pool()
    monkeypatch.setattr(module, "select_engine", PlayedEngine)
    with pytest.raises(EngineUnavailable):
        get_pool()

    clock.now += module.ENGINE_AGAIN
    assert get_pool() is get_pool()
    assert module.ENGINE_AGAIN <= 5
