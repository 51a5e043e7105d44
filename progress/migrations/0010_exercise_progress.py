import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    """What learners have solved and when they should again, and the newest runs of a person at hand."""

    dependencies = [
        ("lessons", "0004_exercises"),
        ("progress", "0009_archived_classes"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="ExerciseProgress",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("guest_key", models.CharField(blank=True, max_length=40, verbose_name="guest key")),
                ("solved_at", models.DateTimeField(blank=True, null=True, verbose_name="solved")),
                ("is_open", models.BooleanField(default=True, verbose_name="attempt under way")),
                ("failures", models.PositiveIntegerField(default=0, verbose_name="failed runs")),
                ("hints", models.PositiveIntegerField(default=0, verbose_name="hints taken")),
                ("stability", models.FloatField(blank=True, null=True, verbose_name="stability")),
                ("difficulty", models.FloatField(blank=True, null=True, verbose_name="difficulty")),
                ("rated_on", models.DateField(blank=True, null=True, verbose_name="rated")),
                ("due_on", models.DateField(blank=True, null=True, verbose_name="due")),
                (
                    "updated_at",
                    models.DateTimeField(default=django.utils.timezone.now, verbose_name="updated"),
                ),
            ],
            options={
                "verbose_name": "progress with an exercise",
                "verbose_name_plural": "progress with exercises",
            },
        ),
        migrations.AddIndex(
            model_name="submission",
            index=models.Index(fields=["learner", "-created_at"], name="submission_newest_of_learner"),
        ),
        migrations.AddIndex(
            model_name="submission",
            index=models.Index(
                condition=models.Q(("learner", None)),
                fields=["guest_key", "-created_at"],
                name="submission_newest_of_guest",
            ),
        ),
        migrations.AddField(
            model_name="exerciseprogress",
            name="exercise",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="progress",
                to="lessons.exercise",
                verbose_name="exercise",
            ),
        ),
        migrations.AddField(
            model_name="exerciseprogress",
            name="learner",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                to=settings.AUTH_USER_MODEL,
                verbose_name="learner",
            ),
        ),
        migrations.AddIndex(
            model_name="exerciseprogress",
            index=models.Index(fields=["learner", "due_on"], name="exercise_reviews_of_learner"),
        ),
        migrations.AddConstraint(
            model_name="exerciseprogress",
            constraint=models.UniqueConstraint(
                fields=("learner", "exercise"), name="one_progress_per_exercise"
            ),
        ),
        migrations.AddConstraint(
            model_name="exerciseprogress",
            constraint=models.UniqueConstraint(
                condition=models.Q(("learner", None)),
                fields=("guest_key", "exercise"),
                name="one_progress_per_exercise_of_guest",
            ),
        ),
        migrations.AddConstraint(
            model_name="exerciseprogress",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("difficulty__isnull", False),
                        ("due_on__isnull", False),
                        ("rated_on__isnull", False),
                        ("stability__isnull", False),
                    ),
                    models.Q(
                        ("difficulty__isnull", True),
                        ("due_on__isnull", True),
                        ("rated_on__isnull", True),
                        ("stability__isnull", True),
                    ),
                    _connector="OR",
                ),
                name="exercise_rated_as_a_whole",
            ),
        ),
    ]
