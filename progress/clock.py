"""What day it is for learning, as reviews fall due by days: asked here alone, so that a test can move on."""

from __future__ import annotations

from datetime import date

from django.utils import timezone


def today() -> date:
    """The day in the site's time zone."""
    return timezone.localdate()
