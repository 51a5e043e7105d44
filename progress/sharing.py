"""Sharing a run with anybody who has its link."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from progress.models import Share, Submission


class NotOver(Exception):
    """The run has not ended, so there is nothing to show yet."""


def share_run(*, submission: Submission, days: int | None) -> Share:
    """A new link to the run, for so many days or for good. Raises NotOver."""
    if submission.status != Submission.Status.FINISHED:
        raise NotOver
    expires = timezone.now() + timedelta(days=days) if days else None
    return Share.objects.create(submission=submission, expires_at=expires)


def withdraw_share(*, share: Share) -> None:
    """From now on the link leads nowhere; withdrawn again, it stays so."""
    Share.objects.filter(pk=share.pk, withdrawn_at=None).update(withdrawn_at=timezone.now())
