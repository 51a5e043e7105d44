"""How alike two texts are: to find a lesson again, and to tell which sections translate each other."""

from __future__ import annotations

import re
from functools import lru_cache

_SHINGLE = 5  # characters: short enough for Chinese, long enough not to meet by chance
_WORD = re.compile(r"[A-Za-z0-9_]{2,}")


def likeness(one: str, other: str) -> float:
    """The share of text that two lessons in one language have in common, 0–1 (Dice over shingles).

    The first line, the heading, does not count: it is what an author changes when renumbering.
    """
    return _dice(_shingles(one), _shingles(other))


def kinship(one: str, other: str) -> float:
    """How likely two texts in different languages say the same, 0–1.

    Code, names, numbers and web addresses stay as they are in a translation.
    """
    first, second = _words(one), _words(other)
    smaller = min(len(first), len(second))
    return len(first & second) / smaller if smaller else 0.0


@lru_cache(maxsize=512)
def _shingles(text: str) -> frozenset[str]:
    body = "".join(text.partition("\n")[2].split())
    return frozenset(body[at : at + _SHINGLE] for at in range(max(0, len(body) - _SHINGLE + 1)))


@lru_cache(maxsize=512)
def _words(text: str) -> frozenset[str]:
    return frozenset(word.lower() for word in _WORD.findall(text))


def _dice(first: frozenset[str], second: frozenset[str]) -> float:
    total = len(first) + len(second)
    # Sizes alone bound the result; most pairs need no intersection.
    if not total or 2 * min(len(first), len(second)) / total < 0.3:
        return 0.0
    return 2 * len(first & second) / total
