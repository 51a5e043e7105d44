"""Tokens for programs: signing in, going on, signing out."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from allauth.account.adapter import get_adapter
from allauth.mfa.adapter import get_adapter as get_second_factor
from allauth.mfa.base.forms import AuthenticateForm
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from helloagents.api import sessions
from progress.answers import Refused
from progress.api.fields import Text

_TAGS = ["auth"]
_LOCKED_SECONDS = 300  # as long as allauth counts failed attempts
_LONGEST_PASSWORD = 4096  # the pages set no limit


class SignInSerializer(serializers.Serializer[Any]):
    username = Text(max_length=254, required=False)
    email = Text(max_length=254, required=False)
    password = Text(max_length=_LONGEST_PASSWORD)
    code = Text(max_length=20, required=False, allow_blank=True)

    def validate(self, fields: dict[str, Any]) -> dict[str, Any]:
        if not (fields.get("username") or fields.get("email")):
            raise serializers.ValidationError({"username": _("Name the user.")}, code="required")
        return fields


# Either of the two names is needed: no serializer can say so.
_SIGN_IN = {
    "type": "object",
    "properties": {
        "username": {"type": "string", "minLength": 1, "maxLength": 254, "description": "Or the address."},
        "email": {"type": "string", "minLength": 1, "maxLength": 254},
        "password": {"type": "string", "minLength": 1, "maxLength": _LONGEST_PASSWORD},
        "code": {
            "type": "string",
            "maxLength": 20,
            "description": "Of the authenticator app, or a recovery code: for accounts with a second factor.",
        },
    },
    "required": ["password"],
    "anyOf": [{"required": ["username"]}, {"required": ["email"]}],
}


class PairSerializer(serializers.Serializer[sessions.Pair]):
    access = serializers.CharField(help_text="For the header Authorization: Bearer …")
    refresh = serializers.CharField(help_text="For new tokens, once.")
    expires_in = serializers.IntegerField(help_text="Seconds that `access` is good for.")
    token_type = serializers.ChoiceField(choices=["Bearer"])


class RefreshSerializer(serializers.Serializer[Any]):
    refresh = Text(max_length=4096)


class DoneSerializer(serializers.Serializer[Any]):
    success = serializers.BooleanField()


class ObtainToken(APIView):
    """Name or address and password for tokens."""

    authentication_classes = []  # whatever else the request carries, it is about this sign-in
    permission_classes = [AllowAny]
    throttle_scope = "signin"

    @extend_schema(
        operation_id="obtain_token", tags=_TAGS, summary="Sign in", auth=[],
        request={"application/json": _SIGN_IN},
        responses=PairSerializer,
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        form = SignInSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        user = _authenticate(request._request, **form.validated_data)
        return _answer(sessions.begin(user=user))


class RefreshToken(APIView):
    """A refresh token for new tokens; the old one is used up."""

    authentication_classes = []
    permission_classes = [AllowAny]

    @extend_schema(
        operation_id="refresh_token", tags=_TAGS, summary="New tokens for a refresh token", auth=[],
        request=RefreshSerializer, responses=PairSerializer,
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        form = RefreshSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        try:
            return _answer(sessions.renew(refresh=form.validated_data["refresh"]))
        except sessions.TokenRefused as refused:
            message = _("The refresh token is not good, or not any more. Sign in again.")
            raise Refused("AUTHENTICATION_ERROR", message) from refused


class RevokeToken(APIView):
    """Sign out: all tokens of the same sign-in are refused from now on."""

    authentication_classes = []
    permission_classes = [AllowAny]

    @extend_schema(
        operation_id="revoke_token", tags=_TAGS, summary="Sign out", auth=[], request=RefreshSerializer,
        responses=DoneSerializer,
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        form = RefreshSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        sessions.end(token=form.validated_data["refresh"])
        return Response({"success": True})  # also for a token that was none: nobody learns which were


def _answer(pair: sessions.Pair) -> Response:
    answer = Response({**asdict(pair), "token_type": "Bearer"})
    answer["Cache-Control"] = "no-store"
    return answer


def _authenticate(
    request: HttpRequest, *, password: str, username: str = "", email: str = "", code: str = ""
) -> Any:
    """The user; failed attempts are counted with those of the sign-in page. Raises Refused."""
    name = email or username
    try:
        user = get_adapter().authenticate(request, username=name, password=password)
    except ValidationError as error:
        raise _locked(error) from error
    if user is None or not user.is_active:
        raise Refused("AUTHENTICATION_ERROR", _("Name or password are not right."))
    if get_second_factor().is_mfa_enabled(user):
        _check_second_factor(user, code)
    return user


def _check_second_factor(user: Any, code: str) -> None:
    needed = {"code_required": True}
    if not code:
        message = _("This account has a second factor: send its code as well.")
        raise Refused("AUTHENTICATION_ERROR", message, details=needed)
    form = AuthenticateForm(user=user, data={"code": code})
    if not form.is_valid():
        problem = form.errors.as_data()["code"][0]
        if problem.code == "too_many_login_attempts":
            raise _locked(problem)
        raise Refused("AUTHENTICATION_ERROR", _("The code is not right."), details=needed)
    form.authenticator.record_usage()


def _locked(error: ValidationError) -> Refused:
    return Refused("RATE_LIMIT_EXCEEDED", " ".join(error.messages), seconds=_LOCKED_SECONDS)
