"""Classes: whose work which instructors see."""

from __future__ import annotations

import secrets
from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Count, Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from lessons.audit import Edited
from progress import roles


def make_invitation() -> str:
    """A token that nobody guesses: 192 random bits."""
    return secrets.token_urlsafe(24)


class CohortQuerySet(models.QuerySet["Cohort"]):
    def visible_to(self, user: Any) -> Self:
        """Those the user teaches or learns in; all of them for an admin."""
        if roles.is_admin(user):
            return self
        member = Q(learners=user.pk)
        if roles.is_instructor(user):
            member |= Q(instructors=user.pk)
        return self.filter(member).distinct()

    def taught_by(self, user: Any) -> Self:
        return self.filter(instructors=user.pk) if roles.is_instructor(user) else self.none()

    def led_by(self, user: Any) -> Self:
        """Those the user may change and look into: an admin all, an instructor the own ones."""
        return self if roles.is_admin(user) else self.taught_by(user)

    def living(self) -> Self:
        return self.filter(archived_at=None)

    def open_to(self, invitation: str) -> Self:
        """The one that whoever holds this token may join."""
        return self.living().filter(invitation=invitation)

    def counted(self) -> Self:
        """With `size`, the number of learners."""
        return self.annotate(size=Count("learners", distinct=True))


class Cohort(Edited):
    """A class: whose instructors see the work of its learners."""

    name = models.CharField(_("name"), max_length=200)
    instructors = models.ManyToManyField(
        settings.AUTH_USER_MODEL, related_name="cohorts_taught", blank=True, verbose_name=_("instructors")
    )
    learners = models.ManyToManyField(
        settings.AUTH_USER_MODEL, related_name="cohorts", blank=True, verbose_name=_("learners")
    )
    # Whoever has it may join; renewed, it lets nobody else in.
    invitation = models.CharField(_("invitation"), max_length=40, unique=True, default=make_invitation)
    # Out of the way, and nobody joins any more; what its instructors see stays as it was.
    archived_at = models.DateTimeField(_("archived"), null=True, blank=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    updated_at = models.DateTimeField(_("updated"), auto_now=True)

    objects = CohortQuerySet.as_manager()

    class Meta:
        ordering = ["name", "pk"]
        verbose_name = pgettext_lazy("of learners", "class")
        verbose_name_plural = pgettext_lazy("of learners", "classes")

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("class", args=[self.pk])
