"""Mail a sender has taken is about to go."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("delivery", "0001_initial")]
    operations = [
        migrations.AlterField(
            "message",
            "status",
            models.CharField(
                choices=[
                    ("due", "due"),
                    ("leased", "about to go"),
                    ("sending", "sending"),
                    ("sent", "sent"),
                    ("failed", "failed"),
                    ("in_doubt", "in doubt"),
                    ("suppressed", "suppressed"),
                    ("cancelled", "cancelled"),
                ],
                default="due",
                max_length=10,
                verbose_name="status",
            ),
        )
    ]
