"""What differs between versions of a text: two beside each other, or three that have one beginning."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

_CONTEXT = 3  # lines around a change
_LONGEST = 2_000  # words of a line that are compared one by one
_WORD = re.compile(r"[A-Za-z0-9]+|\s+|.", re.DOTALL)
MINE, THEIRS = "<<<<<<<", ">>>>>>>"


@dataclass(frozen=True)
class Line:
    """A line of a comparison, as HTML: on the left before, on the right after; 0 where one side has none."""

    kind: str  # "same", "changed", "removed", "added", or "left-out" with how many in `left_number`
    left_number: int = 0
    left: str = ""
    right_number: int = 0
    right: str = ""


def compared(before: str, after: str) -> list[Line]:
    """Two texts side by side, without what is the same far from any change; empty when nothing differs."""
    a, b = before.splitlines(), after.splitlines()
    groups = list(SequenceMatcher(None, a, b, autojunk=False).get_grouped_opcodes(_CONTEXT))
    if a == b:
        return []
    lines: list[Line] = []
    shown = 0
    for group in groups:
        if group[0][1] > shown:
            lines.append(Line("left-out", group[0][1] - shown))
        for tag, a_from, a_to, b_from, b_to in group:
            lines += _lines(tag, a[a_from:a_to], b[b_from:b_to], a_from + 1, b_from + 1)
            shown = a_to
    if shown < len(a):
        lines.append(Line("left-out", len(a) - shown))
    return lines


def _lines(tag: str, left: Sequence[str], right: Sequence[str], l_from: int, r_from: int) -> Iterator[Line]:
    for at in range(max(len(left), len(right))):
        old, new = left[at] if at < len(left) else None, right[at] if at < len(right) else None
        if old is not None and new is not None:
            kind = "same" if tag == "equal" else "changed"
            marked = (format_html("{}", old), format_html("{}", new)) if kind == "same" else _marked(old, new)
            yield Line(kind, l_from + at, marked[0], r_from + at, marked[1])
        elif old is not None:
            yield Line("removed", left_number=l_from + at, left=format_html("{}", old))
        else:
            yield Line("added", right_number=r_from + at, right=format_html("{}", new))


def _marked(old: str, new: str) -> tuple[SafeString, SafeString]:
    """Both lines with the words that differ marked. A Chinese character counts as a word."""
    a, b = _WORD.findall(old), _WORD.findall(new)
    if len(a) + len(b) > _LONGEST:
        return format_html("<del>{}</del>", old), format_html("<ins>{}</ins>", new)
    left, right = [], []
    for tag, a_from, a_to, b_from, b_to in SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
        gone, come = "".join(a[a_from:a_to]), "".join(b[b_from:b_to])
        left.append(format_html("{}" if tag == "equal" else "<del>{}</del>", gone) if gone else "")
        right.append(format_html("{}" if tag == "equal" else "<ins>{}</ins>", come) if come else "")
    return mark_safe("".join(left)), mark_safe("".join(right))  # noqa: S308 - each piece is escaped


@dataclass(frozen=True)
class Stretch:
    """Some lines of three texts: as both began, as one side has them, as the other has them."""

    base: tuple[str, ...]
    mine: tuple[str, ...]
    theirs: tuple[str, ...]

    @property
    def kind(self) -> str:
        """Who changed it: "same", "mine", "theirs", "both" (alike) or "conflict"."""
        if self.mine == self.theirs:
            return "same" if self.mine == self.base else "both"
        if self.mine == self.base:
            return "theirs"
        return "mine" if self.theirs == self.base else "conflict"


def stretches(base: str, mine: str, theirs: str) -> list[Stretch]:
    """Three texts cut at the lines that all have in common, as diff3 does (Khanna, Kunal, Pierce 2007)."""
    a, x, y = (text.splitlines() for text in (base, mine, theirs))
    found: list[Stretch] = []
    at = (0, 0, 0)
    for stable, in_x, in_y, length in [*_stable(a, x, y), (len(a), len(x), len(y), 0)]:
        between = Stretch(tuple(a[at[0] : stable]), tuple(x[at[1] : in_x]), tuple(y[at[2] : in_y]))
        if between != Stretch((), (), ()):
            found.append(between)
        if length:
            same = tuple(a[stable : stable + length])
            found.append(Stretch(same, same, same))
        at = (stable + length, in_x + length, in_y + length)
    return found


def _stable(a: Sequence[str], x: Sequence[str], y: Sequence[str]) -> Iterator[tuple[int, int, int, int]]:
    """Runs of lines of `a` that both others have: where in each, and how many."""
    in_x = SequenceMatcher(None, a, x, autojunk=False).get_matching_blocks()
    in_y = SequenceMatcher(None, a, y, autojunk=False).get_matching_blocks()
    i = j = 0
    while i < len(in_x) and j < len(in_y):
        one, two = in_x[i], in_y[j]
        begin, end = max(one.a, two.a), min(one.a + one.size, two.a + two.size)
        if begin < end:
            yield begin, one.b + begin - one.a, two.b + begin - two.a, end - begin
        if one.a + one.size <= two.a + two.size:
            i += 1
        else:
            j += 1


def merged(parts: Sequence[Stretch]) -> str:
    """Both sides' changes in one text. Where they changed the same lines, both stand between marks."""
    lines: list[str] = []
    for part in parts:
        if part.kind == "conflict":
            lines += [MINE, *part.mine, "=======", *part.theirs, THEIRS]
        else:
            lines += part.theirs if part.kind == "theirs" else part.mine
    return "\n".join(lines) + "\n"


def in_columns(parts: Sequence[Stretch]) -> list[dict[str, object]]:
    """The stretches for a page; what is the same everywhere is cut to what surrounds a change."""
    rows: list[dict[str, object]] = []
    for number, part in enumerate(parts):
        if part.kind != "same" or len(part.base) <= 2 * _CONTEXT + 1:
            rows.append(_row(part.kind, part.base, part.mine, part.theirs))
            continue
        if number:
            rows.append(_row("same", *[part.base[:_CONTEXT]] * 3))
        rows.append({"kind": "left-out", "count": len(part.base) - _CONTEXT * (1 + bool(number))})
        if number + 1 < len(parts):
            rows.append(_row("same", *[part.base[-_CONTEXT:]] * 3))
    return rows


def _row(kind: str, base: Sequence[str], mine: Sequence[str], theirs: Sequence[str]) -> dict[str, object]:
    before, ours, other = ("\n".join(lines) for lines in (base, mine, theirs))
    row: dict[str, object] = {"kind": kind, "base": before, "mine": ours, "theirs": other}
    if kind != "same":
        row |= {"mine": _marked(before, ours)[1], "theirs": _marked(before, other)[1]}
    return row
