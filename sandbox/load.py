"""How busy containers were of late, from which a pool tells how many it will need."""

from __future__ import annotations

import math
from collections import deque

_SLICES = 12  # of the window; what lies further back falls off by slices


class Load:
    """The mean number of busy containers over the last `window` seconds.

    Moments come from whoever asks, on one clock, and never run backwards. Before the first there was no load.
    """

    def __init__(self, window: float, *, now: float) -> None:
        self._slice = window / _SLICES
        self._done: deque[float] = deque([0.0] * _SLICES, maxlen=_SLICES)  # busy seconds of whole slices
        self._area = 0.0  # of the slice that has begun
        self._slice_began = self._noted_at = now
        self._busy = 0

    def note(self, busy: int, *, now: float) -> None:
        """From now on so many containers are busy."""
        self._advance(now)
        self._busy = busy

    def mean(self, *, now: float) -> float:
        self._advance(now)
        # The oldest slice counts as far as it still lies in the window.
        oldest = self._done[0] * (1 - (now - self._slice_began) / self._slice)
        return (oldest + sum(self._done) - self._done[0] + self._area) / (self._slice * _SLICES)

    def wanted(self, above: float, *, now: float) -> int:
        """The smallest number of containers of which no more than the share `above` would have been busy."""
        return math.ceil(self.mean(now=now) / above - 1e-9)

    def _advance(self, now: float) -> None:
        while now >= (end := self._slice_began + self._slice):
            self._done.append(self._area + self._busy * (end - self._noted_at))
            self._area, self._slice_began, self._noted_at = 0.0, end, end
        self._area += self._busy * (now - self._noted_at)
        self._noted_at = now
