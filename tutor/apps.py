from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class TutorConfig(AppConfig):
    name = "tutor"
    verbose_name = _("models and tutor")
    default_auto_field = "django.db.models.BigAutoField"
