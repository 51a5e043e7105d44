from django.db import migrations

ROLES = ("admins", "instructors")


def make_groups(apps, schema_editor):
    group = apps.get_model("auth", "Group")
    for name in ROLES:
        group.objects.get_or_create(name=name)


class Migration(migrations.Migration):
    """The groups that are roles. Backwards they stay: an operator may have made them before."""

    dependencies = [
        ("progress", "0002_classes_and_completion"),
        ("auth", "0012_alter_user_first_name_max_length"),
    ]

    operations = [migrations.RunPython(make_groups, migrations.RunPython.noop)]
