"""Talks with the tutor, and the words in them."""

import uuid

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

from lessons.search.fulltext import AddFullText


class Migration(migrations.Migration):
    dependencies = [
        ("lessons", "0003_audit"),
        ("tutor", "0002_audit"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Conversation",
            fields=[
                (
                    "deleted_at",
                    models.DateTimeField(blank=True, editable=False, null=True, verbose_name="deleted"),
                ),
                (
                    "id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                ("guest_key", models.CharField(blank=True, max_length=40, verbose_name="guest key")),
                ("title", models.CharField(max_length=200, verbose_name="title")),
                ("is_pinned", models.BooleanField(default=False, verbose_name="pinned")),
                (
                    "created_at",
                    models.DateTimeField(default=django.utils.timezone.now, verbose_name="created"),
                ),
                (
                    "updated_at",
                    models.DateTimeField(default=django.utils.timezone.now, verbose_name="updated"),
                ),
                (
                    "lesson",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="lessons.lesson",
                        verbose_name="lesson",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="conversations",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="user",
                    ),
                ),
            ],
            options={
                "verbose_name": "conversation",
                "verbose_name_plural": "conversations",
                "ordering": ["-updated_at"],
            },
        ),
        migrations.CreateModel(
            name="Message",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "role",
                    models.CharField(
                        choices=[("user", "question"), ("assistant", "answer")],
                        max_length=10,
                        verbose_name="role",
                    ),
                ),
                ("content", models.TextField(blank=True, verbose_name="content")),
                ("words", models.TextField(blank=True, editable=False)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("complete", "complete"),
                            ("streaming", "being written"),
                            ("stopped", "stopped"),
                            ("cut", "cut off"),
                            ("failed", "failed"),
                        ],
                        default="complete",
                        max_length=10,
                        verbose_name="status",
                    ),
                ),
                ("is_superseded", models.BooleanField(default=False, verbose_name="superseded")),
                (
                    "created_at",
                    models.DateTimeField(default=django.utils.timezone.now, verbose_name="created"),
                ),
                ("attached", models.JSONField(blank=True, default=dict, verbose_name="attached")),
                ("model", models.CharField(blank=True, max_length=100, verbose_name="model")),
                ("provider", models.CharField(blank=True, max_length=60, verbose_name="provider")),
                ("prompt_tokens", models.PositiveIntegerField(default=0, verbose_name="tokens asked")),
                ("completion_tokens", models.PositiveIntegerField(default=0, verbose_name="tokens answered")),
                ("error_code", models.CharField(blank=True, max_length=60, verbose_name="error")),
                (
                    "error_message",
                    models.CharField(blank=True, max_length=1000, verbose_name="error message"),
                ),
                ("citations", models.JSONField(blank=True, default=list, verbose_name="citations")),
                ("context", models.JSONField(blank=True, default=dict, verbose_name="what was sent")),
                (
                    "call",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="tutor.modelcall",
                        verbose_name="model call",
                    ),
                ),
                (
                    "conversation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="messages",
                        to="tutor.conversation",
                        verbose_name="conversation",
                    ),
                ),
            ],
            options={
                "verbose_name": "message",
                "verbose_name_plural": "messages",
                "ordering": ["pk"],
            },
        ),
        migrations.CreateModel(
            name="MessageImage",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("content_type", models.CharField(max_length=20, verbose_name="content type")),
                ("data", models.BinaryField(verbose_name="data")),
                ("width", models.PositiveIntegerField(verbose_name="width")),
                ("height", models.PositiveIntegerField(verbose_name="height")),
                (
                    "message",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="images",
                        to="tutor.message",
                        verbose_name="message",
                    ),
                ),
            ],
            options={
                "verbose_name": "picture",
                "verbose_name_plural": "pictures",
                "ordering": ["pk"],
            },
        ),
        migrations.AddIndex(
            model_name="conversation",
            index=models.Index(
                condition=models.Q(("deleted_at", None)),
                fields=["user", "created_at", "id"],
                name="talk_by_creation",
            ),
        ),
        migrations.AddIndex(
            model_name="conversation",
            index=models.Index(
                condition=models.Q(("deleted_at", None)),
                fields=["user", "updated_at", "id"],
                name="talk_by_change",
            ),
        ),
        migrations.AddIndex(
            model_name="conversation",
            index=models.Index(
                condition=models.Q(("deleted_at", None)), fields=["user", "title", "id"], name="talk_by_title"
            ),
        ),
        migrations.AddIndex(
            model_name="conversation",
            index=models.Index(
                condition=models.Q(("deleted_at", None)),
                fields=["user", "-is_pinned", "-updated_at", "-id"],
                name="talk_pinned_first",
            ),
        ),
        migrations.AddIndex(
            model_name="conversation",
            index=models.Index(
                condition=models.Q(("deleted_at", None), ("user", None)),
                fields=["guest_key", "-updated_at"],
                name="talk_of_guest",
            ),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(fields=["conversation", "id"], name="message_of_talk"),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(
                condition=models.Q(("status", "streaming")), fields=["created_at"], name="answer_unfinished"
            ),
        ),
        migrations.AddConstraint(
            model_name="message",
            constraint=models.UniqueConstraint(
                condition=models.Q(("status", "streaming")),
                fields=("conversation",),
                name="one_answer_at_a_time",
            ),
        ),
        AddFullText("message", columns=["words"]),
    ]
