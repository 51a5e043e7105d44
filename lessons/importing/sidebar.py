"""Docsify's `_sidebar.md`: the order of chapters, and the parts they belong to."""

from __future__ import annotations

import re
from dataclasses import dataclass

from lessons.importing.markdown import outline, split_lines
from lessons.importing.numbering import plain_title

_BULLET = re.compile(r"^(?P<indent>\s*)(?:[-*+]|\d+[.)])\s+(?P<text>.*)$")
_ENTRY = re.compile(r"\[(?P<label>.*)\]\((?P<address>.*)\)")
_TITLE = re.compile(r"""\s+(?:"[^"]*"|'[^']*')\s*$""")


@dataclass(frozen=True)
class Entry:
    """A linked line. `address` is as written; `line` counts from 1; `part` is the unlinked title above it."""

    label: str
    address: str
    part: str
    line: int


@dataclass
class _Part:
    title: str
    indent: int
    has_nested: bool = False


def read_entries(text: str) -> list[Entry]:
    """The linked entries of a sidebar, in order."""
    entries: list[Entry] = []
    parts: list[_Part] = []
    lines = split_lines(text)
    hidden = outline(lines).hidden
    for number, line in enumerate(lines, 1):
        if hidden[number - 1] or not line.strip():
            continue
        bullet = _BULLET.match(line.rstrip())
        indent = len(bullet["indent"].expandtabs(4)) if bullet else -1  # a heading holds the lists below it
        content = bullet["text"] if bullet else line.strip()
        if link := _ENTRY.search(content):
            _leave(parts, indent)
            part = parts[-1].title if parts else ""
            entries.append(Entry(plain_title(link["label"]), _address(link["address"]), part, number))
        elif title := plain_title(content.lstrip("#")):
            while parts and parts[-1].indent >= indent:
                parts.pop()
            parts.append(_Part(title, indent))
    return entries


def _leave(parts: list[_Part], indent: int) -> None:
    """Drop the parts that an entry at this indent no longer belongs to.

    An entry beside a part title belongs to it as long as none was nested below that title.
    """
    while parts and (parts[-1].indent > indent or (parts[-1].indent == indent and parts[-1].has_nested)):
        parts.pop()
    if parts and parts[-1].indent < indent:
        parts[-1].has_nested = True


def _address(inner: str) -> str:
    """Docsify takes addresses with spaces; a title may follow in quotes."""
    return _TITLE.sub("", inner.strip()).strip("<>").strip()
