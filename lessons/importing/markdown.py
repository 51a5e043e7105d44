"""Where a Markdown file has headings, links and images, told from code that only looks like them.

Nothing is rendered and nothing is changed: slices of a file are the author's bytes.
"""

from __future__ import annotations

import html
import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

from lessons.fences import scan

_AFTER_LINE_END = re.compile(r"(?<=\n)|(?<=\r)(?!\n)")
_CLOSING_FENCE = re.compile(r"^[\s>]*(?:`{3,}|~{3,})\s*$")
_ATX = re.compile(r"^ {0,3}(?P<marks>#{1,6})(?:[ \t]+(?P<title>.*))?$")
_SETEXT_TITLE = re.compile(r"^ {0,3}=+\s*$")
_HIDDEN = (("<!--", "-->"), ("<pre", "</pre>"), ("<script", "</script>"), ("<style", "</style>"))

_CODE_SPAN = re.compile(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)")
_DESTINATION = r"\((?P<inner>(?:[^()\n]|\([^()\n]*\))*)\)"
_IMAGE = re.compile(r"!\[[^\]\n]*\]" + _DESTINATION)
_LINK = re.compile(r"\]" + _DESTINATION)
_TITLE = re.compile(r"""\s+(?:"[^"]*"|'[^']*'|\([^()]*\))\s*$""")
_DEFINITION = re.compile(r"^ {0,3}\[[^\]^\n][^\]\n]*\]:[ \t]*(?P<inner>\S.*)$", re.MULTILINE)
_TAG_ADDRESS = re.compile(
    r"""<(?P<tag>a|img)\b[^<>]*?\s(?:href|src)\s*=\s*(?:"(?P<double>[^"]*)"|'(?P<single>[^']*)')""",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Heading:
    """A heading outside code. `line` is its index in the file's lines, from 0."""

    level: int
    markup: str
    line: int


@dataclass(frozen=True)
class Reference:
    """A link or image as the author wrote its address. `line` counts from 1."""

    address: str
    line: int
    is_image: bool


@dataclass(frozen=True)
class Outline:
    """A file's headings, its lines that are code or comment, and where an unclosed fence began (from 1)."""

    headings: tuple[Heading, ...]
    hidden: tuple[bool, ...]
    unclosed_fence: int | None


def split_lines(text: str) -> list[str]:
    """Lines with their ends; joined again they are the text."""
    return [line for line in _AFTER_LINE_END.split(text) if line]


def outline(lines: Sequence[str]) -> Outline:
    """The headings of a file, none of them inside code or a comment."""
    hidden, unclosed = _hidden(lines)
    return Outline(tuple(_headings(lines, hidden)), tuple(hidden), unclosed)


def _headings(lines: Sequence[str], hidden: Sequence[bool]) -> Iterator[Heading]:
    for index, line in enumerate(lines):
        if hidden[index]:
            continue
        stripped = line.rstrip("\r\n")
        if match := _ATX.match(stripped):
            yield Heading(len(match["marks"]), match["title"] or "", index)
        elif (
            index
            and _SETEXT_TITLE.match(stripped)
            and _is_paragraph(lines[index - 1])
            and not hidden[index - 1]
        ):
            yield Heading(1, lines[index - 1].strip(), index - 1)


def _is_paragraph(line: str) -> bool:
    return bool(line.strip()) and not re.match(r"\s*([#>|=]|[-*+]\s|\d+[.)]\s)", line)


def _hidden(lines: Sequence[str]) -> tuple[list[bool], int | None]:
    """For each line whether it is code or comment; the line (from 1) of a fence never closed."""
    hidden = [False] * len(lines)
    unclosed = None
    for fence in scan("".join(lines)):
        last = min(fence.end - 1, len(lines))
        hidden[fence.line - 1 : last] = [True] * (last - fence.line + 1)
        if last == len(lines) and (last == fence.line or not _CLOSING_FENCE.match(lines[last - 1])):
            unclosed = fence.line
    index = 0
    while index < len(lines):
        end = None if hidden[index] else _block_end(lines, index)
        if end:
            hidden[index:end] = [True] * (end - index)
        index = end or index + 1
    return hidden, unclosed


def _block_end(lines: Sequence[str], start: int) -> int | None:
    """One past the last line of the HTML comment or literal block opening here; None when it never closes."""
    line = lines[start].lstrip().lower()
    if len(lines[start]) - len(line) > 3:
        return None
    for opening, closing in _HIDDEN:
        if line.startswith(opening):
            ends = (index + 1 for index in range(start, len(lines)) if closing in lines[index].lower())
            return next(ends, None)
    return None


def references(lines: Sequence[str], hidden: Sequence[bool]) -> list[Reference]:
    """Every link and image outside code, in order of lines."""
    pieces = [
        "\n" if is_hidden else _CODE_SPAN.sub("", line) for line, is_hidden in zip(lines, hidden, strict=True)
    ]
    text = "".join(pieces)
    starts = list(accumulate(map(len, pieces), initial=0))

    def reference(address: str, at: int, *, is_image: bool) -> Reference:
        return Reference(html.unescape(address), bisect_right(starts, at), is_image)

    found = [
        reference(_address(match["inner"]), match.start(), is_image=True) for match in _IMAGE.finditer(text)
    ]
    # Images are blanked out first: what is left of a linked image is the link around it.
    text = _IMAGE.sub(lambda match: " " * len(match[0]), text)
    for pattern in (_LINK, _DEFINITION):
        for match in pattern.finditer(text):
            address = _address(match["inner"])
            found.append(reference(address, match.start(), is_image=is_image_name(address)))
    for match in _TAG_ADDRESS.finditer(text):
        address = match["double"] or match["single"] or ""
        found.append(reference(address, match.start(), is_image=match["tag"].lower() == "img"))
    return sorted((item for item in found if item.address), key=lambda item: item.line)


def _address(inner: str) -> str:
    """The address in a link's parentheses, or "" when there is none: `a b` is prose, `<a b>` an address."""
    inner = inner.strip()
    if inner.startswith("<"):
        return inner[1 : inner.find(">")] if ">" in inner else ""
    inner = _TITLE.sub("", inner)
    return "" if re.search(r"\s", inner) else inner


def is_image_name(address: str) -> bool:
    return bool(
        re.search(r"\.(png|jpe?g|gif|webp|svg|bmp|avif|tiff?)$", address.split("?")[0].split("#")[0], re.I)
    )
