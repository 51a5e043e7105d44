"""Hints that learners asked for."""

from __future__ import annotations

from typing import Self

from django.db import models
from django.utils.translation import gettext_lazy as _

from progress.models.owners import Owned, Owner, one_for_each


class HintTakenQuerySet(models.QuerySet["HintTaken"]):
    def of(self, owner: Owner) -> Self:
        return self.filter(**owner.fields) if owner else self.none()


class HintTaken(Owned):
    """One hint of an exercise, taken by a learner or a guest."""

    exercise = models.ForeignKey(
        "lessons.Exercise",
        on_delete=models.CASCADE,
        related_name="hints_taken",
        verbose_name=_("exercise"),
    )
    number = models.PositiveSmallIntegerField(_("number"))  # 1 for the first
    taken_at = models.DateTimeField(_("taken"), auto_now_add=True)

    objects = HintTakenQuerySet.as_manager()

    class Meta:
        ordering = ["exercise_id", "number"]
        constraints = one_for_each("exercise", "number", name="one_taking_of_hint")
        verbose_name = _("hint taken")
        verbose_name_plural = _("hints taken")

    def __str__(self) -> str:
        return f"{self.exercise_id}:{self.number}"
