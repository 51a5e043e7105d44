"""Talks with the tutor: what a learner asked, what was answered, and what was sent along."""

from __future__ import annotations

import uuid
from base64 import b64encode
from typing import Any, Literal, Self, get_args

from django.conf import settings
from django.db import models
from django.db.models import Count, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from lessons.deleting import Deletable, HidesDeleted
from lessons.models import LessonText

TITLE_LIMIT = 200  # characters
SortedBy = Literal["created_at", "updated_at", "title"]
SORTED_BY = get_args(SortedBy)


class ConversationQuerySet(models.QuerySet["Conversation"]):
    def visible_to(self, *, user: Any, guest_key: str = "") -> Self:
        """The caller's own: by account, or for a guest by the key in the session."""
        if user.is_authenticated:
            return self.filter(user=user)
        return self.filter(user=None, guest_key=guest_key) if guest_key else self.none()

    def of_guest(self, guest_key: str) -> Self:
        return self.filter(user=None, guest_key=guest_key)

    def sorted_by(self, field: SortedBy, *, descending: bool) -> Self:
        sign = "-" if descending else ""
        return self.order_by(f"{sign}{field}", f"{sign}id")

    def pinned_first(self) -> Self:
        return self.order_by("-is_pinned", "-updated_at", "-id")

    def page(self, start: int, stop: int) -> Self:
        """Those of one page, in their order: what is then worked out for each is not for all before them."""
        return self.filter(pk__in=list(self.values_list("pk", flat=True)[start:stop]))

    def counted(self) -> Self:
        """With `message_count`. For a page of them: it is counted for each."""
        messages = Message.objects.standing().filter(conversation=OuterRef("pk")).order_by()
        counts = messages.values("conversation").annotate(count=Count("pk")).values("count")
        return self.annotate(message_count=Coalesce(Subquery(counts), 0))

    def titled(self, language: str) -> Self:
        """With `lesson_title`, in the language where there is a translation."""
        texts = LessonText.objects.filter(lesson=OuterRef("lesson")).preferring(language)
        titled = self.annotate(lesson_title=Subquery(texts.values("title")[:1]))
        return titled.select_related("lesson__course", "lesson__parent")


class Conversation(Deletable):
    """Questions and answers about one thing. It belongs to an account, or to a guest's browser."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="conversations",
        null=True,
        blank=True,
        verbose_name=_("user"),
    )
    guest_key = models.CharField(_("guest key"), max_length=40, blank=True)
    lesson = models.ForeignKey(
        "lessons.Lesson",
        on_delete=models.SET_NULL,
        related_name="+",
        null=True,
        blank=True,
        verbose_name=_("lesson"),
    )
    title = models.CharField(_("title"), max_length=TITLE_LIMIT)
    is_pinned = models.BooleanField(_("pinned"), default=False)
    created_at = models.DateTimeField(_("created"), default=timezone.now)
    updated_at = models.DateTimeField(_("updated"), default=timezone.now)  # asked, answered or renamed

    objects = HidesDeleted.from_queryset(ConversationQuerySet)()
    all_rows = ConversationQuerySet.as_manager()

    class Meta:
        ordering = ["-updated_at"]
        indexes = [
            # One for each way in which a learner's list can be sorted.
            *(
                models.Index(
                    fields=["user", field, "id"], name=f"talk_by_{name}", condition=Q(deleted_at=None)
                )
                for name, field in (("creation", "created_at"), ("change", "updated_at"), ("title", "title"))
            ),
            models.Index(
                fields=["user", "-is_pinned", "-updated_at", "-id"],
                name="talk_pinned_first",
                condition=Q(deleted_at=None),
            ),
            models.Index(
                fields=["guest_key", "-updated_at"],
                name="talk_of_guest",
                condition=Q(deleted_at=None, user=None),
            ),
        ]
        verbose_name = _("conversation")
        verbose_name_plural = _("conversations")

    def __str__(self) -> str:
        return self.title


class MessageQuerySet(models.QuerySet["Message"]):
    def standing(self) -> Self:
        """Those that the conversation consists of; others were asked or answered anew."""
        return self.filter(is_superseded=False)

    def visible_to(self, *, user: Any, guest_key: str = "") -> Self:
        """Those of the caller's own conversations."""
        own = Conversation.objects.visible_to(user=user, guest_key=guest_key)
        return self.filter(conversation__in=own)

    def answers(self) -> Self:
        return self.filter(role=Message.Role.ASSISTANT)

    def unfinished(self) -> Self:
        return self.filter(status=Message.Status.STREAMING)

    def for_thread(self) -> Self:
        """In their order, with pictures, without the bulky columns that it does not show."""
        return self.order_by("pk").defer("context", "words").prefetch_related("images")


