"""Python's parser, one thread at a time: it counts its depth in a single place for all threads of a process.

Two that parse at once make each other fail with "AST constructor recursion depth mismatch" in 3.11
(https://github.com/python/cpython/issues/106905 tells of the check). Lessons, hints, answers and the policy
of the sandbox all parse, in threads of requests and runs; so it is mended where they all meet.
"""

from __future__ import annotations

import ast
import functools
import threading
from typing import Any

_one_at_a_time = threading.RLock()  # collecting garbage may parse in the middle of it
_parse = ast.parse


@functools.wraps(_parse)
def _parse_alone(*args: Any, **options: Any) -> Any:
    with _one_at_a_time:
        return _parse(*args, **options)


def make_safe_for_threads() -> None:
    ast.parse = _parse_alone
