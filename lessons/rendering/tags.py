"""HTML an author may write in Markdown. Any other tag is text and shown as written.

Attributes are read here and only a few come out again: `align` as a class of ours, `width` of images, and
ids with a prefix so that they cannot stand for anything of the page around the lesson.
"""

from __future__ import annotations

import re
from html import escape, unescape

from lessons.rendering.headings import heading_anchor

INLINE = frozenset(
    {
        "a",
        "abbr",
        "b",
        "br",
        "cite",
        "code",
        "del",
        "em",
        "i",
        "img",
        "ins",
        "kbd",
        "mark",
        "q",
        "s",
        "small",
        "span",
        "strong",
        "sub",
        "sup",
        "u",
        "var",
    }
)
BLOCK = frozenset(
    {
        "blockquote",
        "caption",
        "center",
        "dd",
        "details",
        "div",
        "dl",
        "dt",
        "figcaption",
        "figure",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "hr",
        "li",
        "ol",
        "p",
        "section",
        "summary",
        "table",
        "tbody",
        "td",
        "tfoot",
        "th",
        "thead",
        "tr",
        "ul",
    }
)
VOID = frozenset({"br", "hr", "img"})
_RENAMED = {"center": "div", "section": "div"}

_ATTRIBUTE = r"""\s+[^\s"'<>/=]+(?:\s*=\s*(?:"[^"]*"|'[^']*'|[^\s"'=<>`]+))?"""
TAG = rf"</?[A-Za-z][A-Za-z0-9-]*(?:{_ATTRIBUTE})*\s*/?>"
_TAG = re.compile(rf"<(?P<close>/?)(?P<name>[A-Za-z][A-Za-z0-9-]*)(?P<attributes>(?:{_ATTRIBUTE})*)\s*/?>")
_HEADING = re.compile(r"h[1-6]")
_NAME_VALUE = re.compile(r"""\s+([^\s"'<>/=]+)(?:\s*=\s*("[^"]*"|'[^']*'|[^\s"'=<>`]+))?""")

_KEPT = {
    "a": ("href", "title"),
    "abbr": ("title",),
    "img": ("src", "alt", "title", "width", "height"),
    "ol": ("start",),
    "td": ("colspan", "rowspan"),
    "th": ("colspan", "rowspan"),
}


class Tag:
    """A tag as the author wrote it."""

    def __init__(self, source: str) -> None:
        match = _TAG.fullmatch(source)
        if match is None:
            raise ValueError(f"not a tag: {source!r}")
        self.source = source
        self.name = match["name"].lower()
        self.closes = bool(match["close"])
        self.attributes = {
            name.lower(): unescape(value.strip("\"'"))
            for name, value in _NAME_VALUE.findall(match["attributes"])
        }

    @property
    def user_id(self) -> str | None:
        """The id (or an anchor's name) with its prefix."""
        name = self.attributes.get("id") or (self.attributes.get("name") if self.name == "a" else None)
        return f"user-{heading_anchor(name)}" if name else None

    def html(self) -> str:
        name = _RENAMED.get(self.name, self.name)
        if _HEADING.fullmatch(
            name
        ):  # on a line of its own it has become Markdown; elsewhere only its words stay
            return ""
        if self.closes:
            return f"</{name}>"
        attributes = [
            (key, self.attributes[key]) for key in _KEPT.get(self.name, ()) if key in self.attributes
        ]
        align = "center" if self.name == "center" else self.attributes.get("align", "").lower()
        if align in {"left", "center", "right"} and self.name != "img":
            attributes.append(("class", f"align-{align}"))
        if self.user_id:
            attributes.append(("id", self.user_id))
        if self.name == "details" and "open" in self.attributes:
            attributes.append(("open", ""))
        written = "".join(f' {key}="{escape(value)}"' for key, value in attributes)
        return f"<{name}{written}>"
