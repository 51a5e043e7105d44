from django.db import migrations


def forget_guests(apps, schema_editor):
    """Before, progress was of accounts alone: what guests have goes when this is undone."""
    apps.get_model("progress", "LessonProgress").objects.filter(learner=None).delete()


class Migration(migrations.Migration):
    """Nothing on the way there."""

    dependencies = [("progress", "0008_guests_progress")]

    operations = [migrations.RunPython(migrations.RunPython.noop, forget_guests)]
