"""What a program ended with, as one line that is the same for all who made the same mistake."""

from __future__ import annotations

import re
from collections.abc import Iterable

from sandbox.execution import Output, Stream

LENGTH = 200
_LOOKED_AT = 20_000  # characters from the end; a traceback has its error last

_TRACEBACK = "Traceback (most recent call last):"
# "ValueError: …", as Python and JavaScript say it; the text may be missing.
_NAMED = re.compile(
    r"(?:Uncaught )?([A-Za-z_][\w.]*(?:Error|Exception|Interrupt|Iteration|Exit))(?:: ?(.*))?$"
)
# After a traceback any class may stand.
_RAISED = re.compile(r"([A-Za-z_][\w.]*)(?:: ?(.*))?$")
# What differs from learner to learner: quoted text, addresses, numbers.
_OWN = (
    (re.compile(r"'[^']*'|\"[^\"]*\"|`[^`]*`"), "'…'"),
    (re.compile(r"0x[0-9a-fA-F]+"), "…"),
    (re.compile(r"(?<![\w.])[-+]?\d[\d.,_]*"), "N"),
)


def error_line(output: Iterable[Output]) -> str:
    """Of a program that failed: "NameError: name '…' is not defined"; empty when it names no error."""
    printed = "".join(piece.text for piece in output if piece.stream == Stream.STDERR)[-_LOOKED_AT:]
    named = _named(printed.splitlines())
    if named is None:
        return ""
    kind, text = named.groups(default="")
    for own, instead in _OWN:
        text = own.sub(instead, text)
    return f"{kind}: {text}".removesuffix(": ")[:LENGTH].replace("\x00", "\u2400")


def _named(lines: list[str]) -> re.Match[str] | None:
    """The line that names the error: the end of the last traceback, else the last that looks like one."""
    if _TRACEBACK in lines:
        place = len(lines) - lines[::-1].index(_TRACEBACK)
        ends = (line for line in lines[place:] if line and not line.startswith(" "))
        if raised := _RAISED.match(next(ends, "")):
            return raised
    return next(filter(None, map(_NAMED.match, reversed(lines))), None)
