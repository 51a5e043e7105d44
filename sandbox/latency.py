"""Durations counted in classes that grow by a sixth, so that those of many hosts and minutes add up.

A percentile read back is at most 8 % off, which is what a chart can show.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping

_GROWTH = math.log(7 / 6)
_SHORTEST = 0.0005  # seconds; what is shorter counts as this


def count_durations(seconds: Iterable[float]) -> dict[str, int]:
    """Durations as {class: how many}; the keys are text, as JSON wants them."""
    classes = (math.ceil(math.log(max(each, _SHORTEST) / _SHORTEST) / _GROWTH) for each in seconds)
    return dict(Counter(str(number) for number in classes))


def percentile(counts: Iterable[Mapping[str, int]], share: float) -> float | None:
    """The duration in seconds that `share` (0–1) of all counted runs did not exceed; None without runs."""
    total: Counter[int] = Counter()
    for each in counts:
        for number, times in each.items():
            total[int(number)] += times
    wanted = share * total.total()
    for size in sorted(total):
        wanted -= total[size]
        if wanted <= 1e-9:
            return _SHORTEST * math.exp((size - 0.5) * _GROWTH) if size else _SHORTEST
    return None
