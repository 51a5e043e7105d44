"""A lesson's text cut at its headings, in plain words, without rendering it.

Anchors are those of the rendered page: both give them by `headings.Anchors`, in order.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from lessons.fences import scan
from lessons.importing import markdown
from lessons.importing.numbering import plain_title
from lessons.rendering.headings import Anchors

# What is no word of the text: marks of callouts, of lists, tables and emphasis; addresses, tags.
_CALLOUT = re.compile(r"^((?:[ \t]*>)+[ \t]*)\[![\w-]+(?: *\| *[\w-]+)*\][-+]?", re.MULTILINE)
_IMAGE = re.compile(r"!\[([^\]\n]*)\]\([^)\n]*\)")
_LINK = re.compile(r"\[([^\]\n]*)\](?:\([^)\n]*\)|\[[^\]\n]*\])")
_TAG = re.compile(r"</?[a-zA-Z][^<>\n]*>|<!--.*?-->", re.DOTALL)
_INLINE_TAG = re.compile(
    r"</?(?:a|abbr|b|code|del|em|i|kbd|mark|s|small|span|strong|sub|sup|u)(?:\s[^<>\n]*)?>", re.IGNORECASE
)
_LINE_MARK = re.compile(r"^[ \t]*(?:>[ \t]?)*(?:[-*+]|\d{1,9}[.)])?[ \t]+(?:\[[ xX]\] )?", re.MULTILINE)
_TABLE_RULE = re.compile(r"^[ \t]*\|?[ :|-]*-{3}[ :|-]*$", re.MULTILINE)
# What parts words, and what stands at them, code as it is: nothing comes between that and a full stop.
_PARTING_MARK = re.compile(r"[ \t]*\|[ \t]*|^>+[ \t]?|^[ \t]*#+[ \t]", re.MULTILINE)
_INLINE_MARK = re.compile(r"(?<!`)(`+)(?!`)(?P<code>[^`\n]+)\1(?!`)|\*+|`+|~~|(?<!\w)_+|_+(?!\w)")
_SPACES = re.compile(r"[ \t]*\n\s*|[ \t]{2,}")


@dataclass(frozen=True)
class Piece:
    """What stands under one heading, up to the next. The first piece, a text's beginning, has none."""

    heading: str
    anchor: str
    body: str


def split(text: str) -> list[Piece]:
    """The pieces of a lesson's text; at least the first, however short."""
    lines = markdown.split_lines(text)
    headings = markdown.outline(lines).headings
    # A page shows such a heading as its title, without an anchor.
    if headings and (headings[0].level == 1 or not "".join(lines[: headings[0].line]).strip()):
        lines[headings[0].line] = "\n"
        headings = headings[1:]
    anchors = Anchors()
    pieces, heading, anchor, start = [], "", "", 0
    for following in headings:
        pieces.append(Piece(heading, anchor, _plain("".join(lines[start : following.line]))))
        heading = plain_title(following.markup)
        anchor = anchors.give(heading)
        start = following.line + 1
    return [*pieces, Piece(heading, anchor, _plain("".join(lines[start:])))]


def _plain(source: str) -> str:
    """The words of some Markdown, code included, one paragraph or line of code a line."""
    lines = markdown.split_lines(source)
    words, at = [], 0
    for fence in scan(source):
        words += [_prose("".join(lines[at : fence.line - 1])), fence.code]
        at = fence.end - 1
    words.append(_prose("".join(lines[at:])))
    return "\n".join(stripped for each in words if (stripped := each.strip()))


def _prose(source: str) -> str:
    text = _CALLOUT.sub(r"\1", _TAG.sub(" ", _INLINE_TAG.sub("", source)))
    text = _LINK.sub(r"\1", _IMAGE.sub(r"\1", text))
    text = _PARTING_MARK.sub(" ", _LINE_MARK.sub("", _TABLE_RULE.sub("", text)))
    text = _INLINE_MARK.sub(lambda mark: mark["code"] or "", text)
    return _SPACES.sub(lambda space: "\n" if "\n" in space[0] else " ", text)
