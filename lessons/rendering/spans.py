"""Formulas and the author's tags inside paragraphs, told from code and from money.

A `$` opens a formula when no letter or digit stands before it and no space after it; it closes one when
no space stands before it and no digit after it (the rule of Pandoc's `tex_math_dollars`), so "$5 and $10"
stays. With a LaTeX command inside, spaces do not matter.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from lessons.rendering.tags import BLOCK, INLINE, TAG, VOID, Tag

_PARAGRAPHS = re.compile(r"(\n[ \t>]*\n)")
_SPAN = re.compile(
    rf"""
      (?P<escape>\\[\\`$<>*_\[\](){{}}#+.!|~-])
    | (?P<code>(?<!`)(?P<ticks>`+)(?!`).+?(?<!`)(?P=ticks)(?!`))
    | (?P<lone_ticks>`+)
    | (?P<address><?https?://[^\s<>()\[\]\u0080-\U0010FFFF]+>?)
    | \$\$(?P<display>(?:[^$\\]|\\.)+?)\$\$
    | (?<![A-Za-z0-9$])\$(?P<inline>(?!\s)(?:[^$\\\n]|\\[^\n])+?(?<!\s))\$(?![0-9$])
    | (?<![A-Za-z0-9$])\$(?P<spaced>[^$\n]*\\[A-Za-z][^$\n]*)\$(?![0-9$])
    | (?P<comment><!--.*?-->)
    | (?P<tag>{TAG})
    """,
    re.VERBOSE | re.DOTALL,
)
# "$100 的成本，不是 $" would be money around Chinese words, not a formula.
_MONEY = re.compile(r"\d[\d.,]*\s*[\u3400-\u9fff]")


def taken_out(text: str, *, keep_formula: Callable[[str, bool], str], keep_tag: Callable[[Tag], str]) -> str:
    """The text with placeholders for its formulas and tags.

    `keep_formula` gets the LaTeX and whether it stands on a line of its own.
    """
    return "".join(
        _paragraph(part, keep_formula, keep_tag) if part.strip() else part for part in _PARAGRAPHS.split(text)
    )


def _paragraph(text: str, keep_formula: Callable[[str, bool], str], keep_tag: Callable[[Tag], str]) -> str:
    parts: list[str] = []
    opened: list[tuple[Tag, int]] = []  # a tag not closed yet, and where in `parts` it stands
    end = 0
    for match in _SPAN.finditer(text):
        parts.append(text[end : match.start()])
        end = match.end()
        formula = match["display"] or match["inline"] or match["spaced"]
        if match["tag"]:
            _tag(Tag(match["tag"]), parts, opened, keep_tag)
        elif formula and not (match["inline"] and _MONEY.match(formula)):
            parts.append(keep_formula(formula, match["display"] is not None))
        elif match["escape"] in {"\\$", "\\<", "\\>"}:
            parts.append(match["escape"][1])
        elif not match["comment"]:
            parts.append(match[0])
    parts.append(text[end:])
    return "".join(parts)


def _tag(tag: Tag, parts: list[str], opened: list[tuple[Tag, int]], keep_tag: Callable[[Tag], str]) -> None:
    """Take a tag out together with the one it closes; one without a partner stays text."""
    parts.append(tag.source)
    if tag.name not in INLINE | BLOCK:
        return
    if tag.name in VOID or tag.name in BLOCK:
        parts[-1] = keep_tag(tag)
    elif not tag.closes:
        opened.append((tag, len(parts) - 1))
    elif any(other.name == tag.name for other, _ in opened):
        while opened:
            other, position = opened.pop()
            if other.name == tag.name:
                parts[position] = keep_tag(other)
                parts[-1] = keep_tag(tag)
                break
