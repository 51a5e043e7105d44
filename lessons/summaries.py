"""The first words of a lesson's text, for lists."""

from __future__ import annotations

import re

from django.utils.text import Truncator

LOOK_AT = 2000  # characters of Markdown from its beginning
LENGTH = 200  # characters of a summary

# What begins a paragraph that is no prose: headings, fences, lists of figures, tables, HTML, quotes, rules.
_NO_PROSE = re.compile(r"\s*(#|```|~~~|!\[|\||<|>|---|===|\*\*\*|\$\$)")
_LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
_MARK = re.compile(r"[*`]+|(?<!\w)_|_(?!\w)|</?\w[^>]*>")


def summary(markdown: str) -> str:
    """The first paragraph as plain text, shortened; empty when there is no prose near the beginning."""
    inside_fence = False
    for paragraph in re.split(r"\n\s*\n", markdown[:LOOK_AT]):
        fences = len(re.findall(r"^\s*(?:```|~~~)", paragraph, flags=re.MULTILINE))
        if not inside_fence and not fences:
            lines = [line for line in paragraph.splitlines() if not _NO_PROSE.match(line)]
            plain = " ".join(_MARK.sub("", _LINK.sub(r"\1", " ".join(lines))).split())
            if plain:
                return str(Truncator(plain).chars(LENGTH))
        inside_fence ^= bool(fences % 2)
    return ""
