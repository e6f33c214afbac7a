"""The invitations and rules a program begins with; leads change them in the portal.

One rule is switched on: onboarding closed → invite. The others are drafts.
"""

from typing import Any

from django.db import migrations
from django.utils import timezone

EN = (
    "{manager} would like you in {program}",
    """You and your team at {account} have come a long way with us. {program} is the circle of customers who shape what we build, meet others who do the same work, and are thanked for what they give.

You choose what you take part in, and how often. Most people give about an hour a month. It costs nothing, and you can leave whenever you like.

I would be glad to have you there.

{manager}""",
    "Legitimate interest in asking a business customer, at their business address, to take part in the customer program; they may opt out in every mail.",
)
DE = (
    "{manager} lädt Sie in {program} ein",
    """Sie und Ihr Team bei {account} sind mit uns weit gekommen. {program} ist der Kreis der Kunden, die mitbestimmen, was wir bauen, die andere mit derselben Aufgabe treffen und denen wir für ihren Beitrag danken.

Sie entscheiden, woran Sie teilnehmen und wie oft. Die meisten geben etwa eine Stunde im Monat. Es kostet nichts, und Sie können jederzeit gehen.

Ich würde mich freuen, Sie dort zu treffen.

{manager}""",
    "Berechtigtes Interesse, einen Geschäftskunden unter seiner geschäftlichen Adresse zum Kundenprogramm einzuladen; jede Nachricht enthält einen Widerspruch.",
)
DRAFTS = (
    ("Onboarding kick-off: say hello", "onboarding_kickoff", "task", {"text": "onboarding has begun; introduce yourself as their person in the program"}),
    ("Contract signed: plan the first months", "contract_signed", "task", {"text": "a contract was signed; agree with the CSM when to speak of the program"}),
    ("Onboarding check-in: listen", "onboarding_checkin", "task", {"text": "a check-in took place; ask the CSM how it went"}),
    ("Certified: invite to the program", "certified", "invite", {}),
    ("Certified further: offer a stage", "certified_further", "task", {"text": "somebody passed another certification; ask whether they would like to teach"}),
    ("Adoption red flag: let asks rest", "adoption_red_flag", "rest", {"days": 60}),
    ("Adoption landmark: invite to the program", "adoption_landmark", "invite", {}),
    ("New feature adopted: ask how it goes", "feature_adopted", "task", {"text": "they began to use a feature; ask what they make of it"}),
    ("Joined a customer program: invite to this one", "joined_program", "invite", {}),
    ("Submitted content: thank them", "submitted_content", "task", {"text": "somebody submitted content; thank them and ask what may be done with it"}),
    ("NPS given: read it together", "nps", "task", {"text": "an NPS answer came in; read it with the CSM"}),
    ("CSAT given: read it together", "csat", "task", {"text": "a CSAT answer came in; read it with the CSM"}),
    ("Upsell started: keep out of the way", "upsell_started", "rest", {"days": 14}),
    ("Upsell won: congratulate", "upsell_won", "task", {"text": "they bought more; congratulate the person who carried it"}),
    ("Upsell not finished: let asks rest", "upsell_lost", "rest", {"days": 30}),
    ("Renewed: invite to the program", "renewed", "invite", {}),
    ("Upgraded: invite to the program", "upgraded", "invite", {}),
    ("Bought services: meet the team", "bought_services", "task", {"text": "they bought services; ask the consultants who stands out"}),
    ("Attended a webinar: follow up", "attended_webinar", "task", {"text": "somebody attended a webinar; ask what they took from it"}),
    ("Attended an event: invite to the program", "attended_event", "invite", {}),
    ("Attended a user group: invite to the program", "attended_user_group", "invite", {}),
    ("Completed a course: congratulate", "completed_course", "task", {"text": "somebody completed a course; congratulate them"}),
    ("Escalation opened: let asks rest", "escalation_opened", "rest", {"days": 14}),
    ("Escalation closed: find out how they are", "escalation_closed", "task", {"text": "an escalation was closed; find out how they are before anybody asks for anything"}),
    ("Churn notice: talk first", "churn_notice", "task", {"text": "they gave notice; talk to the CSM before anybody writes to them"}),
    ("90 days before renewal: look at the year", "renewal_ahead", "task", {"text": "the contract renews in 90 days; look at what they gave and got this year"}),
)


def seed(apps: Any, schema_editor: Any) -> None:
    template = apps.get_model("advocates", "InvitationTemplate")
    for language, (subject, body, basis) in (("en", EN), ("de", DE)):
        template.objects.get_or_create(
            region="", language=language, defaults={"subject": subject, "body": body, "basis": basis}
        )
    rule = apps.get_model("advocates", "LifecycleRule")
    rule.objects.get_or_create(
        name="Onboarding closed: invite to the program",
        defaults={
            "signal": "onboarding_closed", "effect": "invite", "enabled": True, "enabled_from": timezone.now(),
        },
    )
    for name, signal, effect, params in DRAFTS:
        rule.objects.get_or_create(
            name=name, defaults={"signal": signal, "effect": effect, "effect_params": params, "enabled": False}
        )


class Migration(migrations.Migration):
    dependencies = [("advocates", "0002_usual_ask_caps")]
    operations = [migrations.RunPython(seed, migrations.RunPython.noop)]
