"""What search looks at is in indexes: messages by time with their model, and by conversation and model."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("tutor", "0004_messages_by_time")]

    operations = [
        migrations.RemoveIndex(model_name="message", name="message_by_time"),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(
                condition=models.Q(is_superseded=False),
                fields=["created_at", "model", "conversation"],
                name="message_by_time",
            ),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(
                condition=models.Q(is_superseded=False),
                fields=["conversation", "model", "created_at"],
                name="message_by_model",
            ),
        ),
    ]
