"""Which engine is taken; and that none means that nothing is run."""

from __future__ import annotations

import pytest
from django.core.exceptions import ImproperlyConfigured

from sandbox.engines import selection
from sandbox.engines.selection import select_engine
from sandbox.errors import EngineUnavailable
from sandbox.image import PYTHON, Image


class FakeEngine:
    def __init__(self, name: str, obstacle: str = "") -> None:
        self.name = name
        self._obstacle = obstacle

    def check(self, image: Image = PYTHON) -> None:
        if self._obstacle:
            raise EngineUnavailable(self._obstacle)


def offer(monkeypatch: pytest.MonkeyPatch, *engines: FakeEngine) -> None:
    makers = {engine.name: lambda engine=engine: engine for engine in engines}
    monkeypatch.setattr(selection, "ENGINES", makers)


def test_the_best_that_works_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    offer(monkeypatch, FakeEngine("docker"), FakeEngine("bubblewrap"))
    assert select_engine("auto").name == "docker"

    offer(monkeypatch, FakeEngine("docker", "not running"), FakeEngine("bubblewrap"))
    assert select_engine("auto").name == "bubblewrap"


def test_without_any_it_says_how_to_enable_each(monkeypatch: pytest.MonkeyPatch) -> None:
    offer(monkeypatch, FakeEngine("docker", "start the daemon"), FakeEngine("bubblewrap", "install it"))

    with pytest.raises(EngineUnavailable, match=r"start the daemon.*install it"):
        select_engine("auto")


def test_an_engine_asked_for_by_name_is_taken_or_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    offer(monkeypatch, FakeEngine("docker", "not running"), FakeEngine("bubblewrap"))

    with pytest.raises(EngineUnavailable, match="not running"):
        select_engine("docker")


def test_a_misspelt_engine_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ImproperlyConfigured, match="dokcer"):
        select_engine("dokcer")
