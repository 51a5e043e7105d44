"""Code that learners have in the editor."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from lessons.deleting import Deletable, HidesDeleted
from progress.models.content import EditorContent


class Draft(EditorContent, Deletable):
    """The code a learner has in the editor of a lesson, or of one of its exercises."""

    learner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="drafts",
        verbose_name=_("learner"),
    )
    lesson = models.ForeignKey(
        "lessons.Lesson", on_delete=models.CASCADE, related_name="drafts", verbose_name=_("lesson")
    )
    exercise = models.ForeignKey(
        "lessons.Exercise",
        on_delete=models.CASCADE,
        related_name="drafts",
        null=True,
        blank=True,
        verbose_name=_("exercise"),
    )
    # Grows with each save, so that devices are told apart.
    revision = models.PositiveIntegerField(_("revision"), default=1)
    updated_at = models.DateTimeField(_("updated"), auto_now=True)

    objects = HidesDeleted["Draft"]()
    all_rows = models.Manager["Draft"]()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["learner", "lesson"],
                condition=Q(deleted_at=None, exercise=None),
                name="one_draft_per_lesson",
            ),
            models.UniqueConstraint(
                fields=["learner", "exercise"],
                condition=Q(deleted_at=None, exercise__isnull=False),
                name="one_draft_per_exercise",
            ),
        ]
        verbose_name = _("draft")
        verbose_name_plural = _("drafts")

    def __str__(self) -> str:
        return f"{self.learner_id}:{self.lesson_id}"


class DraftVersion(EditorContent):
    """An earlier state of a draft, kept so that nothing written is lost."""

    draft = models.ForeignKey(
        Draft, on_delete=models.CASCADE, related_name="versions", verbose_name=_("draft")
    )
    saved_at = models.DateTimeField(_("saved"), auto_now_add=True)

    class Meta:
        ordering = ["-saved_at"]
        verbose_name = _("draft version")
        verbose_name_plural = _("draft versions")

    def __str__(self) -> str:
        return f"{self.draft_id} {self.saved_at:%Y-%m-%d %H:%M}"
