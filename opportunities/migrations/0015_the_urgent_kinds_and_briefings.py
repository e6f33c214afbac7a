"""Media and analysts want an answer within hours; and what both sides read before they meet, until somebody rewrites it."""

from django.db import migrations

URGENT = {"media-interview": 6, "analyst-interview": 12}

TALK = (
    "What made you look for something new, and what else did you look at?\n"
    "How long did it take until people used it every day?\n"
    "What was harder than you thought?\n"
    "What would you do differently?\n"
    "What has changed since, in figures if there are any?"
)
LIMITS = (
    "Prices, discounts and the terms of the contract\n"
    "What was told in confidence about what comes next\n"
    "Names and data of the advocate's own customers"
)
MANNERS = (
    "Introduce both sides in two sentences, and then be silent: it is their conversation.\n"
    "Begin and end on time; twenty-five minutes are better than thirty-five.\n"
    "Do not sell, and do not correct what they say.\n"
    "Write down afterwards how it was, the same day: the thank-you is made of it."
)
INTERVIEW = (
    "What does your company do, and what do you do there?\n"
    "What was the problem, and how did you come to us?\n"
    "What can you show in figures?\n"
    "Where is your field heading?"
)
INTERVIEW_LIMITS = (
    "Figures of the company that are not public\n"
    "Forecasts, and whatever moves a share price\n"
    "Other vendors by name\n"
    "What was told in confidence about what comes next"
)
INTERVIEW_MANNERS = (
    "Say who reads or watches it, and when it comes out.\n"
    "Nobody is quoted without having seen the words.\n"
    "A question they would rather not answer stays unasked."
)
BRIEFINGS = {
    "reference-call": (TALK, LIMITS, MANNERS),
    "reference-email": (TALK, LIMITS, "Pass the questions on as they are.\nThank them the day the answer comes."),
    "site-visit": (TALK, LIMITS, f"{MANNERS}\nAsk beforehand what may be photographed, and what one has to wear."),
    "media-interview": (INTERVIEW, INTERVIEW_LIMITS, INTERVIEW_MANNERS),
    "analyst-interview": (INTERVIEW, INTERVIEW_LIMITS, INTERVIEW_MANNERS),
    "speaking": (INTERVIEW, INTERVIEW_LIMITS, INTERVIEW_MANNERS),
}


def seed(apps, schema_editor):
    """Add what is not there yet; what somebody has changed stays as it is."""
    kinds = apps.get_model("opportunities", "OpportunityKind").objects
    briefings = apps.get_model("opportunities", "Briefing").objects
    for slug, hours in URGENT.items():
        kinds.filter(slug=slug).update(is_urgent=True, answer_hours=hours)
    for slug, (questions, limits, manners) in BRIEFINGS.items():
        kind = kinds.filter(slug=slug).first()
        if kind is not None:
            briefings.get_or_create(
                kind=kind, defaults={"typical_questions": questions, "off_limits": limits, "manners": manners}
            )


class Migration(migrations.Migration):
    dependencies = [("opportunities", "0014_prospects_broadcasts_and_the_urgent_lane")]

    operations = [migrations.RunPython(seed, migrations.RunPython.noop)]
