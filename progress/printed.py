"""What learners wrote and their programs printed, as text that shows all that is in it.

static/src/ansi.js does the same in the browser, and more: there the colours of a terminal are seen.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

# They change the order in which text is shown: code could read otherwise than it runs (CVE-2021-42574).
_DIRECTION = re.compile("[\u202a-\u202e\u2066-\u2069]")
# Escape sequences of terminals: those with parameters, and those with text, which has an end of its own.
_ESCAPE = re.compile(
    r"\x1b(?:\[[\x30-\x3f]*[\x20-\x2f]*[\x40-\x7e]|[\]PX^_][^\x07\x1b]{0,256}(?:\x07|\x1b\\))"
)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def visible(text: str) -> str:
    """With a mark in the place of each character that changes the direction of writing."""
    return _DIRECTION.sub(lambda found: f"[U+{ord(found[0]):04X}]", text)


def wants_terminal(output: Iterable[tuple[str, str]]) -> bool:
    """Whether a run's output is more than text and line breaks."""
    return any(_CONTROL.search(text) for _, text in output)


def plain(text: str) -> str:
    """A piece of output as a terminal leaves it, without colours."""
    if not _CONTROL.search(text):
        return visible(text)
    text = _ESCAPE.sub("", text).replace("\r\n", "\n").replace("\a", "")
    text = "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n"))
    if "\b" in text:
        text = _taken_back(text)
    return visible(_CONTROL.sub(lambda found: _symbol(found[0]), text))


def _taken_back(text: str) -> str:
    """Without what backspaces take back, which is never the end of a line."""
    kept: list[str] = []
    for character in text:
        if character != "\b":
            kept.append(character)
        elif kept and kept[-1] != "\n":
            kept.pop()
    return "".join(kept)


def _symbol(control: str) -> str:
    code = ord(control)
    if code < 0x20:
        return chr(0x2400 + code)
    return "\u2421" if code == 0x7F else "\ufffd"
