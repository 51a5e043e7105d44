"""Pictures that learners ask about: made anew from what they chose, so that nothing else is kept or sent."""

from __future__ import annotations

import io
from base64 import b64decode
from dataclasses import dataclass
from fnmatch import fnmatch

from django.conf import settings
from PIL import Image, ImageOps

from tutor import choosing
from tutor.choosing import Caller

MOST = 3  # of a question
FILE_LIMIT = 2 * 1024 * 1024  # bytes of what is chosen
_LONG_SIDE = 1280  # pixels; models see no more of it
_PIXELS_LIMIT = 50_000_000
_KINDS = ("PNG", "JPEG", "GIF", "WEBP")
_QUALITY = 82


class BadPicture(ValueError):
    """No picture of a kind that can be sent, or too large a one."""


@dataclass(frozen=True)
class Picture:
    content_type: str
    data: bytes
    width: int
    height: int


def are_taken(caller: Caller) -> bool:
    """Whether the model that is asked first for this caller looks at pictures, as far as its name tells."""
    candidates = choosing.choose(caller, asked_model="").candidates
    name = candidates[0].model.name.lower() if candidates else ""
    return any(fnmatch(name, pattern) for pattern in settings.TUTOR_IMAGE_MODELS)


def read(url: str) -> Picture:
    """The picture of a `data:` address. Raises BadPicture."""
    head, _, encoded = url.partition(";base64,")
    if not head.startswith("data:image/") or len(encoded) > FILE_LIMIT * 4 // 3 + 4:
        raise BadPicture
    try:
        return _made_anew(b64decode(encoded, validate=True))
    except Exception as error:  # damaged files make decoders raise anything, such as struct.error
        raise BadPicture from error


def _made_anew(data: bytes) -> Picture:
    """Decoded, turned upright, no larger than of use, without whatever else was in the file."""
    with Image.open(io.BytesIO(data), formats=_KINDS) as opened:
        if opened.width * opened.height > _PIXELS_LIMIT:
            raise BadPicture
        image = ImageOps.exif_transpose(opened)
        image.thumbnail((_LONG_SIDE, _LONG_SIDE))
        if "A" in image.getbands() or image.mode == "P":  # on paper, as pages show it
            flat = Image.new("RGB", image.size, "white")
            rgba = image.convert("RGBA")
            flat.paste(rgba, mask=rgba.getchannel("A"))
            image = flat
    made = io.BytesIO()
    image.convert("RGB").save(made, "JPEG", quality=_QUALITY)
    return Picture("image/jpeg", made.getvalue(), image.width, image.height)
