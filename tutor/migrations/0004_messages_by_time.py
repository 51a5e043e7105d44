"""Messages of some days are found without reading all."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("tutor", "0003_conversations")]

    operations = [
        migrations.AddIndex(
            model_name="message", index=models.Index(fields=["created_at"], name="message_by_time")
        ),
    ]
