import django.db.models.deletion
from django.db import migrations, models

from lessons.search.fulltext import AddFullText


class Migration(migrations.Migration):
    """Sections of lessons' texts, with their full-text index. `manage.py index_lessons` fills it."""

    dependencies = [
        ("lessons", "0004_exercises"),
    ]

    operations = [
        migrations.CreateModel(
            name="Section",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("position", models.PositiveIntegerField(verbose_name="position")),
                ("heading", models.CharField(blank=True, max_length=300, verbose_name="heading")),
                ("anchor", models.CharField(blank=True, max_length=310, verbose_name="anchor")),
                ("body", models.TextField(blank=True, verbose_name="text")),
                ("heading_words", models.TextField(editable=False)),
                ("title_words", models.TextField(editable=False)),
                ("body_words", models.TextField(editable=False)),
                (
                    "text",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="sections",
                        to="lessons.lessontext",
                        verbose_name="lesson text",
                    ),
                ),
            ],
            options={
                "verbose_name": "section",
                "verbose_name_plural": "sections",
                "ordering": ["text", "position"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("text", "position"), name="section_position_unique_in_text"
                    )
                ],
            },
        ),
        AddFullText("section", columns=["heading_words", "title_words", "body_words"]),
    ]
