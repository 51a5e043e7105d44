"""What is said about lines of a run's code, and who is told so."""

from __future__ import annotations

from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from lessons.deleting import Deletable, HidesDeleted
from progress.models.runs import Submission

COMMENT_LIMIT = 4_000  # characters


class LineComment(Deletable):
    """What somebody says about lines of a run. All that end at the same line of it are one talk."""

    submission = models.ForeignKey(
        Submission, on_delete=models.CASCADE, related_name="line_comments", verbose_name=_("submission")
    )
    # Null: an instructor who has left the site; the learner keeps what was said.
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="line_comments",
        verbose_name=_("author"),
    )
    first_line = models.PositiveIntegerField(_("first line"))  # 1 for the first
    last_line = models.PositiveIntegerField(_("last line"))
    text = models.TextField(_("text"), max_length=COMMENT_LIMIT)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    edited_at = models.DateTimeField(_("edited"), null=True, blank=True)

    objects = HidesDeleted["LineComment"]()
    all_rows = models.Manager["LineComment"]()

    class Meta:
        ordering = ["created_at", "pk"]
        constraints = [
            models.CheckConstraint(
                name="comment_on_lines_in_order",
                condition=Q(first_line__gte=1, last_line__gte=F("first_line")),
            ),
            models.CheckConstraint(name="comment_says_something", condition=~Q(text="")),
        ]
        verbose_name = _("comment on lines")
        verbose_name_plural = _("comments on lines")

    def __str__(self) -> str:
        return f"{self.submission_id}:{self.first_line}-{self.last_line}"

    @property
    def author_name(self) -> str:
        """As readers see it, at the begin of a sentence or alone."""
        author: Any = self.author
        return str(author.get_full_name() or author.username if author else _("A former instructor"))

    @property
    def anchor(self) -> str:
        """Where on a page it stands."""
        return f"comment-{self.pk}"


class NotificationQuerySet(models.QuerySet["Notification"]):
    def of(self, user: Any) -> Self:
        return self.filter(recipient=user.pk)

    def unread(self) -> Self:
        return self.filter(read_at=None)

    def mark_read(self) -> int:
        return self.unread().update(read_at=timezone.now())


class Notification(models.Model):
    """Something that somebody should look at. It has no text: that is for those who still may see it."""

    class Kind(models.TextChoices):
        COMMENT = "comment", _("comment on a run")
        REPLY = "reply", _("reply to a comment")

    recipient = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="notifications",
        verbose_name=_("recipient"),
    )
    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices)
    # What it is about; it goes with it.
    comment = models.ForeignKey(
        LineComment, on_delete=models.CASCADE, related_name="notifications", verbose_name=_("comment")
    )
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    read_at = models.DateTimeField(_("read"), null=True, blank=True)
    mailed_at = models.DateTimeField(_("mailed"), null=True, blank=True)

    objects = NotificationQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["recipient", "comment"], name="one_notification_of_a_comment"),
            models.CheckConstraint(
                name="notification_of_known_kind", condition=Q(kind__in=["comment", "reply"])
            ),
        ]
        indexes = [
            models.Index(fields=["recipient", "-created_at"], name="notification_newest"),
            # What every page counts.
            models.Index(fields=["recipient"], name="notification_unread", condition=Q(read_at=None)),
        ]
        verbose_name = _("notification")
        verbose_name_plural = _("notifications")

    def __str__(self) -> str:
        return f"{self.recipient_id} {self.kind} {self.comment_id}"
