"""Who may do what: roles are Django groups, and relations between people are classes.

Everybody with an account learns. The group "instructors" teaches, and sees the work of learners in its own
classes; the group "admins" (and every superuser) manages the site. Only superusers make superusers and change
their accounts. What is denied looks as if it were absent.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import Q, QuerySet
from rules.predicates import predicate as untyped_predicate

ADMINS = "admins"
INSTRUCTORS = "instructors"

# What instructors and admins may do in the admin, and what admins alone; superusers may do everything there.
AUTHORING = frozenset(
    {
        *("lessons.view_course", "lessons.view_image"),
        *("lessons.view_lesson", "lessons.add_lesson", "lessons.change_lesson"),
    }
)
MANAGING = frozenset(
    {
        *(f"helloagents.{what}_user" for what in ("view", "add", "change", "delete")),
        *(f"progress.{what}_cohort" for what in ("view", "add", "change", "delete")),
        *("mfa.view_authenticator", "mfa.delete_authenticator"),
        *("lessons.add_course", "lessons.change_course", "lessons.delete_course"),
        *("progress.view_submission", "progress.view_lessonprogress", "progress.view_listingcheck"),
        *("progress.view_linecomment", "tutor.view_modelcall"),
    }
)

# A test that can be combined with others by `|` and `&`; the library has no annotations.
predicate: Callable[[Callable[..., bool]], Any] = untyped_predicate


@predicate
def is_admin(user: Any) -> bool:
    return bool(user and user.is_active and (user.is_superuser or _in_group(user, ADMINS)))


@predicate
def is_instructor(user: Any) -> bool:
    return bool(user and user.is_active and _in_group(user, INSTRUCTORS))


@predicate
def is_same_person(user: Any, learner: Any) -> bool:
    return bool(user and user.is_active and user.pk == learner.pk)


@predicate
def teaches(user: Any, learner: Any) -> bool:
    """Whether the learner is in a class that the user teaches."""
    return bool(is_instructor(user)) and _in_class_of(user, learner)


# Of (user, learner): who may see a learner's runs and progress, and who may see an account.
may_see_work = is_same_person | is_admin | teaches
may_see_account = is_same_person | is_admin

# Of (user): who may write lessons.
may_author = is_instructor | is_admin


def permissions_of(user: Any) -> frozenset[str]:
    """Django's permissions that come with a role."""
    if is_admin(user):
        return AUTHORING | MANAGING
    return AUTHORING if is_instructor(user) else frozenset()


def names_of(user: Any) -> frozenset[str]:
    """The roles that somebody has, in one query for a page that asks for several."""
    if not (user and user.is_active):
        return frozenset()
    names = set(user.groups.filter(name__in=(ADMINS, INSTRUCTORS)).values_list("name", flat=True))
    return frozenset(names | {ADMINS} if user.is_superuser else names)


def admins() -> QuerySet[Any]:
    """Everybody of whom `is_admin` is true."""
    users = get_user_model()._default_manager
    members = users.filter(groups__name=ADMINS).values("pk")
    return users.filter(Q(is_superuser=True) | Q(pk__in=members), is_active=True)


def _in_class_of(instructor: Any, learner: Any) -> bool:
    return bool(instructor.cohorts_taught.filter(learners=learner.pk).exists())


def _in_group(user: Any, name: str) -> bool:
    return bool(user.groups.filter(name=name).exists())
