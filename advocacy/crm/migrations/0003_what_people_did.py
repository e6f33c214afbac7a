"""The activities have a name people understand."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("crm", "0002_accounts_by_domain")]
    operations = [
        migrations.AlterModelOptions(
            "activity", {"verbose_name": "activity", "verbose_name_plural": "what people did"}
        )
    ]
