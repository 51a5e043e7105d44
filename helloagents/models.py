"""The user model, of our own from the first migration so that it can grow."""

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class User(AbstractUser):
    """A person with an account: learner, instructor or admin, told apart by groups."""

    email = models.EmailField(_("e-mail address"), unique=True)
    # One field, as names are not first and last everywhere.
    full_name = models.CharField(pgettext_lazy("of a person", "name"), max_length=150, blank=True)
    mails_of_comments = models.BooleanField(_("mail about comments on my runs"), default=True)

    # Of staff who make and change accounts in the admin; `date_joined` is when an account was made.
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        verbose_name=_("made by"),
    )
    updated_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        verbose_name=_("changed by"),
    )
    updated_at = models.DateTimeField(_("changed"), auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                Lower("email"),
                name="one_account_per_address",
                violation_error_message=_("A user with that e-mail address already exists."),
            ),
        ]
        verbose_name = _("user")
        verbose_name_plural = _("users")

    def get_full_name(self) -> str:
        return self.full_name or super().get_full_name()
