"""Find the fenced code of a Markdown text.

The importer must not take a `#` inside a fence for a heading, the listings live in fences, and the renderer
highlights them: all three read fences here, by CommonMark's rules
(https://spec.commonmark.org/0.31.2/#fenced-code-blocks).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

# A fence may stand in a quote or be the first thing in a list item: "> ```", "1. ~~~".
_OPENING = re.compile(
    r"(?P<prefix>(?:[ \t]*(?:>|[-*+](?=[ \t])|\d{1,9}[.)](?=[ \t])))*[ \t]*)"
    r"(?P<marker>`{3,}|~{3,})[ \t]*(?P<info>[^\n]*?)[ \t]*$"
)
_LINE_END = re.compile(r"\r\n|\r|\n")
_QUOTE_MARK = re.compile(r"[ \t]*>[ \t]?")


@dataclass(frozen=True, kw_only=True)
class Fence:
    """A fenced code block: `line` is where it opens (from 1), `end` the line after it."""

    line: int
    end: int
    prefix: str  # what stands before the marker: indentation, quote marks, a list marker
    info: str  # the info string as written
    code: str  # without the fence's own indentation; ends with a newline unless empty

    @property
    def language(self) -> str:
        """The first word of the info string in lower case: "python"; empty when there is none."""
        words = self.info.strip("{} ").split()
        return words[0].strip(".,;").lower() if words else ""


def scan(markdown: str) -> list[Fence]:
    """The fences of a text, in order. One that is never closed ends with the text (or with its quote)."""
    lines = _LINE_END.split(markdown)
    fences: list[Fence] = []
    number = 0
    while number < len(lines):
        opening = _OPENING.match(lines[number])
        if opening and not (opening["marker"][0] == "`" and "`" in opening["info"]):
            fences.append(_read(lines, number, opening))
            number = fences[-1].end - 1
        else:
            number += 1
    return fences


def _read(lines: list[str], start: int, opening: re.Match[str]) -> Fence:
    prefix, marker = opening["prefix"], opening["marker"]
    quotes = prefix.count(">")
    width = len(prefix.rsplit(">", 1)[-1].expandtabs(4))
    if quotes:
        width = max(0, width - 1)  # the space after ">" belongs to the quote mark
    closing = re.compile(rf"[ \t]*{re.escape(marker[0])}{{{len(marker)},}}[ \t]*$")
    body: list[str] = []
    end = start + 1
    while end < len(lines):
        text = _without_quote_marks(lines[end], quotes)
        if text is None:
            break
        end += 1
        if closing.match(text):
            break
        body.append(_dedented(text, width))
    return Fence(
        line=start + 1,
        end=end + 1,
        prefix=prefix,
        info=opening["info"],
        code="".join(f"{text}\n" for text in body),
    )


def _without_quote_marks(line: str, quotes: int) -> str | None:
    """The line without its quote marks; None when it has fewer, so that the quote ended before it."""
    for _ in range(quotes):
        mark = _QUOTE_MARK.match(line)
        if not mark:
            return None
        line = line[mark.end() :]
    return line


def _dedented(line: str, width: int) -> str:
    """The line without up to `width` columns of leading white space."""
    stripped = line.lstrip(" \t")
    indent = len(line[: len(line) - len(stripped)].expandtabs(4))
    return line if width == 0 else " " * max(0, indent - width) + stripped
