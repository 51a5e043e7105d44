from django.db import migrations
from django.db.models import Count, OuterRef, Subquery


def count_tries(apps, schema_editor):
    """Of exercises solved before tries were kept: the judged runs until then, as far as there still are any."""
    submissions = apps.get_model("progress", "Submission")._base_manager.order_by()
    judged = submissions.filter(
        exercise=OuterRef("exercise"),
        status="finished",
        deleted_at=None,
        passed__isnull=False,
        created_at__lte=OuterRef("solved_at"),
    )
    progress = apps.get_model("progress", "ExerciseProgress")._base_manager.filter(solved_at__isnull=False)
    for of_guests in (False, True):
        owner = (
            {"learner": None, "guest_key": OuterRef("guest_key")}
            if of_guests
            else {"learner": OuterRef("learner")}
        )
        counted = judged.filter(**owner).values("exercise").annotate(tries=Count("pk"))
        # Without any run there is no group, and no number.
        progress.filter(learner__isnull=of_guests).update(tries=Subquery(counted.values("tries")))


class Migration(migrations.Migration):
    dependencies = [("progress", "0017_tries_until_solved")]

    operations = [migrations.RunPython(count_tries, migrations.RunPython.noop)]
