"""What every page may show of its reader's progress."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from progress.marks import marks_of
from progress.views.ownership import owner_of


def marks(request: HttpRequest) -> dict[str, Any]:
    """Context processor: `marks`, read once and only by pages that show some."""
    return {"marks": SimpleLazyObject(lambda: marks_of(owner_of(request)))}
