"""The admin's front door: the site's own sign-in, with its second factor, and nothing to see for others."""

from __future__ import annotations

import re
from functools import wraps
from typing import Any, TypeVar, cast

from django.apps import apps
from django.contrib import admin
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect, resolve_url
from django.utils.http import url_has_allowed_host_and_scheme

from progress import roles

# Pages that packages bring along and this site does without: providers are set up in the environment (one
# that is set up here as well would stop sign-in), their tokens are not kept, a browser stays signed in when
# the row about it is deleted, and second factors have a page of our own that shows no secrets (admin.py).
LEFT_OUT = {
    "allauth.mfa.admin.AuthenticatorAdmin",
    "allauth.socialaccount.admin.SocialAppAdmin",
    "allauth.socialaccount.admin.SocialTokenAdmin",
    "allauth.usersessions.admin.UserSessionAdmin",
}

_APP = re.compile(r"admin/(\w+)/")  # in a route

View = TypeVar("View", bound=Any)


class AdminSite(admin.AdminSite):
    """For staff, and for those who write lessons.

    A guest is asked to sign in. To anybody else the admin does not exist, nor does for authors what is not
    about lessons.
    """

    def has_permission(self, request: HttpRequest) -> bool:
        return super().has_permission(request) or bool(roles.may_author(request.user))

    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        if admin_class and f"{admin_class.__module__}.{admin_class.__qualname__}" in LEFT_OUT:
            return
        super().register(model_or_iterable, admin_class, **options)

    def admin_view(self, view: View, cacheable: bool = False) -> View:
        inner: Any = super().admin_view(view, cacheable)

        @wraps(view)
        def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if request.user.is_authenticated and not (self.has_permission(request) and _is_theirs(request)):
                raise Http404
            try:
                answer: HttpResponseBase = inner(request, *args, **kwargs)
            except PermissionDenied:
                if request.user.is_staff:
                    raise
                raise Http404 from None
            return answer

        guarded: Any = checked  # may be called as the view may be
        return cast(View, guarded)

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """The site's page instead of Django's, which would ask for no second factor."""
        if request.user.is_authenticated and not self.has_permission(request):
            raise Http404
        after = request.GET.get(REDIRECT_FIELD_NAME, "")
        if not url_has_allowed_host_and_scheme(
            after, {request.get_host()}, require_https=request.is_secure()
        ):
            after = resolve_url("admin:index")
        if request.user.is_authenticated:
            return redirect(after)
        return redirect_to_login(after)


def _is_theirs(request: HttpRequest) -> bool:
    """Whether the address is of an app of which they may see anything, or of none."""
    app = _APP.match(request.resolver_match.route if request.resolver_match else "")
    if app is None or app[1] not in apps.app_configs:
        return True
    return bool(request.user.has_module_perms(app[1]))
