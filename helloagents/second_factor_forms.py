"""allauth's forms of the second factor, with names of fields that can be translated.

allauth leaves the name of a security key without a label, and its "Code" means a program's code on the other
pages of this site.
"""

from typing import Any

from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.webauthn.forms import AddWebAuthnForm, EditWebAuthnForm
from django import forms
from django.utils.translation import pgettext_lazy


class _WithLabels:
    """For a form of allauth: gives it our words."""

    LABELS = {
        "code": pgettext_lazy("of the second factor", "Code"),
        "name": pgettext_lazy("of a security key", "Name"),
    }
    fields: dict[str, forms.Field]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, label in self.LABELS.items():
            if name in self.fields:
                self.fields[name].label = label


class Authenticate(_WithLabels, AuthenticateForm):  # type: ignore[misc] # allauth ships no types
    pass


class Reauthenticate(_WithLabels, ReauthenticateForm):  # type: ignore[misc] # allauth ships no types
    pass


class AddKey(_WithLabels, AddWebAuthnForm):  # type: ignore[misc] # allauth ships no types
    pass


class RenameKey(_WithLabels, EditWebAuthnForm):  # type: ignore[misc] # allauth ships no types
    pass
