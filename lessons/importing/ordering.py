"""Put lessons into order where both the files and staff have a say in it."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TypeVar

K = TypeVar("K", bound=Hashable)


def arranged(
    *, site: Sequence[K], before: Sequence[K], now: Sequence[K], prefer_files: bool = False
) -> tuple[list[K], bool]:
    """The order to have: of what the site has, had from the files before, and has from them now.

    Whoever alone changed the order has it; when both did, the site's stays and the second value is True.
    What one side does not know follows what it followed on the other.
    """
    common = set(before) & set(now)
    files_moved = _among(common, before) != _among(common, now)
    staff_moved = _among(set(before), site) != list(before)
    agree = _among(set(now), site) == _among(set(site), now)
    if prefer_files or agree or not staff_moved:
        return _with(now, site), False
    return _with(site, now), files_moved


def _among(known: set[K], order: Sequence[K]) -> list[K]:
    return [item for item in order if item in known]


def _with(order: Sequence[K], other: Sequence[K]) -> list[K]:
    """`order`, and what only `other` has, each behind what it follows there."""
    whole = list(order)
    for at, item in enumerate(other):
        if item not in whole:
            whole.insert(whole.index(other[at - 1]) + 1 if at else 0, item)
    return whole
