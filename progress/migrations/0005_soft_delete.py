from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    """Runs and drafts can be deleted without being gone at once."""

    dependencies = [
        ("progress", "0004_model_calls"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="submission",
            name="deleted_at",
            field=models.DateTimeField(blank=True, editable=False, null=True, verbose_name="deleted"),
        ),
        migrations.AddField(
            model_name="draft",
            name="deleted_at",
            field=models.DateTimeField(blank=True, editable=False, null=True, verbose_name="deleted"),
        ),
        migrations.RemoveConstraint(model_name="draft", name="one_draft_per_lesson"),
        migrations.AddConstraint(
            model_name="draft",
            constraint=models.UniqueConstraint(
                condition=models.Q(("deleted_at", None)),
                fields=("learner", "lesson"),
                name="one_draft_per_lesson",
            ),
        ),
    ]
