"""Calls to language models: who asked what, which answered, what it cost; and the keys they are made with."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal, Self

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Avg, Count, Q, Sum
from django.db.models.functions import TruncDate
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from lessons.audit import Edited
from tutor import configured, encryption

TotalsBy = Literal["user", "model", "day"]
_GROUPS: dict[TotalsBy, list[str]] = {
    "user": ["user", "user__username"],
    "model": ["provider", "model"],
    "day": ["day"],
}


def validate_models(text: str) -> None:
    """Model names with prices, as in the environment."""
    try:
        configured.read_models(text)
    except configured.Unreadable as error:
        raise ValidationError(str(error)) from error


class SiteProvider(Edited):
    """A provider that administrators added to those of the environment, which are asked first."""

    class Kind(models.TextChoices):
        OPENAI = "openai", "OpenAI"
        ANTHROPIC = "anthropic", "Anthropic"

    name = models.SlugField(_("name"), max_length=40, unique=True)
    kind = models.CharField(_("protocol"), max_length=10, choices=Kind.choices, default=Kind.OPENAI)
    url = models.URLField(_("address"), help_text=_("Such as https://api.deepseek.com/v1"))
    encrypted_key = models.TextField(_("key"), blank=True, editable=False)
    model_names = models.TextField(
        _("models"),
        blank=True,
        validators=[validate_models],
        help_text=_(
            "One a line with its prices per million tokens: deepseek-chat 0.27/1.10. "
            "The first is used for names that the service has not got."
        ),
    )
    embeddings = models.TextField(_("models for embeddings"), blank=True, validators=[validate_models])
    position = models.PositiveSmallIntegerField(_("position"), default=0)
    is_enabled = models.BooleanField(_("in use"), default=True)
    updated_at = models.DateTimeField(_("updated"), auto_now=True)

    class Meta:
        ordering = ["position", "name"]
        verbose_name = _("model provider")
        verbose_name_plural = _("model providers")

    def __str__(self) -> str:
        return self.name

    def as_configured(self) -> configured.ConfiguredProvider:
        """As the environment would have it. Raises Undecryptable."""
        return configured.ConfiguredProvider(
            self.name,
            self.kind,
            self.url,
            encryption.decrypt(self.encrypted_key),
            configured.read_models(self.model_names),
            configured.read_models(self.embeddings),
        )


class ProviderKey(models.Model):
    """A learner's own key for one of the services the site knows. It is never shown again."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="provider_key",
        verbose_name=_("user"),
    )
    service = models.CharField(_("service"), max_length=40)  # a name in settings.MODEL_OWN_KEY_SERVICES
    model = models.CharField(_("model"), max_length=100)
    encrypted_key = models.TextField(_("key"), editable=False)
    before_scripts = models.BooleanField(
        _("also where a lesson has a scripted model"),
        default=False,
        help_text=_("The lesson's texts describe what its scripted model answers; a real one may differ."),
    )
    updated_at = models.DateTimeField(_("updated"), auto_now=True)

    class Meta:
        verbose_name = _("learner's key")
        verbose_name_plural = _("learners' keys")

    def __str__(self) -> str:
        return f"{self.user_id}:{self.service}"


class ModelCallQuerySet(models.QuerySet["ModelCall"]):
    def charged(self) -> Self:
        """Those that count against budgets of tokens and money."""
        return self.filter(scripted=False, own_key=False)

    def of_site_providers(self) -> Self:
        """Those that a provider of the site's has answered, well or badly."""
        ended = [ModelCall.Status.OK, ModelCall.Status.FAILED]
        return self.charged().filter(status__in=ended).exclude(provider="")

    def used(self) -> tuple[int, int, int]:
        """Requests, tokens and money (in millionths) of these; of running ones what is reserved."""
        running = Q(status=ModelCall.Status.RUNNING)
        charged = Q(own_key=False)
        # Without a provider nobody was asked: refused, or a list of models.
        sums = (
            self.filter(scripted=False)
            .exclude(provider="")
            .aggregate(
                requests=Count("pk"),
                reserved_tokens=Sum("reserved_tokens", filter=running & charged, default=0),
                reserved_money=Sum("reserved_money", filter=running & charged, default=0),
                prompt=Sum("prompt_tokens", filter=~running & charged, default=0),
                completion=Sum("completion_tokens", filter=~running & charged, default=0),
                cost=Sum("cost", filter=~running & charged, default=0),
            )
        )
        money = sums["reserved_money"] + round(sums["cost"] * configured.MICRO)
        tokens = sums["reserved_tokens"] + sums["prompt"] + sums["completion"]
        return sums["requests"], tokens, money

    def totals(self, by: TotalsBy) -> models.QuerySet[Any, dict[str, Any]]:
        """A row per user, model or day, the most costly or latest first."""
        calls = self.annotate(day=TruncDate("started_at")) if by == "day" else self
        totals: models.QuerySet[Any, dict[str, Any]] = (
            calls.values(*_GROUPS[by])
            .annotate(
                calls=Count("pk"),
                # Without a provider nobody was asked, so nobody failed.
                failed=Count("pk", filter=Q(status=ModelCall.Status.FAILED) & ~Q(provider="")),
                scripted_calls=Count("pk", filter=Q(scripted=True)),
                prompt=Sum("prompt_tokens"),
                completion=Sum("completion_tokens"),
                total_cost=Sum("cost"),
                mean_first_token=Avg("first_token", filter=Q(scripted=False)),
            )
            .order_by("-day" if by == "day" else "-total_cost", "-calls")
        )
        return totals

    def forget_contents(self, *, before: datetime) -> int:
        """Blank what was asked and answered in older calls; how many there were."""
        old = self.filter(started_at__lt=before).exclude(request={}, answer=None)
        return old.update(request={}, answer=None)


