"""The kinds every program starts with, as data: each can be changed, and others added, in the admin."""

from django.db import migrations

C, F, S, D, V = "claimed", "confirmed", "scheduled", "delivered", "verified"
TALK = [C, S, D, V]  # a time is set, it takes place, somebody vouches for it
INVITED = [C, F, S, D, V]  # a date that stands already; somebody of ours says yes first
WORK = [C, D, V]  # nothing to meet for
JOIN = [C, F, D, V]  # a group that takes people in


def ask(key, label, type="line", required=False, **more):
    return {"key": key, "label": label, "type": type, "required": required, **more}


# slug, name, group, points, minutes, purpose, steps, public, at the desk, review, questions
KINDS = [
    ("reference-call", "Reference call", "calls", 80, 30, "reference_calls", TALK, False, True, False, []),
    ("reference-email", "Reference e-mail", "calls", 40, 20, "reference_calls", WORK, False, True, False, []),
    ("site-visit", "Site visit", "calls", 250, 180, "meeting_prospects", TALK, False, True, False, [
        ("visitors", "How many visitors can you take?", "line", True),
        ("mind", "What should visitors know before they come?", "text", False),
    ]),
    ("case-study", "Case study", "stories", 200, 90, "quote", [C, F, S, D, V], True, True, False, [
        ("story", "What changed, in two or three sentences?", "text", True),
        ("figure", "Is there a figure you are proud of?", "line", False),
    ]),
    ("quote", "Quote", "stories", 50, 10, "quote", WORK, True, True, False, [
        ("words", "Your sentence, in your own words", "text", True),
    ]),
    ("testimonial-video", "Testimonial video", "stories", 200, 120, "recording", INVITED, True, True, False, []),
    ("review-site-review", "Review on a review site", "reviews", 60, 15, "", WORK, True, False, True, []),
    ("webinar", "Webinar", "speaking", 150, 90, "speaking", INVITED, True, False, False, [
        ("topic", "What would you like to talk about?", "text", False),
    ]),
    ("speaking", "Speaking", "speaking", 250, 240, "speaking", INVITED, True, True, False, [
        ("topic", "What would your talk be about?", "text", True),
        ("stage", "Have you spoken on a stage before?", "choice", True, ["Often", "Once or twice", "Not yet"]),
    ]),
    ("podcast", "Podcast", "speaking", 150, 60, "recording", INVITED, True, False, False, []),
    ("blog-post", "Blog post", "stories", 120, 120, "quote", WORK, True, False, False, [
        ("topic", "What would you write about?", "line", True),
    ]),
    ("media-interview", "Media interview", "media", 150, 30, "media_analysts", INVITED, True, True, False, []),
    ("analyst-interview", "Analyst interview", "media", 150, 45, "media_analysts", TALK, False, True, False, []),
    ("beta-test", "Beta test", "betas", 100, 180, "beta_advisory", JOIN, False, True, False, [
        ("use", "What would you try it on?", "text", False),
    ]),
    ("advisory-board", "Advisory board", "betas", 300, 480, "beta_advisory", JOIN, False, False, False, [
        ("why", "Why would you like to join?", "text", True),
    ]),
    ("product-feedback", "Product feedback", "betas", 60, 40, "surveys", TALK, False, False, False, []),
    ("survey", "Survey", "betas", 20, 10, "surveys", WORK, False, False, False, []),
    ("user-group-host", "Host a user group", "peers", 250, 300, "introductions", INVITED, True, False, False, [
        ("place", "Where could people meet?", "line", True),
    ]),
    ("mentoring", "Mentoring a peer", "peers", 80, 45, "introductions", TALK, False, False, False, []),
    ("social-post", "Social post", "reviews", 30, 10, "quote", WORK, True, False, False, [
        ("link", "Where will it stand?", "line", False),
    ]),
    ("referral", "Referral", "peers", 100, 15, "", WORK, False, False, False, []),
    ("name-and-logo", "Name and logo", "stories", 50, 10, "name_and_logo", [C, F, V], True, True, False, [
        ("brand", "Who looks after your brand?", "line", False),
    ]),
    ("roundtable", "Roundtable", "peers", 100, 60, "introductions", INVITED, False, False, False, [
        ("bring", "Which question would you bring?", "text", False),
    ]),
]  # fmt: skip


def seed(apps, schema_editor):
    """Add what is not there yet; a kind somebody has changed stays as it is."""
    kinds = apps.get_model("opportunities", "OpportunityKind")
    for place, row in enumerate(KINDS, start=1):
        slug, name, group, points, minutes, purpose, steps, is_public, for_requests, is_review, questions = row
        kinds.objects.get_or_create(
            slug=slug,
            defaults={
                "name": name, "group": group, "points": points, "minutes": minutes, "purpose": purpose,
                "steps": steps, "points_at": V, "is_public": is_public, "for_requests": for_requests,
                "is_review": is_review, "order": place * 10,
                "questions": [
                    ask(key, label, kind, required, **({"choices": choices[0]} if choices else {}))
                    for key, label, kind, required, *choices in questions
                ],
            },
        )  # fmt: skip


class Migration(migrations.Migration):
    dependencies = [("opportunities", "0002_what_a_match_weighs")]

    operations = [migrations.RunPython(seed, migrations.RunPython.noop)]
