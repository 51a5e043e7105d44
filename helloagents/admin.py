"""Accounts and second factors in the admin. Whoever is no superuser leaves those of superusers alone."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from allauth.mfa.models import Authenticator
from django.contrib import admin, messages
from django.contrib.admin.actions import delete_selected
from django.contrib.admin.utils import unquote
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import UserChangeForm
from django.db import transaction
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest
from django.shortcuts import redirect
from django.utils.translation import gettext_lazy as _

from helloagents.leaving import LastAdmin, erase_account, keep_an_admin
from helloagents.models import User
from progress import roles

if TYPE_CHECKING:  # only the stubs' admin classes take type arguments
    UserModelAdmin = UserAdmin[User]
    SecondFactorModelAdmin = admin.ModelAdmin[Authenticator]
    PersonModelForm = UserChangeForm[User]
else:
    UserModelAdmin = UserAdmin
    PersonModelForm = UserChangeForm
    SecondFactorModelAdmin = admin.ModelAdmin

_FOR_SUPERUSERS = ("is_staff", "is_superuser", "user_permissions")
_LAST_ADMIN = _("Nobody else manages this site. Make another administrator first.")

admin.site.site_header = admin.site.site_title = _("HelloAgents")


class PersonForm(PersonModelForm):
    """An account; the only administrator stays one."""

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if roles.is_admin(self.instance) and not self._stays_admin(cleaned):
            try:
                keep_an_admin([self.instance])
            except LastAdmin:
                self.add_error(None, str(_LAST_ADMIN))
        return cleaned

    def _stays_admin(self, cleaned: dict[str, Any]) -> bool:
        """Fields that are only shown keep what they say."""
        user = self.instance
        groups = cleaned.get("groups", user.groups.all())
        is_admin = cleaned.get("is_superuser", user.is_superuser) or any(
            group.name == roles.ADMINS for group in groups
        )
        return bool(is_admin and cleaned.get("is_active", user.is_active))


def _may_touch(staff: Any, user: User | None) -> bool:
    return user is None or staff.is_superuser or not user.is_superuser


@admin.register(User)
class PeopleAdmin(UserModelAdmin):
    """Accounts, and who of the staff made or changed them last; every change is in the history, too."""

    form = PersonForm
    actions = ["delete_selected"]
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

    # --- Who may do what to whom ---

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> Any:
        shown = super().get_readonly_fields(request, obj)
        return shown if request.user.is_superuser else [*shown, *_FOR_SUPERUSERS]

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return super().has_change_permission(request, obj) and _may_touch(request.user, obj)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return super().has_delete_permission(request, obj) and _may_touch(request.user, obj)

    # --- Deleting ---

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Whoever may delete an account may delete what hangs on it."""
        listed, counts, lacking, protected = super().get_deleted_objects(objs, request)
        return listed, counts, lacking & {User._meta.verbose_name}, protected

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> Any:
        user = self.get_object(request, unquote(object_id))
        if user and self._leaves_nobody(request, [user]):
            return redirect("admin:helloagents_user_change", user.pk)
        return super().delete_view(request, object_id, extra_context)

    @admin.action(permissions=["delete"], description=delete_selected.short_description)  # type: ignore[attr-defined] # set by its decorator
    def delete_selected(self, request: HttpRequest, queryset: QuerySet[User]) -> Any:
        return None if self._leaves_nobody(request, queryset) else delete_selected(self, request, queryset)

    def delete_model(self, request: HttpRequest, obj: User) -> None:
        erase_account(user=obj)

    @transaction.atomic
    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        for user in queryset:
            erase_account(user=user)

    @transaction.atomic
    def _leaves_nobody(self, request: HttpRequest, users: Iterable[User]) -> bool:
        """And says so."""
        try:
            keep_an_admin(users)
        except LastAdmin:
            self.message_user(request, _LAST_ADMIN, messages.ERROR)
            return True
        return False


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

    def has_delete_permission(self, request: HttpRequest, obj: Authenticator | None = None) -> bool:
        may = super().has_delete_permission(request, obj)
        return may and _may_touch(request.user, obj.user if obj else None)
