"""Image files of a course: checked before they are served to anyone, stored under their digest."""

from __future__ import annotations

import hashlib
import io
import warnings
from dataclasses import dataclass

import PIL.Image
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from lessons.images import CONTENT_TYPES, stored_name
from lessons.importing.folder import CourseFolder

_BYTES_LIMIT = 10 * 1024 * 1024
_PIXELS_LIMIT = 40_000_000  # a screen of 8K has 33 million
_READERS = ["PNG", "JPEG", "GIF", "WEBP"]
# MPO: what cameras save as JPEG, with a second picture behind the first.
_EXTENSIONS = {"PNG": "png", "JPEG": "jpg", "MPO": "jpg", "GIF": "gif", "WEBP": "webp"}


class UnusableImage(Exception):
    """The file is no image that may be served. The message says what is wrong and how to mend it."""

    def __init__(self, what: str, mend: str) -> None:
        super().__init__(f"{what} {mend}")
        self.what = what
        self.mend = mend


@dataclass(frozen=True)
class Picture:
    """An image that decodes. Width and height in pixels."""

    digest: str
    content_type: str
    width: int
    height: int


def digest_of(folder: CourseFolder, path: str) -> str:
    """SHA-256 of a file, hexadecimal. Raises UnusableImage."""
    return hashlib.sha256(_read(folder, path)).hexdigest()


def examine(folder: CourseFolder, path: str) -> Picture:
    """Decode an image completely. Raises UnusableImage for what is no sound PNG, JPEG, GIF or WebP."""
    content = _read(folder, path)
    if path.lower().endswith(".svg"):
        raise UnusableImage("is SVG, which can carry scripts.", "Export it as PNG or WebP.")
    try:
        with warnings.catch_warnings():
            # The limit on pixels is ours, below.
            warnings.simplefilter("ignore", PIL.Image.DecompressionBombWarning)
            with PIL.Image.open(io.BytesIO(content), formats=_READERS) as image:
                width, height = image.size
                if width * height > _PIXELS_LIMIT:
                    raise UnusableImage(
                        f"has {width} × {height} pixels.", "Scale it below 40 million pixels."
                    )
                image.load()
                extension = _EXTENSIONS[image.format or ""]
    except (OSError, ValueError, SyntaxError, PIL.Image.DecompressionBombError) as error:
        mend = "Save it again as PNG, JPEG, GIF or WebP."
        raise UnusableImage("is not a sound image (damaged, cut short or of another kind).", mend) from error
    digest = hashlib.sha256(content).hexdigest()
    return Picture(digest, CONTENT_TYPES[extension], width, height)


def store(folder: CourseFolder, path: str, picture: Picture) -> None:
    """Put an image's file where the site serves it from, unless it is there whole. Raises UnusableImage."""
    content = _read(folder, path)
    if hashlib.sha256(content).hexdigest() != picture.digest:
        raise UnusableImage("changed while it was imported.", "Run the import again.")
    name = stored_name(picture.digest, picture.content_type)
    if default_storage.exists(name):
        if default_storage.size(name) == len(content):
            return
        default_storage.delete(name)  # cut short by an import that was killed
    saved = default_storage.save(name, ContentFile(content))
    if saved != name:  # another import was quicker
        default_storage.delete(saved)


def _read(folder: CourseFolder, path: str) -> bytes:
    try:
        if folder.files[path].stat().st_size > _BYTES_LIMIT:
            raise UnusableImage("is larger than 10 MB.", "Scale it down or compress it.")
        return folder.read_bytes(path)
    except OSError as error:
        raise UnusableImage(f"cannot be read ({error.strerror}).", "Check its permissions.") from error
