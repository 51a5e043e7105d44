import django.db.models.deletion
import simple_history.models
from django.conf import settings
from django.db import migrations, models

import lessons.models


class Migration(migrations.Migration):
    """Drafts and versions of lessons, and what of a course's files is to be exported again."""

    dependencies = [
        ("lessons", "0006_search"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="lesson",
            name="is_withdrawn",
            field=models.BooleanField(default=False, verbose_name="withdrawn"),
        ),
        migrations.AddField(
            model_name="lesson",
            name="source_position",
            field=models.PositiveIntegerField(blank=True, null=True, verbose_name="position in the files"),
        ),
        migrations.AddField(
            model_name="lessontext",
            name="created_by",
            field=models.ForeignKey(
                blank=True,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="made by",
            ),
        ),
        migrations.AddField(
            model_name="lessontext",
            name="is_from_files",
            field=models.BooleanField(default=True, verbose_name="from the files"),
        ),
        migrations.AddField(
            model_name="lessontext",
            name="updated_by",
            field=models.ForeignKey(
                blank=True,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="changed by",
            ),
        ),
        migrations.CreateModel(
            name="Divergence",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("base", models.TextField(verbose_name="as imported")),
                ("source", models.TextField(blank=True, null=True, verbose_name="as the file has it now")),
                ("updated_at", models.DateTimeField(auto_now=True, verbose_name="updated")),
                (
                    "text",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="divergence",
                        to="lessons.lessontext",
                        verbose_name="lesson text",
                    ),
                ),
            ],
            options={
                "verbose_name": "difference from the files",
                "verbose_name_plural": "differences from the files",
            },
        ),
        migrations.CreateModel(
            name="HistoricalLessonText",
            fields=[
                (
                    "id",
                    models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name="ID"),
                ),
                (
                    "language",
                    models.CharField(
                        choices=[("zh-hans", "Chinese"), ("en", "English")],
                        max_length=10,
                        verbose_name="language",
                    ),
                ),
                ("title", models.CharField(max_length=300, verbose_name="title")),
                ("part", models.CharField(blank=True, max_length=300, verbose_name="part")),
                ("markdown", models.TextField(verbose_name="Markdown")),
                ("history_change_reason", models.CharField(max_length=200, null=True, verbose_name="why")),
                ("history_id", models.AutoField(primary_key=True, serialize=False)),
                ("history_date", models.DateTimeField(db_index=True)),
                (
                    "history_type",
                    models.CharField(
                        choices=[("+", "Created"), ("~", "Changed"), ("-", "Deleted")], max_length=1
                    ),
                ),
                (
                    "history_user",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "lesson",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="lessons.lesson",
                        verbose_name="lesson",
                    ),
                ),
            ],
            options={
                "verbose_name": "version of a lesson text",
                "verbose_name_plural": "versions of lesson texts",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name="CourseFile",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("path", models.CharField(max_length=500, verbose_name="path")),
                ("language", models.CharField(blank=True, max_length=10, verbose_name="language")),
                ("text", models.TextField(blank=True, verbose_name="text")),
                ("has_bom", models.BooleanField(default=False, verbose_name="begins with a byte order mark")),
                (
                    "course",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="files",
                        to="lessons.course",
                        verbose_name="course",
                    ),
                ),
            ],
            options={
                "verbose_name": "course file",
                "verbose_name_plural": "course files",
                "constraints": [
                    models.UniqueConstraint(fields=("course", "path"), name="course_file_path_unique")
                ],
            },
        ),
        migrations.CreateModel(
            name="LessonDraft",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "language",
                    models.CharField(
                        choices=[("zh-hans", "Chinese"), ("en", "English")],
                        max_length=10,
                        verbose_name="language",
                    ),
                ),
                ("markdown", models.TextField(verbose_name="Markdown")),
                ("base", models.TextField(blank=True, verbose_name="begun from")),
                ("note", models.CharField(blank=True, max_length=200, verbose_name="why")),
                (
                    "token",
                    models.CharField(
                        blank=True,
                        default=lessons.models.make_draft_token,
                        max_length=64,
                        verbose_name="token",
                    ),
                ),
                (
                    "publish_at",
                    models.DateTimeField(
                        blank=True, db_index=True, null=True, verbose_name="to be published at"
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created")),
                ("updated_at", models.DateTimeField(auto_now=True, verbose_name="updated")),
                (
                    "created_by",
                    models.ForeignKey(
                        blank=True,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="made by",
                    ),
                ),
                (
                    "lesson",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="text_drafts",
                        to="lessons.lesson",
                        verbose_name="lesson",
                    ),
                ),
                (
                    "updated_by",
                    models.ForeignKey(
                        blank=True,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="changed by",
                    ),
                ),
            ],
            options={
                "verbose_name": "lesson draft",
                "verbose_name_plural": "lesson drafts",
                "constraints": [
                    models.UniqueConstraint(fields=("lesson", "language"), name="one_draft_per_lesson_text")
                ],
            },
        ),
    ]
