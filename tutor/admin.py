"""Providers and their keys in the admin, and the ledger of calls with its totals."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, get_args

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet, URLField
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from lessons.audit import NotesEditor
from tutor import choosing
from tutor.forms import SiteProviderForm
from tutor.models import ModelCall, ProviderKey, SiteProvider, TotalsBy

if TYPE_CHECKING:  # only the stubs' admin classes take type arguments
    SiteProviderModelAdmin = admin.ModelAdmin[SiteProvider]
    ProviderKeyModelAdmin = admin.ModelAdmin[ProviderKey]
    ModelCallModelAdmin = admin.ModelAdmin[ModelCall]
else:
    SiteProviderModelAdmin = ProviderKeyModelAdmin = ModelCallModelAdmin = admin.ModelAdmin

_TOTALS_DAYS = 30
_TOTALS_ROWS = 200


@admin.register(SiteProvider)
class SiteProviderAdmin(NotesEditor, SiteProviderModelAdmin):
    """Providers beside those of the environment, which are asked first."""

    form = SiteProviderForm
    list_display = ["name", "kind", "url", "position", "is_enabled", "has_key", "updated_at"]
    list_editable = ["position", "is_enabled"]
    search_fields = ["name", "url", "model_names"]
    formfield_overrides = {URLField: {"assume_scheme": "https"}}

    @admin.display(description=_("key"), boolean=True)
    def has_key(self, provider: SiteProvider) -> bool:
        return bool(provider.encrypted_key)

    def save_model(self, request: HttpRequest, obj: SiteProvider, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        choosing.forget_site_providers()


@admin.register(ProviderKey)
class ProviderKeyAdmin(ProviderKeyModelAdmin):
    """Who has a key of their own, and for what. Nobody sees the key; it can be deleted."""

    list_display = ["user", "service", "model", "before_scripts", "updated_at"]
    list_filter = ["service"]
    list_select_related = ["user"]
    search_fields = ["user__username", "user__email"]
    fields = ["user", "service", "model", "before_scripts", "updated_at"]
    readonly_fields = ["user", "service", "model", "before_scripts", "updated_at"]

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(ModelCall)
class ModelCallAdmin(ModelCallModelAdmin):
    """Every call. Totals per user, model and day are a page of their own."""

    list_display = [
        *("started_at", "user", "purpose", "model", "provider", "status", "http_status", "prompt_tokens"),
        *("completion_tokens", "cost", "latency", "first_token"),
    ]
    list_filter = ["status", "scripted", "own_key", "kind", "purpose", "provider", "course"]
    list_select_related = ["user"]
    list_per_page = 50
    show_full_result_count = False
    search_fields = ["user__username", "user__email", "run_id", "model", "error_code"]
    search_help_text = _("Search learners, runs, models and errors.")
    date_hierarchy = "started_at"
    change_list_template = "tutor/admin_calls.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[ModelCall]:
        found = super().get_queryset(request)
        shows_one = request.resolver_match is not None and "object_id" in request.resolver_match.kwargs
        return found if shows_one else found.defer("request", "answer")

    def get_urls(self) -> list[URLPattern]:
        totals = path("totals/", self.admin_site.admin_view(self.totals), name="tutor_modelcall_totals")
        return [totals, *super().get_urls()]

    def totals(self, request: HttpRequest) -> HttpResponse:
        """Calls, tokens and money per user, model or day. One query, whatever their number."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        by: Any = request.GET.get("by", "user")
        if by not in get_args(TotalsBy):
            raise Http404
        since = timezone.now() - timedelta(days=_TOTALS_DAYS)
        rows = list(ModelCall.objects.filter(started_at__gte=since).totals(by)[:_TOTALS_ROWS])
        context = {
            **self.admin_site.each_context(request),
            "title": _("Totals of model calls"),
            "opts": self.model._meta,
            "by": by,
            "days": _TOTALS_DAYS,
            "rows": rows,
        }
        return render(request, "tutor/admin_totals.html", context)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