class ModelCall(models.Model):
    """One call: the ledger's row and a step of the trace in one.

    `request` holds messages as `tutor.conversations` stores them: what earlier steps of the run have
    already is only pointed to.
    """

    class Status(models.TextChoices):
        RUNNING = "running", _("running")
        OK = "ok", _("answered")
        FAILED = "failed", _("failed")
        CANCELLED = "cancelled", _("cancelled")

    class Kind(models.TextChoices):
        CHAT = "chat", _("chat")
        EMBEDDINGS = "embeddings", _("embeddings")
        MODELS = "models", _("list of models")

    class Purpose(models.TextChoices):
        RUN = "run", _("a program")
        CHAT = "chat", _("the tutor")
        HINT = "hint", _("a hint")

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="model_calls",
        null=True,
        blank=True,
        verbose_name=_("user"),
    )
    owner = models.CharField(_("owner"), max_length=40)  # whose budget: "user:12", or "guest:" and a digest
    purpose = models.CharField(_("purpose"), max_length=5, choices=Purpose.choices)
    run_id = models.UUIDField(_("run"), null=True, blank=True)  # of `progress`, which this app does not know
    number = models.PositiveIntegerField(_("number"), default=1)  # within the run
    lesson = models.ForeignKey(
        "lessons.Lesson",
        on_delete=models.SET_NULL,
        related_name="+",
        null=True,
        blank=True,
        verbose_name=_("lesson"),
    )
    course = models.ForeignKey(
        "lessons.Course",
        on_delete=models.SET_NULL,
        related_name="+",
        null=True,
        blank=True,
        verbose_name=_("course"),
    )
    language = models.CharField(_("language"), max_length=10, blank=True)

    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices, default=Kind.CHAT)
    status = models.CharField(_("status"), max_length=10, choices=Status.choices, default=Status.RUNNING)
    http_status = models.PositiveSmallIntegerField(_("HTTP status"), null=True, blank=True)
    error_code = models.CharField(_("error"), max_length=60, blank=True)
    error_message = models.CharField(_("error message"), max_length=1000, blank=True)

    asked_model = models.CharField(_("model asked for"), max_length=100, blank=True)
    model = models.CharField(_("model"), max_length=100, blank=True)
    provider = models.CharField(_("provider"), max_length=60, blank=True)
    scripted = models.BooleanField(_("scripted"), default=False)
    own_key = models.BooleanField(_("with the learner's own key"), default=False)
    streamed = models.BooleanField(_("streamed"), default=False)

    started_at = models.DateTimeField(_("started"), default=timezone.now)
    latency = models.FloatField(_("duration"), null=True, blank=True)  # seconds
    first_token = models.FloatField(_("first word"), null=True, blank=True)  # seconds
    prompt_tokens = models.PositiveIntegerField(_("tokens asked"), default=0)
    completion_tokens = models.PositiveIntegerField(_("tokens answered"), default=0)
    # The provider gave no figures: ours stand in.
    is_estimate = models.BooleanField(_("tokens estimated"), default=False)
    cost = models.DecimalField(_("cost"), max_digits=12, decimal_places=6, null=True, blank=True)
    currency = models.CharField(_("currency"), max_length=3, blank=True)
    reserved_tokens = models.PositiveIntegerField(default=0, editable=False)
    reserved_money = models.BigIntegerField(default=0, editable=False)  # millionths

    request = models.JSONField(_("request"), default=dict, blank=True)
    answer = models.JSONField(_("answer"), null=True, blank=True)

    objects = ModelCallQuerySet.as_manager()

    class Meta:
        ordering = ["-started_at"]
        indexes = [
            models.Index(fields=["run_id", "number"], name="model_call_of_run"),
            models.Index(fields=["owner", "-started_at"], name="model_call_of_owner"),
            models.Index(fields=["-started_at"], name="model_call_in_time"),
            models.Index(fields=["user", "-started_at"], name="model_call_of_user"),
        ]
        verbose_name = _("model call")
        verbose_name_plural = _("model calls")

    def __str__(self) -> str:
        return f"{self.run_id or self.purpose}:{self.number}"

    def close(self) -> None:
        """Store how it ended. Whose it is stays as stored: a guest may have got an account meanwhile,
        and who left may have taken it along."""
        if self.pk is None:
            self.save(force_insert=True)
            return
        fields = [field.attname for field in self._meta.concrete_fields if not field.primary_key]
        ended = {name: getattr(self, name) for name in fields if name not in ("user_id", "owner", "run_id")}
        type(self).objects.filter(pk=self.pk).update(**ended)
