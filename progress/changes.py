"""What changed between two programs."""

from __future__ import annotations

import difflib

_MOST_LINES = 1_000  # that are compared: a program made to be slow to compare takes ever longer with them
_FROM_THE_START = ("@@ -0,", "@@ -1,", "@@ -1 ")  # so a diff's first place looks when nothing is left out
_LEFT_OUT = {"kind": "place", "text": "…"}


def changed_lines(before: str, after: str) -> list[dict[str, str]]:
    """Lines of a unified diff as {"kind": "add" | "remove" | "same" | "place", "text"}.

    A place, "…", stands for lines that are left out; so do changes beyond the first 1000 lines at the end.
    """
    kinds = {"+": "add", "-": "remove", " ": "same"}
    a, b = before.splitlines(), after.splitlines()
    lines = difflib.unified_diff(a[:_MOST_LINES], b[:_MOST_LINES], lineterm="", n=3)
    changed = []
    for line in list(lines)[2:]:
        if line[0] in kinds:
            changed.append({"kind": kinds[line[0]], "text": line})
        elif changed or not line.startswith(_FROM_THE_START):
            changed.append(_LEFT_OUT)
    if a[_MOST_LINES:] != b[_MOST_LINES:]:
        changed.append(_LEFT_OUT)
    return changed
