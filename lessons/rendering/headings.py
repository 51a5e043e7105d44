"""The ids of headings."""

from __future__ import annotations

import re
import unicodedata

_PUNCTUATION = re.compile(r"[^\w\s-]")
_BETWEEN = re.compile(r"[\s_-]+")


def heading_anchor(title: str) -> str:
    """The id of a heading with this title: lower case, letters of any script kept, words joined by "-".

    An anchor is its own anchor, so a link's fragment can be compared after going through this too.
    """
    text = unicodedata.normalize("NFKC", title).lower()
    return _BETWEEN.sub("-", _PUNCTUATION.sub("", text)).strip("-") or "section"


class Anchors:
    """Gives each heading of a page an id of its own: "tools", "tools-2", "tools-3"."""

    def __init__(self) -> None:
        self._given: set[str] = set()

    def __contains__(self, anchor: str) -> bool:
        return anchor in self._given

    def give(self, title: str) -> str:
        wanted = anchor = heading_anchor(title)
        number = 1
        while anchor in self._given:
            number += 1
            anchor = f"{wanted}-{number}"
        self._given.add(anchor)
        return anchor
