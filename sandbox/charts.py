"""Small step charts as SVG paths: a picture 300 wide and 80 high, whatever the values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 300, 80

Series = Sequence[float | None]  # evenly spaced in time; None where nothing was measured


@dataclass(frozen=True)
class Line:
    """A series as paths: its upper edge, and the area under it."""

    edge: str
    area: str


@dataclass(frozen=True)
class Chart:
    """Lines on one scale from 0 to `top`; `peak` is the first one's."""

    lines: tuple[Line, ...]
    top: float
    peak: float | None

    @classmethod
    def of(cls, *series: Series, least_top: float = 1) -> Chart:
        values = [value for each in series for value in each if value is not None]
        top = nice_ceiling(max([least_top, *values]))
        first = [value for value in series[0] if value is not None]
        return cls(
            lines=tuple(_line(each, top) for each in series),
            top=top,
            peak=max(first, default=None),
        )


def nice_ceiling(value: float) -> float:
    """The next of 1, 2, 5, 10, 20, 50 … (or a tenth, a hundredth … of these) that is not below."""
    magnitude = 10.0 ** math.floor(math.log10(value))
    return next(step * magnitude for step in (1, 2, 5, 10) if step * magnitude >= value * (1 - 1e-9))


def _line(series: Series, top: float) -> Line:
    step = WIDTH / max(1, len(series))
    edge, area = [], []
    previous: float | None = None
    for number, value in enumerate(series):
        if value is None:
            previous = None
            continue
        left, right, y = number * step, (number + 1) * step, HEIGHT * (1 - value / top)
        edge.append(f"{'M' if previous is None else 'L'}{left:.1f} {y:.1f}H{right:.1f}")
        area.append(f"M{left:.1f} {HEIGHT}V{y:.1f}H{right:.1f}V{HEIGHT}Z")
        previous = value
    return Line(edge="".join(edge), area="".join(area))
