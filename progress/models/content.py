"""What drafts and runs are made of: code in an editor."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class EditorContent(models.Model):
    """Code as it stood in a lesson's editor, and the listing it belongs to: alone it may lack its prelude."""

    code = models.TextField(_("code"), blank=True)
    listing = models.PositiveIntegerField(_("listing"), null=True, blank=True)  # in the lesson, from 0
    # The language the lesson was read in: each numbers its own listings. Empty: not said.
    language_version = models.CharField(
        _("language version"), max_length=10, choices=settings.LANGUAGES, blank=True
    )

    class Meta:
        abstract = True

    @property
    def content(self) -> dict[str, Any]:
        """These three fields, as the actions take them."""
        return {"code": self.code, "listing": self.listing, "language_version": self.language_version}

    @property
    def first_line(self) -> str:
        """What a list shows of the code."""
        return next((line.strip() for line in self.code.splitlines() if line.strip()), "")[:120]
