"""What rendering takes and gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Heading:
    """A heading of a page, for its table of contents. `level` is 2–6, `anchor` the element's id."""

    level: int
    title: str
    anchor: str


@dataclass(frozen=True)
class ImageFile:
    """An image this site serves; width and height in pixels."""

    url: str
    width: int
    height: int


class Resolver(Protocol):
    """What a lesson's links and images point to on this site."""

    def link(self, href: str) -> str | None:
        """The URL for a link that is relative to the lesson's source file; None when it leads nowhere.

        A bare `#fragment` is asked for only when the lesson itself has no such heading.
        """

    def image(self, src: str) -> ImageFile | None:
        """The stored file for an image's address (relative or absolute); None when this site has none."""


@dataclass(frozen=True, kw_only=True)
class Rendered:
    """A rendered lesson. `html` is safe to put into a page as it is."""

    html: str
    headings: tuple[Heading, ...]  # in order, without the lesson's own title
    text: str  # without markup, for search
    reading_minutes: int  # at least 1
    dead_links: tuple[str, ...] = ()  # addresses as the author wrote them
    missing_images: tuple[str, ...] = ()  # addresses as the author wrote them
    math_errors: tuple[str, ...] = ()  # formulas that could not be converted, as LaTeX
