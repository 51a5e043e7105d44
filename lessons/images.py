"""Serving the figures of courses: files that never change, named by the digest of their bytes."""

from __future__ import annotations

import re

from django.core.files.storage import default_storage
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotModified
from django.urls import reverse
from django.views.decorators.http import require_safe

from lessons.models import Image

# By extension. SVG is not among them: it can carry scripts.
CONTENT_TYPES = {"png": "image/png", "jpg": "image/jpeg", "gif": "image/gif", "webp": "image/webp"}
_DIGEST = re.compile(r"[0-9a-f]{64}")
_EXTENSION_OF = {content_type: extension for extension, content_type in CONTENT_TYPES.items()}


def stored_name(digest: str, content_type: str) -> str:
    """Where the default storage keeps an image."""
    return f"images/{digest}.{_EXTENSION_OF[content_type]}"


def image_url(image: Image) -> str:
    return reverse("lesson-image", args=[image.digest, _EXTENSION_OF[image.content_type]])


@require_safe
def lesson_image(request: HttpRequest, digest: str, ext: str) -> HttpResponse:
    """An image by its digest. Whoever has it keeps it: other bytes would have another address."""
    if ext not in CONTENT_TYPES or not _DIGEST.fullmatch(digest):
        raise Http404("no such image")
    etag = f'"{digest}"'
    if etag in request.headers.get("If-None-Match", ""):
        response: HttpResponse = HttpResponseNotModified()
    else:
        # Read whole, at most 10 MB: under ASGI Django would collect a synchronous stream anyway.
        try:
            with default_storage.open(stored_name(digest, CONTENT_TYPES[ext])) as file:
                response = HttpResponse(file.read(), content_type=CONTENT_TYPES[ext])
        except FileNotFoundError as error:
            raise Http404("no such image") from error
    response["ETag"] = etag
    response["Cache-Control"] = "public, max-age=31536000, immutable"
    response["X-Content-Type-Options"] = "nosniff"
    return response
