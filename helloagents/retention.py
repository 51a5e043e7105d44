"""What a site forgets by itself: what was deleted or read a while ago, and sessions that are over."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

from django.apps import apps
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import models
from django.utils import timezone

from helloagents.api.models import ApiSession
from lessons.deleting import Deletable
from progress.models import Notification

_AT_ONCE = 1000  # rows, so that nobody waits long for a lock


def forget(*, dry_run: bool = False) -> Counter[str]:
    """Delete what is old enough, and return how many rows of which kind; with `dry_run` only count."""
    now = timezone.now()
    old = now - timedelta(days=settings.DELETED_KEPT_DAYS)
    querysets: list[models.QuerySet[Any]] = [
        model._base_manager.filter(deleted_at__lt=old)
        for model in apps.get_models()
        if issubclass(model, Deletable)
    ]
    querysets.append(Notification.objects.filter(read_at__lt=old))
    querysets += [Session.objects.filter(expire_date__lt=now), ApiSession.objects.filter(expires_at__lt=now)]
    found = Counter({str(rows.model._meta.label): rows.count() for rows in querysets})
    if not dry_run:
        for rows in querysets:
            _delete(rows)
    return found


def _delete(rows: models.QuerySet[Any]) -> None:
    while some := list(rows.order_by("pk").values_list("pk", flat=True)[:_AT_ONCE]):
        rows.model._base_manager.filter(pk__in=some).delete()
