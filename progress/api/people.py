"""Whose work a call is about: the caller's own, or of somebody whose work the caller may see."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.http import Http404
from django.utils.translation import gettext as _

from progress import roles

_LARGEST = 2**63 - 1  # the databases' keys


def learner_seen_by(user: Any, user_id: str) -> Any:
    """The learner with this id; 404 for one whose work the user may not see, as for none."""
    number = account_number(user_id)
    if number == user.pk:
        return user
    found = get_user_model().objects.filter(pk=number, is_active=True).first()
    if found is None or not roles.may_see_work(user, found):
        raise Http404(_("There is no such learner."))
    return found


def account_number(user_id: str) -> int:
    """The number in an address; 0, which nobody has, for anything else."""
    if not (user_id.isascii() and user_id.isdecimal() and len(user_id) < 20):
        return 0
    number = int(user_id)
    return number if number <= _LARGEST else 0
