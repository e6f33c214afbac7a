from django.db import migrations
from django.utils import timezone


def keep_what_stands(apps, schema_editor):
    """What was said before entries were kept becomes one; who said it is not known any more."""
    Account = apps.get_model("crm", "Account")
    NotReady = apps.get_model("crm", "NotReady")
    now = timezone.now()
    NotReady.objects.bulk_create(
        NotReady(account=account, reason=account.readiness_reason, began_at=now)
        for account in Account.objects.filter(readiness="not_ready").iterator()
    )


class Migration(migrations.Migration):
    dependencies = [("crm", "0008_who_said_not_ready")]

    operations = [migrations.RunPython(keep_what_stands, migrations.RunPython.noop)]