class Message(models.Model):
    """One question or answer."""

    class Role(models.TextChoices):
        USER = "user", _("question")
        ASSISTANT = "assistant", _("answer")

    class Status(models.TextChoices):
        COMPLETE = "complete", _("complete")
        STREAMING = "streaming", _("being written")
        STOPPED = "stopped", pgettext_lazy("answer", "stopped")  # by the learner
        CUT = "cut", _("cut off")  # the process that wrote it has ended, or it had no end
        FAILED = "failed", _("failed")

    conversation = models.ForeignKey(
        Conversation, on_delete=models.CASCADE, related_name="messages", verbose_name=_("conversation")
    )
    role = models.CharField(_("role"), max_length=10, choices=Role.choices)
    content = models.TextField(_("content"), blank=True)
    words = models.TextField(blank=True, editable=False)  # of it, for search, once it is complete
    status = models.CharField(_("status"), max_length=10, choices=Status.choices, default=Status.COMPLETE)
    is_superseded = models.BooleanField(_("superseded"), default=False)
    created_at = models.DateTimeField(_("created"), default=timezone.now)

    # Of a question: the code and the run it was asked about, as {"code", "run", "history"}.
    attached = models.JSONField(_("attached"), default=dict, blank=True)

    # Of an answer: who gave it, what it cost (the ledger's row knows all of it), what was sent for it.
    model = models.CharField(_("model"), max_length=100, blank=True)
    provider = models.CharField(_("provider"), max_length=60, blank=True)
    prompt_tokens = models.PositiveIntegerField(_("tokens asked"), default=0)
    completion_tokens = models.PositiveIntegerField(_("tokens answered"), default=0)
    call = models.ForeignKey(
        "tutor.ModelCall",
        on_delete=models.SET_NULL,
        related_name="+",
        null=True,
        blank=True,
        verbose_name=_("model call"),
    )
    error_code = models.CharField(_("error"), max_length=60, blank=True)
    error_message = models.CharField(_("error message"), max_length=1000, blank=True)
    citations = models.JSONField(_("citations"), default=list, blank=True)  # [{"id", "title", "url"}, …]
    context = models.JSONField(_("what was sent"), default=dict, blank=True)  # as `prompting.Prompt.as_json`

    objects = MessageQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                name="one_answer_at_a_time", fields=["conversation"], condition=Q(status="streaming")
            ),
        ]
        indexes = [
            models.Index(fields=["conversation", "id"], name="message_of_talk"),
            # For search: the latest first, and those of some conversations. Of big rows nothing else is read.
            models.Index(
                fields=["created_at", "model", "conversation"],
                name="message_by_time",
                condition=Q(is_superseded=False),
            ),
            models.Index(
                fields=["conversation", "model", "created_at"],
                name="message_by_model",
                condition=Q(is_superseded=False),
            ),
            models.Index(fields=["created_at"], name="answer_unfinished", condition=Q(status="streaming")),
        ]
        verbose_name = _("message")
        verbose_name_plural = _("messages")

    def __str__(self) -> str:
        return f"{self.conversation_id}:{self.pk}"

    @property
    def is_over(self) -> bool:
        return self.status != self.Status.STREAMING

    @property
    def tokens(self) -> int:
        return self.prompt_tokens + self.completion_tokens

    @property
    def is_question(self) -> bool:
        return self.role == self.Role.USER


class MessageImage(models.Model):
    """A picture that a learner asked about, as it was sent: made anew from what they chose."""

    message = models.ForeignKey(
        Message, on_delete=models.CASCADE, related_name="images", verbose_name=_("message")
    )
    content_type = models.CharField(_("content type"), max_length=20)
    data = models.BinaryField(_("data"))
    width = models.PositiveIntegerField(_("width"))  # pixels
    height = models.PositiveIntegerField(_("height"))  # pixels

    class Meta:
        ordering = ["pk"]
        verbose_name = _("picture")
        verbose_name_plural = _("pictures")

    def __str__(self) -> str:
        return f"{self.message_id}:{self.pk}"

    @property
    def address(self) -> str:
        """The picture itself as an address, for files that stand alone."""
        return f"data:{self.content_type};base64,{b64encode(bytes(self.data)).decode()}"
