"""Whether the listings of lessons run."""

from __future__ import annotations

from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import F
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

from progress.models.runs import Submission


class ListingCheckQuerySet(models.QuerySet["ListingCheck"]):
    def in_reading_order(self) -> Self:
        """A chapter's own listings, then those of its lessons, then the next chapter's."""
        chapter = Coalesce("lesson__parent__position", "lesson__position")
        overview_first = F("lesson__parent").asc(nulls_first=True)
        return self.order_by(chapter, overview_first, "lesson__position", "language", "index")


class ListingCheck(models.Model):
    """Whether a listing of a lesson runs, as `check_listings` last found it."""

    lesson = models.ForeignKey(
        "lessons.Lesson", on_delete=models.CASCADE, related_name="listing_checks", verbose_name=_("lesson")
    )
    language = models.CharField(_("language"), max_length=10, choices=settings.LANGUAGES)
    index = models.PositiveIntegerField(_("listing"))  # in the lesson, from 0
    source = models.CharField(_("source"), max_length=520)  # "chapter4/….md:57"
    outcome = models.CharField(_("outcome"), max_length=20, choices=Submission.OutcomeChoice.choices)
    reason = models.CharField(_("reason"), max_length=500, blank=True)  # last line of the traceback
    checked_at = models.DateTimeField(_("checked"), auto_now=True)

    objects = ListingCheckQuerySet.as_manager()

    class Meta:
        ordering = ["lesson__parent__position", "lesson__position", "language", "index"]
        constraints = [
            models.UniqueConstraint(fields=["lesson", "language", "index"], name="one_check_per_listing"),
        ]
        verbose_name = _("listing check")
        verbose_name_plural = _("listing checks")

    def __str__(self) -> str:
        return f"{self.source} {self.outcome}"

    @property
    def number(self) -> int:
        """Of the listing in its lesson, as people count."""
        return self.index + 1
