"""What happens to lessons at a time: drafts are published when they are due."""

from __future__ import annotations

import structlog
from celery import shared_task
from django.utils import timezone

from lessons.authoring import actions
from lessons.models import LessonDraft

log = structlog.get_logger(__name__)


@shared_task
def publish_due() -> None:
    """Publish the drafts whose time has come. Safe to run twice: each is locked and looked at again."""
    now = timezone.now()
    for pk in LessonDraft.objects.due(now).values_list("pk", flat=True):
        try:
            if actions.publish_when_due(draft_id=pk, now=now):
                log.info("lesson_published", draft=pk)
        except (actions.Outdated, actions.Unfit) as error:
            # Its author finds the reason on the draft's page, where it waits without a time.
            LessonDraft.objects.filter(pk=pk).update(publish_at=None)
            log.warning("lesson_not_published", draft=pk, reason=type(error).__name__, detail=str(error))
