from django.db import migrations, models


class Migration(migrations.Migration):
    """Whether somebody wants mail about comments."""

    dependencies = [
        ("helloagents", "0002_people_and_audit"),
    ]

    operations = [
        migrations.AddField(
            model_name="user",
            name="mails_of_comments",
            field=models.BooleanField(default=True, verbose_name="mail about comments on my runs"),
        ),
    ]
