"""Signing programs in and out: access and refresh tokens (JWT, HS256), rotated and taken back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from hmac import compare_digest
from typing import Any
from uuid import UUID, uuid4

from django.contrib.auth.models import update_last_login
from django.db import transaction
from django.utils import timezone
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken, Token

from helloagents.api.models import ApiSession

SESSION_CLAIM = "sid"


class TokenRefused(Exception):
    """Not ours, expired, used already, or taken back."""


@dataclass(frozen=True)
class Pair:
    access: str
    refresh: str
    expires_in: int  # seconds that `access` is good for


@transaction.atomic
def begin(*, user: Any) -> Pair:
    """Sign a program in as this user."""
    ApiSession.objects.expired().filter(user=user).delete()
    session = ApiSession(
        user=user, refresh_id=uuid4().hex, auth_hash=user.get_session_auth_hash(), expires_at=_end()
    )
    session.save(force_insert=True)
    update_last_login(type(user), user)
    return _pair(session.pk, session.refresh_id)


def renew(*, refresh: str) -> Pair:
    """Take a refresh token for new tokens. Raises TokenRefused.

    One that was used before is in two hands: then the session ends for both.
    """
    session_id, refresh_id = _read(refresh, RefreshToken)
    living = ApiSession.objects.living().filter(pk=session_id).select_related("user").first()
    if living is None or not _is_good(living):
        raise TokenRefused
    fresh = uuid4().hex
    same = ApiSession.objects.living().filter(pk=session_id, refresh_id=refresh_id)
    if not same.update(refresh_id=fresh, renewed_at=timezone.now(), expires_at=_end()):
        _end_session(session_id)
        raise TokenRefused
    return _pair(session_id, fresh)


def end(*, token: str) -> None:
    """End the session that this token, refresh or access, belongs to; nothing happens if it is none."""
    for kind in (RefreshToken, AccessToken):
        try:
            session_id, _ = _read(token, kind)
        except TokenRefused:
            continue
        _end_session(session_id)


def end_all(*, user: Any) -> None:
    """Sign all of the user's programs out."""
    ApiSession.objects.living().filter(user=user).update(revoked_at=timezone.now())


def user_of(token: Token) -> Any:
    """Whose access token it is. Raises TokenRefused when its session is over."""
    sessions = ApiSession.objects.living().select_related("user")
    session = sessions.filter(pk=_session_id(token)).first()
    if session is None or not _is_good(session):
        raise TokenRefused
    return session.user


def _is_good(session: ApiSession) -> bool:
    user = session.user
    return user.is_active and compare_digest(session.auth_hash, user.get_session_auth_hash())


def _end_session(session_id: UUID) -> None:
    ApiSession.objects.filter(pk=session_id, revoked_at=None).update(revoked_at=timezone.now())


def _pair(session_id: UUID, refresh_id: str) -> Pair:
    access, refresh = AccessToken(), RefreshToken()
    refresh[api_settings.JTI_CLAIM] = refresh_id
    for token in (access, refresh):
        token[SESSION_CLAIM] = str(session_id)
    lifetime: timedelta = api_settings.ACCESS_TOKEN_LIFETIME
    return Pair(access=str(access), refresh=str(refresh), expires_in=int(lifetime.total_seconds()))


def _read(token: str, kind: type[Token]) -> tuple[UUID, str]:
    """The session and the token's own id."""
    try:
        # The library's annotation wants a Token, its code and documentation a text.
        read = kind(token)  # type: ignore[arg-type]
    except TokenError as error:
        raise TokenRefused from error
    return _session_id(read), str(read[api_settings.JTI_CLAIM])


def _session_id(token: Token) -> UUID:
    try:
        return UUID(token[SESSION_CLAIM])
    except (KeyError, ValueError, AttributeError, TypeError) as error:
        raise TokenRefused from error


def _end() -> Any:
    lifetime: timedelta = api_settings.REFRESH_TOKEN_LIFETIME
    return timezone.now() + lifetime
