"""How learners fare with exercises."""

from __future__ import annotations

from datetime import date
from typing import Self

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from progress.models.owners import Owned, Owner, one_for_each


class ExerciseProgressQuerySet(models.QuerySet["ExerciseProgress"]):
    def of(self, owner: Owner) -> Self:
        return self.filter(**owner.fields) if owner else self.none()

    def of_published(self) -> Self:
        return self.filter(exercise__is_retired=False, exercise__lesson__is_retired=False)

    def solved(self) -> Self:
        return self.filter(solved_at__isnull=False)

    def due(self, day: date) -> Self:
        """Solved once, and to be solved again by this day."""
        return self.solved().of_published().filter(due_on__lte=day)


class ExerciseProgress(Owned):
    """Whether a learner has solved an exercise, and how well she remembers how (see progress/memory.py)."""

    exercise = models.ForeignKey(
        "lessons.Exercise", on_delete=models.CASCADE, related_name="progress", verbose_name=_("exercise")
    )
    solved_at = models.DateTimeField(_("solved"), null=True, blank=True)  # the first time
    # Checked runs until then, with the one that passed; kept, so that no class has to count its runs anew.
    tries = models.PositiveIntegerField(_("tries until solved"), null=True, blank=True)

    # The attempt under way: from the first run to the one that passes.
    is_open = models.BooleanField(_("attempt under way"), default=True)
    failures = models.PositiveIntegerField(_("failed runs"), default=0)
    hints = models.PositiveIntegerField(_("hints taken"), default=0)

    # What the method of spaced repetition knows. Null: never rated.
    stability = models.FloatField(_("stability"), null=True, blank=True)  # days until 90 % remember
    difficulty = models.FloatField(_("difficulty"), null=True, blank=True)  # 1…10
    rated_on = models.DateField(_("rated"), null=True, blank=True)
    due_on = models.DateField(_("due"), null=True, blank=True)
    updated_at = models.DateTimeField(_("updated"), default=timezone.now)

    objects = ExerciseProgressQuerySet.as_manager()

    class Meta:
        constraints = [
            *one_for_each("exercise", name="one_progress_per_exercise"),
            models.CheckConstraint(
                name="exercise_rated_as_a_whole",
                condition=Q(
                    stability__isnull=False,
                    difficulty__isnull=False,
                    rated_on__isnull=False,
                    due_on__isnull=False,
                )
                | Q(
                    stability__isnull=True,
                    difficulty__isnull=True,
                    rated_on__isnull=True,
                    due_on__isnull=True,
                ),
            ),
        ]
        indexes = [models.Index(fields=["learner", "due_on"], name="exercise_reviews_of_learner")]
        verbose_name = _("progress with an exercise")
        verbose_name_plural = _("progress with exercises")

    def __str__(self) -> str:
        return f"{self.learner_id}:{self.exercise_id}"
