"""The caps a program begins with; leads change them in the admin."""

from typing import Any

from django.db import migrations

USUAL = (("advocate", 2, 90), ("advocate", 6, 365), ("account", 4, 90))


def seed(apps: Any, schema_editor: Any) -> None:
    caps = apps.get_model("advocates", "AskCap")
    for scope, most, days in USUAL:
        caps.objects.get_or_create(scope=scope, kind="", days=days, defaults={"most": most})


class Migration(migrations.Migration):
    dependencies = [("advocates", "0001_initial")]
    operations = [migrations.RunPython(seed, migrations.RunPython.noop)]
