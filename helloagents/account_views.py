"""The account page: who somebody is here, and how they take everything with them or leave."""

from __future__ import annotations

from typing import Any, cast

from allauth.account.decorators import reauthentication_required
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from allauth.usersessions.models import UserSession
from allauth.usersessions.views import ListUserSessionsView
from django import forms
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from helloagents.api import sessions as api_sessions
from helloagents.api.models import ApiSession
from helloagents.browsers import browser_name
from helloagents.leaving import LastAdmin, archive_of, erase_account
from helloagents.models import User


class Sessions(ListUserSessionsView):  # type: ignore[misc] # allauth ships no types
    """Where somebody is signed in, each browser by its name, and programs; posting signs all others out."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        for session in context["sessions"]:
            session.browser = browser_name(session.user_agent) or _("An unknown browser")
        context["programs"] = ApiSession.objects.living().filter(user=self.request.user)
        context["has_others"] = context["session_count"] > 1 or context["programs"].exists()
        return context

    def form_valid(self, form: forms.Form) -> HttpResponse:
        api_sessions.end_all(user=self.request.user)
        answer: HttpResponse = super().form_valid(form)
        return answer


sessions = never_cache(Sessions.as_view())


class NameForm(forms.ModelForm[User]):
    """How somebody is called here, and what is mailed about."""

    class Meta:
        model = User
        fields = ("full_name", "mails_of_comments")
        widgets = {"full_name": forms.TextInput(attrs={"autocomplete": "name"})}


class EraseForm(forms.Form):
    """Somebody's word that they mean it: their password, or without one their user name."""

    password = forms.CharField(
        label=gettext_lazy("Your password"),
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
        strip=False,
    )
    username = forms.CharField(
        label=gettext_lazy("Your user name, to say that you mean it"),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def __init__(self, *args: object, user: User, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type] # passed through as given
        self.user = user
        del self.fields["username" if user.has_usable_password() else "password"]

    def clean_password(self) -> str:
        password: str = self.cleaned_data["password"]
        if not self.user.check_password(password):
            raise ValidationError(_("This is not your password."))
        return password

    def clean_username(self) -> str:
        username: str = self.cleaned_data["username"]
        if username != self.user.get_username():
            raise ValidationError(_("This is not your user name."))
        return username


@never_cache
@login_required
@require_http_methods(["GET", "POST"])
def account(request: HttpRequest) -> HttpResponse:
    """One's own account at a glance; posting changes the name and what is mailed about."""
    user = cast(User, request.user)
    form = NameForm(request.POST or None, instance=user)
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, _("Saved."))
        return redirect("account")
    factors = Authenticator.objects.filter(user=user)
    return render(
        request,
        "account/account.html",
        {
            "form": form,
            "addresses": EmailAddress.objects.filter(user=user).order_by("-primary", "email"),
            "has_app": factors.filter(type=Authenticator.Type.TOTP).exists(),
            "passkeys": factors.filter(type=Authenticator.Type.WEBAUTHN).count(),
            "sessions": len(UserSession.objects.purge_and_list(user)),
            "connections": SocialAccount.objects.filter(user=user),
            "starts_download": request.method == "GET" and "download" in request.GET,
        },
        status=400 if form.errors else 200,
    )


@never_cache
@login_required
@require_GET
@reauthentication_required  # type: ignore[untyped-decorator] # allauth ships no types
def start_export(request: HttpRequest) -> HttpResponse:
    """Back to the account, which then asks for the file: a download alone would leave its page as it was."""
    text = _("Your data is being downloaded. If nothing comes, choose “Download my data” once more.")
    messages.success(request, text)
    return redirect(f"{reverse('account')}?download")


@never_cache
@login_required
@require_GET
@reauthentication_required  # type: ignore[untyped-decorator] # allauth ships no types
def export(request: HttpRequest) -> HttpResponse:
    """Everything the site holds about the person, as a ZIP file of JSON."""
    user = cast(User, request.user)
    name = f"helloagents-{user.get_username()}-{timezone.now():%Y-%m-%d}.zip"
    return HttpResponse(
        archive_of(user),
        content_type="application/zip",
        headers={"Content-Disposition": content_disposition_header(True, name) or ""},
    )


@never_cache
@login_required
@require_http_methods(["GET", "POST"])
def erase(request: HttpRequest) -> HttpResponse:
    """Leave for good: after the password the account and all work are gone."""
    user = cast(User, request.user)
    form = EraseForm(request.POST if request.method == "POST" else None, user=user)
    if form.is_valid():
        try:
            erase_account(user=user)
        except LastAdmin:
            form.add_error(None, _("You are the only administrator. Make another one first."))
        else:
            logout(request)
            messages.success(request, _("Your account and everything in it are erased. Farewell!"))
            return redirect("catalogue")
    return render(request, "account/erase.html", {"form": form}, status=400 if form.errors else 200)
