"""The usual rules for what is worked out of contracts, use and webinars (P17).

They are on in a new program, beside "Onboarding closed". In a program that has people already they come as drafts, for
leads to look at first. Rules that are there stay as they are.
"""

from typing import Any

from django.db import migrations
from django.utils import timezone

RULES = (
    ("Six months with use: introduce to mentors and peers", "six_months_use", "connect", {}, 0),
    ("Nine months in: ask how it has gone so far", "nine_months", "task",
     {"text": "nine months in; ask what has worked so far and what has not, before anybody asks for anything"}, 0),
    ("Nine months in: invite to the program, with early access", "nine_months", "invite", {"beta": True}, 14),
    ("Two webinars: offer a webinar or a blog post", "two_webinars", "offer", {"kinds": ["webinar", "blog-post"]}, 0),
)  # fmt: skip


def seed(apps: Any, schema_editor: Any) -> None:
    rule, advocate = apps.get_model("advocates", "LifecycleRule"), apps.get_model("advocates", "Advocate")
    now = timezone.now()
    new = not advocate.objects.exists()
    for name, signal, effect, params, delay in RULES:
        rule.objects.get_or_create(
            name=name,
            defaults={
                "signal": signal, "effect": effect, "effect_params": params, "delay_days": delay, "enabled": new,
                "enabled_from": now if new else None,
            },
        )  # fmt: skip


class Migration(migrations.Migration):
    dependencies = [("advocates", "0009_usual_journey")]
    operations = [migrations.RunPython(seed, migrations.RunPython.noop)]
