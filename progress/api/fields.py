"""Fields of JSON bodies that take their own type alone: no number for a text, no text for a number."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

_TYPE = _("This is of another type.")


class Text(serializers.CharField):
    """Text that a database can keep; DRF itself would take numbers for texts."""

    default_error_messages = {"type": _TYPE}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(trim_whitespace=False, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("type")
        return super().to_internal_value(data)


@extend_schema_field({"type": "string", "minLength": 1, "maxLength": settings.RUN_CODE_MAX_BYTES})
class Code(Text):
    """A program. That it may be too large is the action's rule, and another error than a wrong value."""


class WholeNumber(serializers.IntegerField):
    """A whole number of a JSON body; DRF itself would take texts and 5.0."""

    default_error_messages = {"type": _TYPE}

    def to_internal_value(self, data: Any) -> int:
        if not isinstance(data, int) or isinstance(data, bool):
            self.fail("type")
        return super().to_internal_value(data)


class YesNo(serializers.BooleanField):
    """true or false; DRF itself would take "yes" and 1."""

    default_error_messages = {"type": _TYPE}

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("type")
        return data


class Choice(serializers.ChoiceField):
    """One of some texts; DRF itself would take true for "True"."""

    default_error_messages = {"type": _TYPE}

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str):
            self.fail("type")
        return super().to_internal_value(data)
