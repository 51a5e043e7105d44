from __future__ import annotations

from uuid import uuid4

import pytest
from pytest_django import Settings


@pytest.fixture
def fresh_counters(settings: Settings) -> None:
    """A cache of this test's own, so that attempts counted in other tests do not count here."""
    backend = "django.core.cache.backends.locmem.LocMemCache"
    settings.CACHES = {name: {"BACKEND": backend, "LOCATION": uuid4().hex} for name in settings.CACHES}
