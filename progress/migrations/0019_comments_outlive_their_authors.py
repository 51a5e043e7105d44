import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    """A learner keeps what was said when whoever said it leaves the site."""

    dependencies = [
        ("progress", "0018_tries_of_solved_exercises"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterField(
            model_name="linecomment",
            name="author",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="line_comments",
                to=settings.AUTH_USER_MODEL,
                verbose_name="author",
            ),
        ),
    ]
