"""Values as JSON and back: numbers, texts, lists, tuples, tables, sets. What comes back is mere data."""

from __future__ import annotations

import math
import numbers
from typing import Any

LONGEST = 40_000  # characters of a value's JSON
_DEEPEST = 50
_MOST_KEYS = 1_000  # of a set or table: keys that were made to collide cost the square of their number
_MOST_BITS = 10_000  # of a whole number


def encode(value: Any, depth: int = _DEEPEST) -> Any:
    """What JSON has no form for becomes an object with its `kind`. Raises ValueError for other objects."""
    if depth == 0:
        raise ValueError("too deep")
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, numbers.Integral):
        return _bounded(int(value))
    if isinstance(value, numbers.Real) and not hasattr(value, "numerator"):
        number = float(value)
        return number if math.isfinite(number) else {"kind": "float", "text": repr(number)}
    if isinstance(value, list):
        return [encode(item, depth - 1) for item in value]
    if isinstance(value, bytes):
        return {"kind": "bytes", "hex": value.hex()}
    if isinstance(value, dict):
        _count(value)
        items = [[encode(key, depth - 1), encode(item, depth - 1)] for key, item in value.items()]
        return {"kind": "dict", "items": items}
    for kind in (tuple, set, frozenset):
        if isinstance(value, kind):
            if kind is not tuple:
                _count(value)
            return {"kind": kind.__name__, "items": [encode(item, depth - 1) for item in value]}
    raise ValueError("no plain data")


def decode(said: Any) -> Any:
    """The value; raises ValueError for what `encode` does not make."""
    if isinstance(said, list):
        return [decode(item) for item in said]
    if not isinstance(said, dict):
        return _bounded(said) if isinstance(said, int) else said
    try:
        return _KINDS[said["kind"]](said)
    except (KeyError, TypeError, RecursionError) as error:
        raise ValueError("no plain data") from error


def _dict(said: dict[str, Any]) -> dict[Any, Any]:
    return {decode(key): decode(item) for key, item in _count(said["items"])}


def _bounded(number: int) -> int:
    if number.bit_length() > _MOST_BITS:
        raise ValueError("too large")
    return number


def _count(items: Any) -> Any:
    if len(items) > _MOST_KEYS:
        raise ValueError("too many")
    return items


_KINDS: dict[str, Any] = {
    "dict": _dict,
    "tuple": lambda said: tuple(decode(said["items"])),
    "set": lambda said: set(decode(_count(said["items"]))),
    "frozenset": lambda said: frozenset(decode(_count(said["items"]))),
    "bytes": lambda said: bytes.fromhex(said["hex"]),
    "float": lambda said: {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}[said["text"]],
}
