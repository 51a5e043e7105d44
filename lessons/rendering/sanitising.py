"""What HTML may come out of a lesson's text. The second wall: the first is that only known tags get here."""

from __future__ import annotations

import re
from collections.abc import Callable

import nh3

_TAGS = {
    *(
        "a",
        "abbr",
        "b",
        "blockquote",
        "br",
        "caption",
        "cite",
        "code",
        "dd",
        "del",
        "details",
        "div",
        "dl",
        "dt",
    ),
    *("em", "figcaption", "figure", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "i", "img", "ins", "kbd", "li"),
    *(
        "mark",
        "ol",
        "p",
        "pre",
        "q",
        "s",
        "small",
        "span",
        "strong",
        "sub",
        "summary",
        "sup",
        "table",
        "tbody",
    ),
    *("td", "tfoot", "th", "thead", "tr", "u", "ul", "var"),
}
_ATTRIBUTES = {
    "*": {"class", "id"},
    "a": {"href", "title"},
    "abbr": {"title"},
    "details": {"open"},
    "img": {"src", "alt", "title", "width", "height"},
    "ol": {"start"},
    "td": {"align", "colspan", "rowspan"},
    "th": {"align", "colspan", "rowspan"},
}
# Dropped with what they hold; any other unknown tag leaves its text.
_DROPPED_WHOLE = {"script", "style", "template", "noscript", "iframe", "object"}
CALLOUTS = ("note", "tip", "important", "warning", "caution", "danger")
_CLASSES = {
    *("align-left", "align-center", "align-right"),
    *("admonition", "admonition-title", *CALLOUTS),
    *("footnote", "footnote-ref", "footnote-backref"),
}
_IDS = re.compile(r"user-[\w-]+|fn(?:ref\d*)?:[\w-]+")
_NUMBER = re.compile(r"\d{1,5}%?")


def sanitised(html: str, *, plain: Callable[[str], str]) -> str:
    """The HTML less everything a lesson's text may not have. No attribute in it holds `<` or `>`.

    `plain` gives an attribute's value with placeholders replaced by text.
    """

    ids: set[str] = set()

    def attribute(tag: str, name: str, value: str) -> str | None:
        value = plain(value).replace("<", "‹").replace(">", "›")
        if name == "class":
            return " ".join(word for word in value.split() if word in _CLASSES) or None
        if name == "id":
            known = value in ids
            ids.add(value)
            return value if _IDS.fullmatch(value) and not known else None
        if name in {"width", "height", "start", "colspan", "rowspan"}:
            return value if _NUMBER.fullmatch(value) else None
        return value

    return nh3.clean(
        html,
        tags=_TAGS,
        clean_content_tags=_DROPPED_WHOLE,
        attributes=_ATTRIBUTES,
        attribute_filter=attribute,
        strip_comments=True,
        link_rel=None,
        url_schemes={"http", "https", "mailto"},
    )
