"""Who calls: a browser's session (its CSRF token is asked for) or a program's access token."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from rest_framework.authentication import SessionAuthentication
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.request import Request
from rest_framework_simplejwt.authentication import JWTAuthentication
from rest_framework_simplejwt.tokens import Token

from helloagents.api import sessions


class TokenAuthentication(JWTAuthentication):
    """`Authorization: Bearer …`, as long as the session behind the token lives."""

    def get_user(self, validated_token: Token) -> Any:
        try:
            return sessions.user_of(validated_token)
        except sessions.TokenRefused as refused:
            raise AuthenticationFailed from refused


class BrowserSession(SessionAuthentication):
    """A browser's session, with the CSRF token of our pages."""

    def enforce_csrf(self, request: Request) -> None:
        try:
            super().enforce_csrf(request)
        except PermissionDenied as refused:
            message = _("The page was open for too long or sends no cookies. Reload it and try again.")
            raise PermissionDenied(message) from refused
