"""Without Redis the pages are still there."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse


@pytest.mark.django_db
def test_pages_and_sessions_work_without_redis(settings: Any, client: Client, django_user_model: Any) -> None:
    settings.CACHES = {
        "default": {"BACKEND": "helloagents.caching.OptionalRedisCache", "LOCATION": "redis://127.0.0.1:1/0"}
    }
    client.force_login(django_user_model.objects.create_user("ada", "ada@example.org", "a-long-Passw0rd"))

    assert client.get(reverse("catalogue")).status_code == 200
    assert client.get(reverse("submissions")).status_code == 200
