"""Forms for keys: a key goes in and never comes out again."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tutor import encryption
from tutor.models import ProviderKey, SiteProvider

if TYPE_CHECKING:  # only the stubs' classes take type arguments
    SiteProviderModelForm = forms.ModelForm[SiteProvider]
else:
    SiteProviderModelForm = forms.ModelForm

_KEY = re.compile(r"[!-~]{8,500}")  # it becomes an HTTP header


class KeyField(forms.CharField):
    """A key, typed or pasted. Rendered empty always."""

    def __init__(self, **kwargs: Any) -> None:
        attrs = {"autocomplete": "off", "spellcheck": "false"}
        super().__init__(widget=forms.PasswordInput(attrs=attrs, render_value=False), **kwargs)

    def clean(self, value: Any) -> str:
        key: str = super().clean(value)
        if key and not _KEY.fullmatch(key):
            raise ValidationError(_("This is no key: keys are 8 to 500 letters, digits and marks."))
        return key


class ProviderKeyForm(forms.Form):
    """A learner's own key for one of the services that the site knows."""

    service = forms.ChoiceField(label=gettext_lazy("Service"))
    key = KeyField(label=gettext_lazy("Key"), required=False)
    model = forms.RegexField(
        r"^[^\s,]{1,100}$",
        label=gettext_lazy("Model"),
        help_text=gettext_lazy("As the service names it, such as deepseek-chat."),
    )
    before_scripts = forms.BooleanField(
        label=gettext_lazy("Use it also where a lesson has a scripted model"),
        required=False,
        help_text=gettext_lazy(
            "The lesson's texts describe what its scripted model answers; a real one may differ."
        ),
    )

    def __init__(self, *args: Any, stored: ProviderKey | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.stored = stored
        services = settings.MODEL_OWN_KEY_SERVICES.values()
        choices = [(service.name, service.title) for service in services]
        self.fields["service"] = forms.ChoiceField(label=_("Service"), choices=choices)
        if stored:
            self.fields["key"].help_text = _("A key is stored. Leave this empty to keep it.")

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        # A key for one service is nothing to send to another.
        is_same = self.stored is not None and self.stored.service == cleaned.get("service")
        if not cleaned.get("key") and "key" not in self.errors and not is_same:
            self.add_error("key", _("Give the key for this service."))
        return cleaned


class SiteProviderForm(SiteProviderModelForm):
    """A provider of the site in the admin."""

    url = forms.URLField(
        label=gettext_lazy("Address"),
        assume_scheme="https",
        help_text=gettext_lazy("Such as https://api.deepseek.com/v1"),
    )
    key = KeyField(
        label=gettext_lazy("Key"),
        required=False,
        help_text=gettext_lazy("Stored encrypted and never shown. Empty: what is stored stays."),
    )

    class Meta:
        model = SiteProvider
        fields = ("name", "kind", "url", "model_names", "embeddings", "position", "is_enabled")

    def save(self, commit: bool = True) -> SiteProvider:
        if self.cleaned_data["key"]:
            self.instance.encrypted_key = encryption.encrypt(self.cleaned_data["key"])
        saved: SiteProvider = super().save(commit)
        return saved
