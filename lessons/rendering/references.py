"""Links and images of a page: where they lead here, and what stands in for what this site does not have.

Works on HTML from `sanitising`, where no attribute holds `<` or `>` and every value is in double quotes.
"""

from __future__ import annotations

import re
from html import escape, unescape
from urllib.parse import unquote

from django.utils.translation import gettext as _

from lessons.rendering.headings import Anchors, heading_anchor
from lessons.rendering.records import ImageFile, Resolver

_LINK = re.compile(r"<a(?P<attributes>(?: [^<>]*)?)>(?P<inner>.*?)</a>", re.DOTALL)
_IMAGE = re.compile(r"<img(?P<attributes>(?: [^<>]*)?)>")
_ATTRIBUTE = re.compile(r' ([a-z]+)="([^"]*)"')
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_EMPHASIS = re.compile(r"[*`]|(?<!\w)_|_(?!\w)")  # Markdown in an alternative text is not rendered
_USER_ID = re.compile(r' id="(user-[^"]*)"')


class References:
    """Resolves the links and images of one page and remembers those that lead nowhere."""

    def __init__(self, resolver: Resolver, anchors: Anchors) -> None:
        self._resolver = resolver
        self._anchors = anchors
        self._user_ids: set[str] = set()
        self.dead_links: list[str] = []
        self.missing_images: list[str] = []

    def resolved(self, html: str) -> str:
        self._user_ids = set(_USER_ID.findall(html))
        return _LINK.sub(self._link, _IMAGE.sub(self._image, html))

    # --- Links ---

    def _link(self, match: re.Match[str]) -> str:
        attributes, inner = _attributes(match["attributes"]), match["inner"]
        href = attributes.pop("href", "").strip()
        if not href:
            identity = f' id="{escape(attributes["id"])}"' if "id" in attributes else ""
            return f"<span{identity}>{inner}</span>"
        kept = "".join(
            f' {name}="{escape(attributes[name])}"' for name in ("class", "id", "title") if name in attributes
        )
        url = self._url(href)
        if url is None:
            self.dead_links.append(href)
            return f'<span class="dead-link">{inner}</span>'
        if _is_external(url):
            return f'<a href="{escape(url)}"{kept} rel="noopener noreferrer" target="_blank">{inner}</a>'
        return f'<a href="{escape(url)}"{kept}>{inner}</a>'

    def _url(self, href: str) -> str | None:
        if href.startswith("//"):
            return f"https:{href}"
        if _SCHEME.match(href):
            return href if href.lower().startswith(("http:", "https:", "mailto:")) else None
        return self._own_anchor(href) if href.startswith("#") else self._resolver.link(href)

    def _own_anchor(self, href: str) -> str | None:
        if href.startswith(("#fn:", "#fnref")):
            return href
        anchor = heading_anchor(unquote(href[1:]))
        if anchor in self._anchors:
            return f"#{anchor}"
        if f"user-{anchor}" in self._user_ids:
            return f"#user-{anchor}"
        return self._resolver.link(href)

    # --- Images ---

    def _image(self, match: re.Match[str]) -> str:
        attributes = _attributes(match["attributes"])
        source, alt = attributes.get("src", "").strip(), _EMPHASIS.sub("", attributes.get("alt", ""))
        image = self._resolver.image(source) if source else None
        if image is None:
            self.missing_images.append(source)
            # Another host's picture is not loaded: it would tell that host who reads what.
            words = ": ".join(filter(None, [_("Figure not available"), alt]))
            return (
                f'<span class="missing-image" role="img" aria-label="{escape(words)}">{escape(words)}</span>'
            )
        title = f' title="{escape(attributes["title"])}"' if attributes.get("title") else ""
        return (
            f'<img src="{escape(image.url)}" alt="{escape(alt)}"{title}'
            f'{_size(image, attributes.get("width", ""))} loading="lazy" decoding="async">'
        )


def _attributes(source: str) -> dict[str, str]:
    return {name: unescape(value) for name, value in _ATTRIBUTE.findall(source)}


def _is_external(url: str) -> bool:
    return url.lower().startswith(("http:", "https:"))


def _size(image: ImageFile, wanted: str) -> str:
    """The size attributes: the file's own, or scaled to the width the author wants in pixels.

    A width in per cent becomes a class, in steps of 5.
    """
    width, height, klass = image.width, image.height, ""
    if wanted.endswith("%"):
        percent = min(100, max(5, 5 * round(int(wanted[:-1]) / 5)))
        klass = f' class="width-{percent}"' if percent < 100 else ""
    elif wanted and 0 < int(wanted) < image.width:
        width, height = int(wanted), max(1, round(image.height * int(wanted) / image.width))
    return f' width="{width}" height="{height}"{klass}'
