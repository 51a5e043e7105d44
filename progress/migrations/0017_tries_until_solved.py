from django.db import migrations, models


class Migration(migrations.Migration):
    """How many tries an exercise took, counted when it is solved instead of for each look at a class."""

    dependencies = [("progress", "0016_comments_on_lines")]

    operations = [
        migrations.AddField(
            model_name="exerciseprogress",
            name="tries",
            field=models.PositiveIntegerField(blank=True, null=True, verbose_name="tries until solved"),
        ),
    ]
