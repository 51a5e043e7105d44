"""How far learners are."""

from __future__ import annotations

from typing import Any, Self

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from progress import roles
from progress.models.cohorts import Cohort
from progress.models.owners import Owned, Owner, one_for_each


class LessonProgressQuerySet(models.QuerySet["LessonProgress"]):
    def visible_to(self, user: Any) -> Self:
        """The user's own, that of learners in classes the user teaches; everybody's for an admin."""
        if roles.is_admin(user):
            return self
        taught = Cohort.objects.taught_by(user).values("learners")
        return self.filter(Q(learner=user.pk) | Q(learner__in=taught))

    def of(self, owner: Owner) -> Self:
        return self.filter(**owner.fields) if owner else self.none()

    def of_published(self) -> Self:
        return self.filter(lesson__is_retired=False)

    def completed(self) -> Self:
        """The completed ones, in the order of completion."""
        return self.filter(status=LessonProgress.Status.COMPLETED).order_by("completed_at", "pk")

    def in_progress(self) -> Self:
        """The begun ones, the one last touched first."""
        return self.filter(status=LessonProgress.Status.IN_PROGRESS).order_by("-updated_at", "-pk")


class LessonProgress(Owned):
    """How far a learner is with a lesson. No row: not begun."""

    class Status(models.TextChoices):
        IN_PROGRESS = "in_progress", _("in progress")
        COMPLETED = "completed", _("completed")

    lesson = models.ForeignKey(
        "lessons.Lesson", on_delete=models.CASCADE, related_name="progress", verbose_name=_("lesson")
    )
    status = models.CharField(_("status"), max_length=12, choices=Status.choices, default=Status.IN_PROGRESS)
    started_at = models.DateTimeField(_("started"), default=timezone.now)
    completed_at = models.DateTimeField(_("completed"), null=True, blank=True)
    updated_at = models.DateTimeField(_("updated"), auto_now=True)

    objects = LessonProgressQuerySet.as_manager()

    class Meta:
        constraints = [
            *one_for_each("lesson", name="one_progress_per_lesson"),
            models.CheckConstraint(
                name="lesson_completed_iff_at_a_time",
                condition=Q(status="completed", completed_at__isnull=False)
                | Q(status="in_progress", completed_at__isnull=True),
            ),
        ]
        indexes = [
            models.Index(fields=["learner", "status", "-updated_at"], name="lesson_progress_of_learner"),
        ]
        verbose_name = _("progress with a lesson")
        verbose_name_plural = _("progress with lessons")

    def __str__(self) -> str:
        return f"{self.learner_id}:{self.lesson_id} {self.status}"


class StudyTimeQuerySet(models.QuerySet["StudyTime"]):
    def of(self, owner: Owner) -> Self:
        return self.filter(**owner.fields) if owner else self.none()


class StudyTime(Owned):
    """How long a learner had a lesson before her on one day, as the open page tells."""

    lesson = models.ForeignKey(
        "lessons.Lesson", on_delete=models.CASCADE, related_name="study_times", verbose_name=_("lesson")
    )
    day = models.DateField(_("day"))  # in the site's time zone
    seconds = models.PositiveIntegerField(_("seconds"), default=0)
    updated_at = models.DateTimeField(_("updated"), default=timezone.now)

    objects = StudyTimeQuerySet.as_manager()

    class Meta:
        constraints = one_for_each("lesson", "day", name="one_study_time_per_day")
        verbose_name = _("study time")
        verbose_name_plural = _("study times")

    def __str__(self) -> str:
        return f"{self.learner_id}:{self.lesson_id} {self.day}"
