"""What happens to classes: instructors make and lead them, learners join by invitation and leave."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from progress import roles
from progress.models import Cohort, make_invitation


class NotAnInstructor(PermissionError):
    """Only instructors and admins have classes."""


class NoSuchInvitation(LookupError):
    """Nobody is invited by this token, or not any more."""


class TeachesThere(ValueError):
    """Whoever teaches a class does not learn in it."""


class NoSuchInstructor(LookupError):
    """No instructor goes by this name or address."""


class LastInstructor(ValueError):
    """Nobody would be left to lead the class."""


@transaction.atomic
def create_cohort(*, instructor: Any, name: str) -> Cohort:
    """A new class of this instructor. Raises NotAnInstructor."""
    if not (roles.is_instructor(instructor) or roles.is_admin(instructor)):
        raise NotAnInstructor
    cohort = Cohort.objects.create(name=name, created_by=instructor, updated_by=instructor)
    cohort.instructors.add(instructor)
    return cohort


def rename_cohort(*, cohort: Cohort, editor: Any, name: str) -> None:
    _change(cohort, editor, name=name)


def archive_cohort(*, cohort: Cohort, editor: Any) -> None:
    """Put the class away: nobody joins it any more, until it is brought back."""
    _change(cohort, editor, archived_at=timezone.now())


def bring_back_cohort(*, cohort: Cohort, editor: Any) -> None:
    _change(cohort, editor, archived_at=None)


@transaction.atomic
def join_cohort(*, learner: Any, invitation: str) -> Cohort:
    """Let the learner into the class; who is in it stays in it. Raises NoSuchInvitation and TeachesThere."""
    # Locked, so that nobody slips in while the invitation is being renewed.
    cohort = Cohort.objects.select_for_update().open_to(invitation).first()
    if cohort is None:
        raise NoSuchInvitation
    if cohort.instructors.filter(pk=learner.pk).exists():
        raise TeachesThere
    cohort.learners.add(learner)
    return cohort


@transaction.atomic
def leave_cohort(*, learner: Any, cohort: Cohort) -> None:
    """Take the learner out of the class: its instructors see nothing of hers from then on."""
    cohort.learners.remove(learner)


def renew_invitation(*, cohort: Cohort) -> Cohort:
    """A new token; whoever holds the old one cannot join any more."""
    cohort.invitation = make_invitation()
    cohort.save(update_fields=["invitation", "updated_at"])
    return cohort


@transaction.atomic
def add_instructor(*, cohort: Cohort, login: str) -> Any:
    """Let another instructor lead the class, too; by user name or address. Raises NoSuchInstructor."""
    named = Q(username=login) | Q(email__iexact=login)
    found = get_user_model().objects.filter(named, is_active=True, groups__name=roles.INSTRUCTORS).first()
    if found is None:
        raise NoSuchInstructor(login)
    cohort.instructors.add(found)
    cohort.learners.remove(found)
    return found


@transaction.atomic
def remove_instructor(*, cohort: Cohort, instructor: Any) -> None:
    """Raises LastInstructor."""
    # Locked, so that the last two do not remove each other.
    others = Cohort.objects.select_for_update().get(pk=cohort.pk).instructors.exclude(pk=instructor.pk)
    if not others.exists():
        raise LastInstructor
    cohort.instructors.remove(instructor)


def _change(cohort: Cohort, editor: Any, **values: Any) -> None:
    for field, value in values.items():
        setattr(cohort, field, value)
    cohort.updated_by = editor
    cohort.save(update_fields=[*values, "updated_by", "updated_at"])
