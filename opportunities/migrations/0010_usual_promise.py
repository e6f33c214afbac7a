"""Two working days of the desk's own time, for every team and whatever is wanted, until the program says otherwise."""

from django.db import migrations


def seed(apps, schema_editor):
    apps.get_model("opportunities", "DeskHours").objects.get_or_create(pk=1)
    promises = apps.get_model("opportunities", "Promise")
    if not promises.objects.exists():
        promises.objects.create(hours=16)


class Migration(migrations.Migration):
    dependencies = [("opportunities", "0009_promises_of_the_desk")]

    operations = [migrations.RunPython(seed, migrations.RunPython.noop)]
