import gc

from django.apps import AppConfig
from django.contrib.admin import apps as django_admin
from django.utils.translation import gettext_lazy as _


class HelloAgentsConfig(AppConfig):
    name = "helloagents"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = _("people")
    default = True


class AdminConfig(django_admin.AdminConfig):
    """Django's admin with our own front door."""

    default_site = "helloagents.admin_site.AdminSite"
    default = False

    def ready(self) -> None:
        super().ready()  # loads what each app has for the admin, and with that nearly all there is
        gc.freeze()
        gc.enable()
