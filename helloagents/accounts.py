"""Signing up and in, where allauth leaves the choice to the site."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.auth_backends import AuthenticationBackend
from allauth.account.internal.userkit import filter_users_by_email, filter_users_by_username
from allauth.core import context as allauth_context
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialApp
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.sites.shortcuts import get_current_site
from django.http import Http404, HttpRequest
from django.utils.functional import SimpleLazyObject

from helloagents.models import User
from progress import roles
from progress.guests import adopt_work_of_guest

_NAME_IN_MAIL = "HelloAgents"
_SENT = "account/messages/email_confirmation_sent.txt"


class NameOrAddress(AuthenticationBackend):  # type: ignore[misc] # allauth ships no types
    """allauth's sign-in by user name or address; how long it takes does not tell whether there is an account.

    By itself allauth looks up, and hashes the password for, one login under several headings.
    """

    def _authenticate(self, request: HttpRequest | None, **credentials: Any) -> Any:
        login = str(credentials.get("username") or credentials.get("email") or "")
        found = [
            *filter_users_by_email(login, prefer_verified=True, for_login=True),
            *filter_users_by_username(User.normalize_username(login)),
        ]
        passed = (self._check_password(user, credentials["password"]) for user in dict.fromkeys(found))
        return next((user for user in passed if user), None)

    def get_group_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        """Those of the groups' rows, and what their roles mean."""
        granted: set[str] = super().get_group_permissions(user_obj, obj)
        return granted if user_obj.is_anonymous or obj else granted | roles.permissions_of(user_obj)


class Accounts(DefaultAccountAdapter):  # type: ignore[misc] # allauth ships no types
    """allauth's behaviour, but a site without mail never says that it sent some; guests bring their work."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return bool(settings.SIGN_UP_OPEN)

    def clean_username(self, username: str, shallow: bool = False) -> str:
        """One way to write each name, and nobody goes by another's address."""
        name = str(super().clean_username(User.normalize_username(username), shallow=shallow))
        if not shallow and filter_users_by_email(name):
            raise self.validation_error("username_taken")
        return name

    def login(self, request: HttpRequest, user: Any) -> None:
        """The last step of every way in, after a second factor if there is one."""
        guest_key = request.session.get("guest_key", "")
        super().login(request, user)
        request.session.pop("guest_key", None)
        adopt_work_of_guest(guest_key=guest_key, learner=user)

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Mail speaks of the site by its name, not by its address."""
        site = SimpleNamespace(name=_NAME_IN_MAIL, domain=get_current_site(allauth_context.request).domain)
        super().send_mail(template_prefix, email, {**context, "current_site": site})

    def add_message(
        self, request: HttpRequest, level: int, message_template: str | None = None, *args: Any, **kwargs: Any
    ) -> None:
        if message_template == _SENT and not settings.SITE_SENDS_MAIL:
            message_template = "account/messages/no_mail.txt"
        elif message_template == _SENT and settings.EMAIL_BACKEND.endswith("console.EmailBackend"):
            message_template = "account/messages/mail_is_printed.txt"
        super().add_message(request, level, message_template, *args, **kwargs)


class SocialAccounts(DefaultSocialAccountAdapter):  # type: ignore[misc] # allauth ships no types
    """allauth's behaviour, with names as this site keeps them."""

    def get_app(self, request: HttpRequest, provider: str, client_id: str | None = None) -> SocialApp:
        """Raises Http404 for a provider that the operator has not set up."""
        try:
            return super().get_app(request, provider, client_id)
        except SocialApp.DoesNotExist:
            raise Http404 from None

    def populate_user(self, request: HttpRequest, sociallogin: Any, data: dict[str, Any]) -> User:
        user: User = super().populate_user(request, sociallogin, {**data, "name": ""})
        user.first_name = user.last_name = ""
        name = data.get("name") or sociallogin.account.extra_data.get("name") or ""
        user.full_name = str(name)[:150]
        return user


def sign_in(request: HttpRequest, user: User) -> None:
    """Sign somebody in who has just proved to be who they are, other than through allauth's pages."""
    Accounts(request).login(request, user)
    UserSession.objects.create_from_request(request)


def role(request: HttpRequest) -> dict[str, Any]:
    """Context processor: `is_instructor` and `is_admin`, looked up by the pages that ask for one of them."""
    held: Any = SimpleLazyObject(lambda: roles.names_of(getattr(request, "user", None)))
    return {
        "is_instructor": SimpleLazyObject(lambda: roles.INSTRUCTORS in held),
        "is_admin": SimpleLazyObject(lambda: roles.ADMINS in held),
    }
