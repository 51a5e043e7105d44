from __future__ import annotations

from typing import TYPE_CHECKING, Any

from allauth.mfa.models import Authenticator
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.forms import ModelForm
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from helloagents.models import User

if TYPE_CHECKING:  # only the stubs' admin classes take type arguments
    UserModelAdmin = UserAdmin[User]
    SecondFactorModelAdmin = admin.ModelAdmin[Authenticator]
else:
    UserModelAdmin = UserAdmin
    SecondFactorModelAdmin = admin.ModelAdmin

admin.site.site_header = admin.site.site_title = _("HelloAgents")


@admin.register(User)
class PeopleAdmin(UserModelAdmin):
    """Accounts, and who of the staff made or changed them last; every change is in the history, too."""

    list_display = ["username", "email", "full_name", "is_active", "is_staff", "date_joined", "last_login"]
    list_filter = ["groups", "is_active", "is_staff", "is_superuser", "date_joined"]
    search_fields = ["username", "email", "full_name"]
    date_hierarchy = "date_joined"
    list_per_page = 30
    show_full_result_count = False
    readonly_fields = ["last_login", "date_joined", "updated_at", "created_by", "updated_by"]
    fieldsets = [
        (None, {"fields": ["username", "password"]}),
        (_("Personal info"), {"fields": ["full_name", "email", "mails_of_comments"]}),
        (
            _("Permissions"),
            {"fields": ["is_active", "is_staff", "is_superuser", "groups", "user_permissions"]},
        ),
        (
            _("Important dates"),
            {"fields": ["last_login", "date_joined", "created_by", "updated_at", "updated_by"]},
        ),
    ]
    add_fieldsets = [
        (
            None,
            {
                "classes": ["wide"],
                "fields": ["username", "email", "usable_password", "password1", "password2"],
            },
        )
    ]

    def save_model(self, request: HttpRequest, obj: User, form: ModelForm[User], change: bool) -> None:
        staff: Any = request.user
        if not change:
            obj.created_by = staff
        obj.updated_by = staff
        super().save_model(request, obj, form, change)


@admin.register(Authenticator)
class SecondFactorAdmin(SecondFactorModelAdmin):
    """People's second factors: to be deleted for those who have lost them, never made or changed here."""

    list_display = ["user", "type", "created_at", "last_used_at"]
    list_filter = ["type", "created_at", "last_used_at"]
    search_fields = ["user__username", "user__email"]
    date_hierarchy = "created_at"
    fields = ["user", "type", "created_at", "last_used_at"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Authenticator | None = None) -> bool:
        return False
