"""What an import has to say about a course's files: where, what, and how to mend it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

_LONG_URL = re.compile(r"https?://[^\s,]{30,}/(?=[^\s,/]+/[^\s,/]+)")
_SIDEBAR = re.compile(r"(?:.*/)?_sidebar[^/]*$")


class NoCourse(Exception):
    """Nothing here can be imported. The message says how to mend it."""


@dataclass(frozen=True, order=True)
class Problem:
    """Something wrong at a line (from 1) of a file (relative to the course folder)."""

    path: str
    line: int
    what: str
    mend: str
    missing_image: str = ""  # the address of an image, where that is what is wrong

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.what} {self.mend}"


def in_full(problems: Iterable[Problem]) -> list[str]:
    """Every problem as a line; those of sidebars, which cost whole chapters, last, where they are seen."""
    return [str(problem) for problem in sorted(problems, key=lambda item: (_is_of_sidebar(item), item))]


def in_short(problems: Iterable[Problem]) -> list[str]:
    """The same, but a file's missing images are one line, and long addresses show their end alone."""
    ordered = sorted(problems, key=lambda item: (_is_of_sidebar(item), _kind(item), item))
    lines = []
    for (path, is_missing), group in groupby(ordered, _kind):
        found = list(group)
        if is_missing and len(found) > 1:
            what = f"shows {len(found)} images of which the course folder has no file, first"
            lines.append(f"{path}:{found[0].line}: {what} {found[0].missing_image} (-v 2 lists all).")
        else:
            lines += map(str, found)
    return [_LONG_URL.sub("…/", line) for line in lines]


def _is_of_sidebar(problem: Problem) -> bool:
    return bool(_SIDEBAR.match(problem.path))


def _kind(problem: Problem) -> tuple[str, bool]:
    return problem.path, bool(problem.missing_image)
