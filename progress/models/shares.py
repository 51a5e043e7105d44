"""Links by which anybody sees a run."""

from __future__ import annotations

import secrets
from typing import Any, Self

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from progress.models.runs import Submission


def make_token() -> str:
    """What nobody guesses: 192 random bits."""
    return secrets.token_urlsafe(24)


class ShareQuerySet(models.QuerySet["Share"]):
    def of(self, user: Any) -> Self:
        """The user's own, withdrawn and expired ones, too; not those of deleted runs."""
        return self.filter(submission__learner=user, submission__deleted_at=None)

    def open(self) -> Self:
        """Those that lead somewhere."""
        lasting = Q(expires_at=None) | Q(expires_at__gt=timezone.now())
        return self.filter(lasting, withdrawn_at=None, submission__deleted_at=None)


class Share(models.Model):
    """An unguessable link to a run's code and output, open until it is withdrawn or expires."""

    submission = models.ForeignKey(
        Submission, on_delete=models.CASCADE, related_name="shares", verbose_name=_("submission")
    )
    token = models.CharField(_("token"), max_length=40, unique=True, default=make_token, editable=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)  # null: never
    withdrawn_at = models.DateTimeField(_("withdrawn"), null=True, blank=True)

    objects = ShareQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-pk"]
        verbose_name = _("shared link")
        verbose_name_plural = _("shared links")

    def __str__(self) -> str:
        return f"{self.submission_id} {self.created_at:%Y-%m-%d}"

    @property
    def is_open(self) -> bool:
        return not self.withdrawn_at and (self.expires_at is None or self.expires_at > timezone.now())
