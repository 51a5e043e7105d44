from django.db import migrations


def forget_nameless(apps, schema_editor):
    """Before, comments went with their authors: those of nobody go when this is undone."""
    apps.get_model("progress", "LineComment")._base_manager.filter(author=None).delete()


class Migration(migrations.Migration):
    """Nothing on the way there."""

    dependencies = [("progress", "0019_comments_outlive_their_authors")]

    operations = [migrations.RunPython(migrations.RunPython.noop, forget_nameless)]
