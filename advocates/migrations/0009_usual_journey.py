"""The usual stages of a customer's way, for leads to say in their own words (P4)."""

from django.db import migrations

STAGES = (
    ("Onboarding", "Customer Success", "Kick-off, weekly check-ins, a plan for the first ninety days",
     "An introduction to the program when it closes, nothing asked", "A named reference manager, the community"),
    ("Adoption", "Customer Success, Education", "Training, certification, reviews of use",
     "Feedback on the product, a webinar seat, a question answered in the community", "Badges, early access"),
    ("Value", "Customer Success", "A review of results after six months",
     "A quote or a story while the figures are fresh", "Their story told, with their name on it"),
    ("Renewal", "Account owner", "A renewal talk ninety days ahead",
     "A thank-you; reference calls for whoever likes giving them", "A say in the roadmap"),
    ("Growth", "Account owner, Sales", "Plans for more teams and sites",
     "An introduction to peers, a talk at an event", "A stage, a network"),
)  # fmt: skip


def write(apps, schema_editor):
    stages = apps.get_model("advocates", "JourneyStage")
    if stages.objects.exists():
        return
    for number, (name, team, touch, asks, incentives) in enumerate(STAGES):
        stages.objects.create(
            name=name, order=number * 10, team=team, touch=touch, asks=asks, incentives=incentives
        )  # fmt: skip


class Migration(migrations.Migration):
    dependencies = [("advocates", "0008_journey_and_launch")]

    operations = [migrations.RunPython(write, migrations.RunPython.noop)]
