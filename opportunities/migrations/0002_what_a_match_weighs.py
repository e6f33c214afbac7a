"""The weights a match begins with."""

from django.db import migrations

WEIGHTS = [
    ("industry", "Same industry", 20),
    ("size", "About the same size", 12),
    ("region", "Same region", 8),
    ("country", "Same country", 4),
    ("product", "Uses the product", 12),
    ("use_case", "Same use case", 12),
    ("role", "Does the same work", 8),
    ("competitor", "Came from the same competitor", 6),
    ("depth", "Can go as deep as wanted", 4),
    ("freshness", "Rested longest", 10),
    ("concentration", "Seldom asked", 6),
    ("quality", "Went well before", 8),
    ("willingness", "Wants to do this", 10),
]


def seed_weights(apps, schema_editor):
    weights = apps.get_model("opportunities", "MatchWeight")
    for order, (part, name, weight) in enumerate(WEIGHTS, start=1):
        weights.objects.get_or_create(part=part, defaults={"name": name, "weight": weight, "order": order * 10})


class Migration(migrations.Migration):
    dependencies = [("opportunities", "0001_initial")]
    operations = [migrations.RunPython(seed_weights, migrations.RunPython.noop)]
