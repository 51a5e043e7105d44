"""Whose work a row is: an account's, or of a guest who is told apart by a key in the session."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True)
class Owner:
    """An account, or a guest by key. With neither it is nobody, who owns nothing."""

    learner_id: int | None = None
    guest_key: str = ""

    def __bool__(self) -> bool:
        return self.learner_id is not None or bool(self.guest_key)

    @property
    def fields(self) -> dict[str, Any]:
        """What the owner's rows have in common."""
        return {"learner_id": self.learner_id, "guest_key": "" if self.learner_id else self.guest_key}


class Owned(models.Model):
    """A row of an account or of a guest."""

    learner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, blank=True, verbose_name=_("learner")
    )
    guest_key = models.CharField(_("guest key"), max_length=40, blank=True)

    class Meta:
        abstract = True


def one_for_each(*fields: str, name: str) -> list[models.BaseConstraint]:
    """Constraints: one row for each owner and these fields. NULLs differ, so guests have one of their own."""
    return [
        models.UniqueConstraint(fields=["learner", *fields], name=name),
        models.UniqueConstraint(
            fields=["guest_key", *fields], condition=Q(learner=None), name=f"{name}_of_guest"
        ),
    ]
