from django.db import migrations, models


class Migration(migrations.Migration):
    """Classes that are put away."""

    dependencies = [
        ("progress", "0008_guests_progress_undone"),
    ]

    operations = [
        migrations.AddField(
            model_name="cohort",
            name="archived_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="archived"),
        ),
    ]
