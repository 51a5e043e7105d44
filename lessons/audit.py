"""Rows that staff edit know who made them and who changed them last. The admin's history has the rest."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _


def _editor(label: Any) -> models.ForeignKey[Any, Any]:
    return models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,  # an erased account leaves no name behind
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        verbose_name=label,
    )


class Edited(models.Model):
    """Who of the staff; null for what programs made, such as an import. The times are the model's own."""

    created_by = _editor(_("made by"))
    updated_by = _editor(_("changed by"))

    class Meta:
        abstract = True


class NotesEditor:
    """For the admin of an `Edited` model."""

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if not change:
            obj.created_by = request.user
        obj.updated_by = request.user
        super().save_model(request, obj, form, change)  # type: ignore[misc] # the admin's, beside which it stands
