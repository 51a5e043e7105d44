from django.db import migrations

from progress.error_lines import error_line
from sandbox.execution import Output, Stream

AT_ONCE = 500


def name_errors(apps, schema_editor):
    """Runs from before the column: the error is the last line of what they printed."""
    submissions = apps.get_model("progress", "Submission")._base_manager
    failed = submissions.filter(status="finished", error="").exclude(outcome__in=["ok", "cancelled"])
    changed = []
    for run in failed.only("pk", "output").iterator(chunk_size=AT_ONCE):
        run.error = error_line(Output(Stream(stream), text) for stream, text in run.output)
        if run.error:
            changed.append(run)
        if len(changed) == AT_ONCE:
            submissions.bulk_update(changed, ["error"])
            changed = []
    submissions.bulk_update(changed, ["error"])


class Migration(migrations.Migration):
    dependencies = [("progress", "0013_tries_of_classes")]

    operations = [migrations.RunPython(name_errors, migrations.RunPython.noop)]
