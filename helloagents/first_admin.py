"""The first administrator: a link for whoever runs the site, instead of a default password.

The link is signed, expires, and opens a page that makes one superuser. It works once: as soon as any
administrator exists, every such link is void.
"""

from __future__ import annotations

from django.contrib.auth.forms import BaseUserCreationForm
from django.core import signing
from django.db import connection, transaction

from helloagents.models import User
from progress import roles

SALT = "helloagents.first-admin"
MAX_AGE = 24 * 60 * 60  # seconds
LOCK = 7_011_001  # names our advisory lock in PostgreSQL


class AdminExists(Exception):
    """There is an administrator already; further ones are made in the admin."""


class FirstAdminForm(BaseUserCreationForm):  # type: ignore[type-arg] # generic in the stubs alone
    """Name, e-mail address and password of the first administrator."""

    class Meta(BaseUserCreationForm.Meta):
        model = User
        fields = ("username", "email")


def admin_exists() -> bool:
    return roles.admins().exists()


def make_token() -> str:
    """Raises AdminExists when there is nothing to make a link for."""
    if admin_exists():
        raise AdminExists
    return signing.dumps("first admin", salt=SALT)


def is_valid(token: str) -> bool:
    """Whether the token is ours, no older than a day, and not used up."""
    try:
        signing.loads(token, salt=SALT, max_age=MAX_AGE)
    except signing.BadSignature:
        return False
    return not admin_exists()


def create_first_admin(*, form: FirstAdminForm) -> User:
    """Save a valid form as a superuser. Raises AdminExists when somebody was faster."""
    with transaction.atomic():
        _wait_for_others()
        if admin_exists():
            raise AdminExists
        admin: User = form.save(commit=False)
        admin.is_staff = admin.is_superuser = True
        admin.save()
        return admin


def _wait_for_others() -> None:
    """Let one transaction at a time look for an administrator and make one.

    SQLite needs nothing: its transactions begin by taking the write lock (see DATABASES).
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
