import re

from django.db import migrations

CALLOUT = re.compile(r"^\[![\w-]+(?: *\| *[\w-]+)*\][-+]?[ \t]*\n?", re.MULTILINE)


def take_marks_out(apps, schema_editor):
    """As texts are read from now on; what is left in the index of the word "tip" or "note" does no harm."""
    Section = apps.get_model("lessons", "Section")
    marked = Section.objects.filter(body__contains="[!").only("body").order_by("pk")
    for section in marked.iterator(chunk_size=500):
        section.body = CALLOUT.sub("", section.body)
        section.save(update_fields=["body"])


class Migration(migrations.Migration):
    """Search showed the marks of callouts, such as "[!TIP]", in the texts it found."""

    dependencies = [
        ("lessons", "0007_drafts_and_history"),
    ]

    operations = [migrations.RunPython(take_marks_out, migrations.RunPython.noop)]
