"""What changed between two programs."""

from __future__ import annotations

import difflib

_MOST_LINES = 1_000  # that are compared: a program made to be slow to compare takes ever longer with them


def changed_lines(before: str, after: str) -> list[dict[str, str]]:
    """Lines of a unified diff as {"kind": "add" | "remove" | "same" | "place", "text"}.

    Changes beyond the first 1000 lines are one last place, "…".
    """
    kinds = {"+": "add", "-": "remove", " ": "same", "@": "place"}
    a, b = before.splitlines(), after.splitlines()
    lines = difflib.unified_diff(a[:_MOST_LINES], b[:_MOST_LINES], lineterm="", n=3)
    changed = [{"kind": kinds[line[0]], "text": line} for line in list(lines)[2:]]
    if a[_MOST_LINES:] != b[_MOST_LINES:]:
        changed.append({"kind": "place", "text": "…"})
    return changed
