"""Accounts are found by their domain, however it was typed."""

from django.db import migrations, models
from django.db.models.functions import Lower


class Migration(migrations.Migration):
    dependencies = [("crm", "0001_initial")]
    operations = [migrations.AddIndex("account", models.Index(Lower("domain"), name="account_domain"))]
