"""A learner's own key, and how much of the budget is used."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from tutor import budgets
from tutor.actions import forget_key, store_key
from tutor.forms import ProviderKeyForm
from tutor.gateway import owner_of
from tutor.models import ProviderKey


@sensitive_post_parameters("key")
@never_cache
@login_required
@require_http_methods(["GET", "POST"])
def model_key(request: HttpRequest) -> HttpResponse:
    """Store a key of one's own; it is never shown again."""
    stored = ProviderKey.objects.filter(user=request.user.pk).first()
    said = (
        {"service": stored.service, "model": stored.model, "before_scripts": stored.before_scripts}
        if stored
        else {}
    )
    form = ProviderKeyForm(request.POST if request.method == "POST" else None, stored=stored, initial=said)
    if form.is_valid():
        store_key(user=request.user, **form.cleaned_data)
        messages.success(request, _("Your key is stored."))
        return redirect("model-key")
    context = {"form": form, "stored": stored, "usage": budgets.usage_of(_owner(request))}
    return render(request, "tutor/model_key.html", context, status=400 if form.errors else 200)


@login_required
@require_POST
def forget_model_key(request: HttpRequest) -> HttpResponse:
    """Delete one's own key."""
    if forget_key(user=request.user):
        messages.success(request, _("Your key is deleted."))
    return redirect("model-key")


@never_cache
@require_GET
def model_usage(request: HttpRequest) -> HttpResponse:
    """What the caller has used of models, for scripts; people see it on the page of their key."""
    if request.headers.get("accept", "").startswith("application/json"):
        return JsonResponse({"windows": budgets.usage_of(_owner(request))})
    return redirect("model-key")


def _owner(request: HttpRequest) -> str:
    # The key by which a guest's runs are theirs, as the views of runs set it.
    guest_key = str(request.session.get("guest_key", ""))
    return owner_of(user_id=request.user.pk, visitor=guest_key)
