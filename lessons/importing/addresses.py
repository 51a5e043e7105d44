"""Addresses in a course's files, resolved against the folder they are in.

Shared by the import, which reports what leads nowhere, and by the pages, which follow what leads somewhere.
Paths are POSIX paths relative to the course folder, in Unicode's composed form.
"""

from __future__ import annotations

import posixpath
import re
import unicodedata
from collections.abc import Container
from dataclasses import dataclass
from urllib.parse import parse_qs, unquote, urlsplit

_SCHEME = re.compile(r"^(?:[a-zA-Z][a-zA-Z0-9+.-]*:|//)")
README = re.compile(r"(?:.*/)?(?:readme|index)(?:[_.-][\w-]+)?\.md$", re.IGNORECASE)
_SHORTEST_TAIL = 2  # a file name alone says too little: many folders hold a "1.png"


@dataclass(frozen=True)
class Target:
    """Where an address points: a file of the course ("" = the same file) and a heading in it."""

    path: str
    fragment: str


class OutsideCourse(ValueError):
    """The address climbs out of the course folder."""


def is_elsewhere(address: str) -> bool:
    """Whether an address names another site, or is no path at all (`mailto:`)."""
    return bool(_SCHEME.match(address))


def resolve(address: str, *, source: str) -> Target:
    """The target of a relative address in the file `source`.

    A leading slash means the course folder. Docsify's `?id=heading` is a fragment, and it leaves the
    `.md` off. Raises OutsideCourse.
    """
    parts = urlsplit(address)
    fragment = unquote(parts.fragment) or "".join(parse_qs(parts.query).get("id", []))
    path = unquote(parts.path).replace("\\", "/")
    if not path:
        return Target("", fragment)
    joined = path.lstrip("/") if path.startswith("/") else posixpath.join(posixpath.dirname(source), path)
    normal = posixpath.normpath(joined) if joined else "."
    if normal == ".." or normal.startswith("../") or "\0" in normal:
        raise OutsideCourse(address)
    if path.endswith("/") or normal == ".":
        normal = posixpath.normpath(posixpath.join(normal, "README.md"))
    return Target(unicodedata.normalize("NFC", normal), fragment)


def as_markdown(path: str, files: Container[str]) -> str:
    """`guide` is `guide.md` where only that exists."""
    return f"{path}.md" if path not in files and f"{path}.md" in files else path


def comparable(anchor: str) -> str:
    """An anchor or title less what the makers of anchors disagree on: case, marks, spaces."""
    return "".join(sign for sign in unicodedata.normalize("NFC", anchor).casefold() if sign.isalnum())


def image_path(address: str, *, source: str, files: Container[str]) -> str | None:
    """The course's file for an image address, or None.

    An absolute address, say of the authors' repository, counts as the file that the tail of its path names.
    Raises OutsideCourse.
    """
    if not is_elsewhere(address):
        path = resolve(address, source=source).path
        return path if path in files else None
    pieces = unicodedata.normalize("NFC", unquote(urlsplit(address).path)).strip("/").split("/")
    tails = ("/".join(pieces[start:]) for start in range(len(pieces) - _SHORTEST_TAIL + 1))
    return next((tail for tail in tails if tail in files), None)
