"""What a completed opportunity of the usual kinds tells lifecycle rules."""

from django.db import migrations

USUAL = {
    "submitted_content": ["case-study", "quote", "testimonial-video", "blog-post", "social-post"],
    "joined_program": ["beta-test", "advisory-board", "user-group-host"],
}


def seed(apps, schema_editor):
    kinds = apps.get_model("opportunities", "OpportunityKind")
    for signal, slugs in USUAL.items():
        kinds.objects.filter(slug__in=slugs, signal="").update(signal=signal)


class Migration(migrations.Migration):
    dependencies = [("opportunities", "0007_what_a_completed_one_is_heard_as")]

    operations = [migrations.RunPython(seed, migrations.RunPython.noop)]
