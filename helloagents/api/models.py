"""Programs that are signed in: what stands behind their tokens, so that these can be taken back."""

from __future__ import annotations

import uuid
from typing import Self

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class ApiSessionQuerySet(models.QuerySet["ApiSession"]):
    def living(self) -> Self:
        """Those whose tokens are good."""
        return self.filter(revoked_at=None, expires_at__gt=timezone.now())

    def expired(self) -> Self:
        return self.filter(expires_at__lte=timezone.now())


class ApiSession(models.Model):
    """One sign-in of a program. All its tokens name it, and end with it.

    A refresh token is good for one use: `refresh_id` is the only one that is not used yet.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="api_sessions",
        verbose_name=_("user"),
    )
    refresh_id = models.CharField(_("refresh token"), max_length=32)
    # Of the password at sign-in, as in the sessions of browsers: a new password ends them all.
    auth_hash = models.CharField(_("hash of the password's state"), max_length=128)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    renewed_at = models.DateTimeField(_("renewed"), auto_now_add=True)
    expires_at = models.DateTimeField(_("expires"))
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True)

    objects = ApiSessionQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        verbose_name = _("session of a program")
        verbose_name_plural = _("sessions of programs")

    def __str__(self) -> str:
        return f"{self.user_id} {self.created_at:%Y-%m-%d %H:%M}"
