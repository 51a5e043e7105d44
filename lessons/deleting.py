"""Rows of learners that can be deleted: hidden at once, and from everybody, until they are purged."""

from __future__ import annotations

from typing import TypeVar

from django.db import models
from django.utils.translation import gettext_lazy as _


class Deletable(models.Model):
    deleted_at = models.DateTimeField(_("deleted"), null=True, blank=True, editable=False)

    class Meta:
        abstract = True


M = TypeVar("M", bound=models.Model)


class HidesDeleted(models.Manager[M]):
    """Rows without the deleted ones, which `all_rows` holds, too."""

    def get_queryset(self) -> models.QuerySet[M]:
        return super().get_queryset().filter(deleted_at=None)
