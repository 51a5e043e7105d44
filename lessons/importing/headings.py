"""The heading a text goes by: a lesson's own `##`, a chapter's `#`."""

from __future__ import annotations

from dataclasses import dataclass

from lessons.importing import markdown
from lessons.importing.numbering import plain_title, split_number


@dataclass(frozen=True)
class Titled:
    """A text's number ("" for none) and title, as an import would read them."""

    number: str
    title: str


def heading_of(text: str) -> Titled | None:
    """What the first heading of level 1 or 2 says; None where there is none or it has no words."""
    words = heading_words(text)
    return Titled(*split_number(words)) if words else None


def heading_words(text: str) -> str:
    """The first heading of level 1 or 2 without its markup, number and title as written; or ""."""
    headings = markdown.outline(markdown.split_lines(text)).headings
    return next((plain_title(heading.markup) for heading in headings if heading.level < 3), "")
