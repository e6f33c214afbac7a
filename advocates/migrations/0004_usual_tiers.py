"""The tiers a program begins with."""

from typing import Any

from django.db import migrations

TIERS = (
    ("Bronze", 0, "a seat in the circle"),
    ("Silver", 300, "early access to what is new"),
    ("Gold", 900, "a seat at the table where the year is planned"),
)


def seed(apps: Any, schema_editor: Any) -> None:
    tier = apps.get_model("advocates", "Tier")
    for name, from_points, brings in TIERS:
        tier.objects.get_or_create(name=name, defaults={"from_points": from_points, "brings": brings})


class Migration(migrations.Migration):
    dependencies = [("advocates", "0003_usual_rules_and_invitations")]
    operations = [migrations.RunPython(seed, migrations.RunPython.noop)]
