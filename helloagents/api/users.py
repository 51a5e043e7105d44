"""Accounts over the API: signing up, and looking at an account."""

from __future__ import annotations

from typing import Any, NoReturn

from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.email_verification import send_verification_email_to_address
from allauth.account.internal.userkit import filter_users_by_email, filter_users_by_username
from allauth.account.models import EmailAddress
from allauth.account.utils import setup_user_email
from django.contrib.auth.password_validation import validate_password
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.core.exceptions import ValidationError
from django.core.validators import EmailValidator
from django.db import IntegrityError, transaction
from django.http import Http404, HttpRequest
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from helloagents.models import User
from progress import roles
from progress.answers import Refused
from progress.api.fields import Text
from progress.api.people import account_number

_TAGS = ["users"]


class UserSerializer(serializers.ModelSerializer[User]):
    created_at = serializers.DateTimeField(source="date_joined", read_only=True)

    class Meta:
        model = User
        fields = ["id", "username", "email", "full_name", "created_at"]
        read_only_fields = fields


@extend_schema_field({"type": "string", "minLength": 1, "maxLength": 150, "pattern": r"^[\w.@+-]+$"})
class Name(Text):
    default_validators = [UnicodeUsernameValidator()]

    def to_internal_value(self, data: Any) -> str:
        """In its one way to be written, before it is validated: that may be longer."""
        return User.normalize_username(super().to_internal_value(data))


@extend_schema_field({"type": "string", "format": "email", "maxLength": 254})
class Address(Text):
    default_validators = [EmailValidator()]


@extend_schema_field(
    {
        "type": "string",
        "minLength": 8,
        "maxLength": 128,
        "description": "Letters of both cases, a digit and another character; not a common one.",
    }
)
class Password(Text):
    """Its rules are those of the site."""


class NewUserSerializer(serializers.Serializer[User]):
    username = Name(max_length=150)
    email = Address(max_length=254)
    password = Password(max_length=128)
    full_name = Text(max_length=150, required=False, allow_blank=True)

    def validate_username(self, username: str) -> str:
        return str(get_adapter().clean_username(username, shallow=True))

    def validate(self, fields: dict[str, Any]) -> dict[str, Any]:
        known = {name: value for name, value in fields.items() if name != "password"}
        try:
            validate_password(fields["password"], User(**known))
        except ValidationError as error:
            raise serializers.ValidationError({"password": _each_rule(error)}) from error
        return fields


def _each_rule(error: ValidationError) -> list[serializers.ErrorDetail]:
    """Every rule that the password breaks, with its code."""
    return [
        serializers.ErrorDetail(" ".join(each.messages), code=each.code or "invalid")
        for each in error.error_list
    ]


def register(*, request: HttpRequest, username: str, email: str, password: str, full_name: str = "") -> User:
    """A new account, and where the site sends mail the request to confirm its address.

    Raises Refused: sign-up is closed, or name or address are taken.
    """
    if not (get_adapter().is_open_for_signup(request) or roles.is_admin(request.user)):
        raise Refused("AUTHORIZATION_ERROR", _("New accounts are made by the site's administrators."))
    if filter_users_by_username(username).exists() or filter_users_by_email(username):
        _taken("username", _("This user name is taken."))
    if filter_users_by_email(email):
        _taken("email", _("There is an account with this address."))
    user = User(username=username, email=email, full_name=full_name)
    user.set_password(password)
    try:
        with transaction.atomic():
            user.save()
            setup_user_email(request, user, [])
            address = EmailAddress.objects.get_for_user(user, email)
            transaction.on_commit(lambda: send_verification_email_to_address(request, address, signup=True))
    except IntegrityError:  # somebody was faster
        _taken("username", _("This user name or address is taken."))
    return user


def _taken(field: str, message: str) -> NoReturn:
    raise Refused("CONFLICT", message, details={"field": field})


class Users(APIView):
    """New accounts."""

    permission_classes = [AllowAny]
    throttle_scope = "signup"
    error_codes = ("CONFLICT",)

    @extend_schema(
        operation_id="create_user",
        tags=_TAGS,
        summary="Sign up",
        request=NewUserSerializer,
        responses={201: UserSerializer},
        examples=[
            OpenApiExample(
                "Sign up",
                request_only=True,
                value={"username": "ada", "email": "ada@example.org", "password": "An-engine-of-1843"},
            )
        ],
    )
    def post(self, request: Request) -> Response:
        form = NewUserSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        user = register(request=request._request, **form.validated_data)
        return Response(UserSerializer(user).data, status=201)


class Me(APIView):
    """The account that calls."""

    @extend_schema(operation_id="get_me", tags=_TAGS, summary="Your own account", responses=UserSerializer)
    def get(self, request: Request) -> Response:
        assert isinstance(request.user, User)
        return Response(UserSerializer(request.user).data)


class Account(APIView):
    """One's own account, or for admins anybody's."""

    @extend_schema(operation_id="get_user", tags=_TAGS, summary="An account", responses=UserSerializer)
    def get(self, request: Request, user_id: str) -> Response:
        found = User.objects.filter(pk=account_number(user_id)).first()
        if found is None or not roles.may_see_account(request.user, found):
            raise Http404(_("There is no such account."))
        return Response(UserSerializer(found).data)
