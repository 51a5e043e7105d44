"""Python programs are read in many threads at once, as lessons are shown and answers checked."""

from __future__ import annotations

import ast
import gc
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

PROGRAM = (
    "def f(x):\n    if x:\n        return [g(y, *z, **{'a': -(1 + 2) * 3}) for y in x if y not in (1, 2)]\n"
    * 20
)


@pytest.fixture
def restless_threads() -> Iterator[None]:
    """That take turns also while the parser makes its nodes: when garbage is collected, as monitors watch."""
    interval, threshold = sys.getswitchinterval(), gc.get_threshold()

    def watch(_phase: str, _info: dict[str, int]) -> None:
        sum(range(20))

    sys.setswitchinterval(1e-6)
    gc.set_threshold(50)
    gc.callbacks.append(watch)
    yield
    gc.callbacks.remove(watch)
    gc.set_threshold(*threshold)
    sys.setswitchinterval(interval)


@pytest.mark.usefixtures("restless_threads")
def test_programs_are_parsed_side_by_side() -> None:
    with ThreadPoolExecutor(8) as threads:
        lengths = list(threads.map(lambda code: len(ast.parse(code).body), [PROGRAM] * 64))

    assert lengths == [20] * 64
