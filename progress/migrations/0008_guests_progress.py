import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    """Guests have progress, too, and the time spent on lessons is kept."""

    dependencies = [
        ("lessons", "0003_audit"),
        ("progress", "0006_audit"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="StudyTime",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("guest_key", models.CharField(blank=True, max_length=40, verbose_name="guest key")),
                ("day", models.DateField(verbose_name="day")),
                ("seconds", models.PositiveIntegerField(default=0, verbose_name="seconds")),
                (
                    "updated_at",
                    models.DateTimeField(default=django.utils.timezone.now, verbose_name="updated"),
                ),
            ],
            options={
                "verbose_name": "study time",
                "verbose_name_plural": "study times",
            },
        ),
        migrations.AddField(
            model_name="lessonprogress",
            name="guest_key",
            field=models.CharField(blank=True, max_length=40, verbose_name="guest key"),
        ),
        migrations.AlterField(
            model_name="lessonprogress",
            name="learner",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                to=settings.AUTH_USER_MODEL,
                verbose_name="learner",
            ),
        ),
        migrations.AddConstraint(
            model_name="lessonprogress",
            constraint=models.UniqueConstraint(
                condition=models.Q(("learner", None)),
                fields=("guest_key", "lesson"),
                name="one_progress_per_lesson_of_guest",
            ),
        ),
        migrations.AddField(
            model_name="studytime",
            name="learner",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                to=settings.AUTH_USER_MODEL,
                verbose_name="learner",
            ),
        ),
        migrations.AddField(
            model_name="studytime",
            name="lesson",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="study_times",
                to="lessons.lesson",
                verbose_name="lesson",
            ),
        ),
        migrations.AddConstraint(
            model_name="studytime",
            constraint=models.UniqueConstraint(
                fields=("learner", "lesson", "day"), name="one_study_time_per_day"
            ),
        ),
        migrations.AddConstraint(
            model_name="studytime",
            constraint=models.UniqueConstraint(
                condition=models.Q(("learner", None)),
                fields=("guest_key", "lesson", "day"),
                name="one_study_time_per_day_of_guest",
            ),
        ),
    ]
