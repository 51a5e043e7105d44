from django.db import migrations, models


class Migration(migrations.Migration):
    """What classes are judged by, where it is counted fast."""

    dependencies = [("progress", "0012_shared_links")]

    operations = [
        migrations.AddField(
            model_name="submission",
            name="error",
            field=models.CharField(blank=True, default="", max_length=200, verbose_name="error"),
            preserve_default=False,
        ),
        migrations.AddIndex(
            model_name="submission",
            index=models.Index(
                condition=models.Q(("deleted_at", None), ("status", "finished")),
                fields=["learner", "created_at", "lesson", "exercise", "outcome", "passed", "error"],
                name="submission_tries",
            ),
        ),
        migrations.AddIndex(
            model_name="submission",
            index=models.Index(
                condition=models.Q(("deleted_at", None)), fields=["created_at"], name="submission_by_time"
            ),
        ),
    ]
