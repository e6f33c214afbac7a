"""The program asks about itself from the first day: one survey that comes 30 and 90 days after joining and yearly."""

from django.db import migrations
from django.utils import timezone

QUESTIONS = [
    {"key": "glad", "label": "How glad are you to be in the program?", "type": "ten", "required": True},
    {"key": "change", "label": "What should we change, begin or stop?", "type": "text", "required": False},
]


def seed(apps, schema_editor):
    surveys = apps.get_model("opportunities", "Survey")
    if not surveys.objects.filter(kind="program").exists():
        surveys.objects.create(
            kind="program", title="How is the program for you?", questions=QUESTIONS, status="open",
            intro="You have been with us for a while. Two questions, so that it gets better for you.",
            opened_at=timezone.now(),
        )  # fmt: skip


class Migration(migrations.Migration):
    dependencies = [("opportunities", "0012_surveys")]

    operations = [migrations.RunPython(seed, migrations.RunPython.noop)]
