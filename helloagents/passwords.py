"""What a password is made of, beyond Django's own rules. The texts say what is missing, one rule each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy


def _is_special(character: str) -> bool:
    return not character.isalnum() and not character.isspace()


# code of the message, what counts, the message
RULES: list[tuple[str, Callable[[str], bool], Any]] = [
    ("password_no_upper", str.isupper, gettext_lazy("The password needs a capital letter.")),
    ("password_no_lower", str.islower, gettext_lazy("The password needs a small letter.")),
    ("password_no_digit", str.isdigit, gettext_lazy("The password needs a digit.")),
    (
        "password_no_special",
        _is_special,
        gettext_lazy("The password needs a special character, such as ! or -."),
    ),
]


class KindsOfCharacters:
    """A password has a capital and a small letter, a digit and a special character."""

    def validate(self, password: str, user: Any = None) -> None:
        """Raises ValidationError with a message for each rule that is broken."""
        broken = [
            ValidationError(message, code=code)
            for code, counts, message in RULES
            if not any(map(counts, password))
        ]
        if broken:
            raise ValidationError(broken)

    def get_help_text(self) -> str:
        return _("It has capital and small letters, digits, and special characters such as ! or -.")
