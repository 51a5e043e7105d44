from django.db import migrations, models


class Migration(migrations.Migration):
    """A run knows how often its program called a model."""

    dependencies = [("progress", "0003_role_groups")]

    operations = [
        migrations.AddField(
            model_name="submission",
            name="calls",
            field=models.PositiveIntegerField(default=0, verbose_name="model calls"),
        ),
    ]
