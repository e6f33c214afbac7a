"""Fixed vocabularies of the ground: consent purposes, signals and deeds.

They are code, not data, because rules, gates and the database's CHECKs are written against them.
"""

from dataclasses import dataclass
from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _


class Purpose(models.TextChoices):
    """What a person can consent to (P6). Each is asked and kept on its own."""

    PROGRAM_MAIL = "program_mail", _("Program mail")
    NEWSLETTER = "newsletter", _("Newsletter")
    REFERENCE_CALLS = "reference_calls", _("Reference calls and e-mails")
    MEETING_PROSPECTS = "meeting_prospects", _("Meeting prospects in person")
    SPEAKING = "speaking", _("Speaking")
    NAME_AND_LOGO = "name_and_logo", _("Name and logo")
    QUOTE = "quote", _("Being quoted")
    RECORDING = "recording", _("Being recorded")
    MEDIA_ANALYSTS = "media_analysts", _("Media and analysts")
    SURVEYS = "surveys", _("Surveys and feedback")
    BETA_ADVISORY = "beta_advisory", _("Beta and advisory work")
    DIRECTORY = "directory", _("Being listed in the directory")
    INTRODUCTIONS = "introductions", _("Introductions to other customers")


class Sign(models.TextChoices):
    GOOD = "good", _("good")
    NEUTRAL = "neutral", _("neutral")
    NEGATIVE = "negative", _("negative")
    BY_VALUE = "by_value", _("depends on the value")


@dataclass(frozen=True)
class SignalKind:
    """One kind of signal (P16). ``subject`` is ``account`` or ``contact``; ``sentiment`` marks what P19 firewalls.

    ``in_portal``: deeds of members in the portal can be heard as it, so it may come of being in the program.
    """

    slug: str
    name: Any
    meaning: Any
    sign: Sign
    subject: str = "account"
    sentiment: bool = False
    derived: bool = False
    negative_up_to: int | None = None
    in_portal: bool = False

    @property
    def tells_feelings(self) -> bool:
        """Whether it says, or follows from, how somebody feels about us: answers, bad news, and the end of bad news."""
        return self.sentiment or self.sign in {Sign.NEGATIVE, Sign.BY_VALUE} or self.slug == "escalation_closed"


def _kind(slug: str, name: Any, meaning: Any, sign: Sign = Sign.GOOD, **more: Any) -> SignalKind:
    return SignalKind(slug, name, meaning, sign, **more)


SIGNAL_KINDS: dict[str, SignalKind] = {
    kind.slug: kind
    for kind in (
        _kind("contract_signed", _("Contract signed"), _("The account signed its first or a new contract.")),
        _kind("onboarding_kickoff", _("Onboarding kick-off"), _("Onboarding has begun."), Sign.NEUTRAL),
        _kind(
            "onboarding_checkin", _("Onboarding check-in"), _("A check-in during onboarding took place."), Sign.NEUTRAL
        ),
        _kind("onboarding_closed", _("Onboarding closed"), _("Onboarding is finished; the customer works on its own.")),
        _kind(
            "certified",
            _("Certification completed"),
            _("A person passed their first certification."),
            subject="contact",
        ),
        _kind(
            "certified_further",
            _("Further certification"),
            _("A person passed another certification."),
            subject="contact",
        ),
        _kind("adoption_red_flag", _("Adoption red flag"), _("Use has dropped or never began."), Sign.NEGATIVE),
        _kind("adoption_landmark", _("Adoption landmark"), _("The account reached a landmark of use.")),
        _kind("feature_adopted", _("New feature adopted"), _("The account began to use a feature regularly.")),
        _kind(
            "joined_program",
            _("Joined a customer program"),
            _("A person joined the community, a user group, an advisory board or a beta."),
            subject="contact",
            in_portal=True,
        ),
        _kind(
            "submitted_content",
            _("Submitted content"),
            _("A person submitted content."),
            subject="contact",
            in_portal=True,
        ),
        _kind(
            "nps",
            _("NPS given"),
            _("An answer from 0 to 10; up to 6 is negative."),
            Sign.BY_VALUE,
            subject="contact",
            sentiment=True,
            negative_up_to=6,
            in_portal=True,
        ),
        _kind(
            "csat",
            _("CSAT given"),
            _("An answer from 1 to 5; up to 2 is negative."),
            Sign.BY_VALUE,
            sentiment=True,
            negative_up_to=2,
            in_portal=True,
        ),
        _kind("upsell_started", _("Upsell started"), _("An expansion deal was opened."), Sign.NEUTRAL),
        _kind("upsell_won", _("Upsell won"), _("An expansion deal was won.")),
        _kind("upsell_lost", _("Upsell not finished"), _("An expansion deal was dropped."), Sign.NEGATIVE),
        _kind("renewed", _("Renewed"), _("The account renewed its contract.")),
        _kind("upgraded", _("Recently upgraded"), _("The account moved to a higher plan.")),
        _kind("bought_services", _("Bought services"), _("The account bought services."), Sign.NEUTRAL),
        _kind("attended_webinar", _("Attended a webinar"), _("A person attended a webinar."), subject="contact"),
        _kind("attended_event", _("Attended an event"), _("A person attended an event."), subject="contact"),
        _kind(
            "attended_user_group", _("Attended a user group"), _("A person attended a user group."), subject="contact"
        ),
        _kind(
            "completed_course",
            _("Completed a course"),
            _("A person completed a course."),
            subject="contact",
            in_portal=True,
        ),
        _kind("escalation_opened", _("Escalation opened"), _("A problem was escalated."), Sign.NEGATIVE),
        _kind("escalation_closed", _("Escalation closed"), _("An escalation was closed."), Sign.NEUTRAL),
        _kind("churn_notice", _("Churn notice"), _("The account gave notice."), Sign.NEGATIVE),
        _kind(
            "six_months_use",
            _("Six months with use"),
            _("Six months into the contract with at least 30 minutes of use in each month."),
            derived=True,
        ),
        _kind("nine_months", _("Nine months in"), _("Nine months into the contract."), Sign.NEUTRAL, derived=True),
        _kind(
            "two_webinars",
            _("Two webinars attended"),
            _("A person attended a second webinar."),
            subject="contact",
            derived=True,
        ),
        _kind(
            "renewal_ahead",
            _("90 days before renewal"),
            _("The contract renews in 90 days."),
            Sign.NEUTRAL,
            derived=True,
        ),
    )
}
SIGNAL_CHOICES = [(kind.slug, kind.name) for kind in SIGNAL_KINDS.values()]


def is_negative(kind: str, value: Any) -> bool:
    """Whether a signal is bad news; for NPS and CSAT its value decides."""
    known = SIGNAL_KINDS[kind]
    if known.sign == Sign.BY_VALUE:
        return value is not None and value <= (known.negative_up_to or 0)
    return known.sign == Sign.NEGATIVE


class Deed(models.TextChoices):
    """What happened, on the activity spine. One row each; the past tense names the deed."""

    # asks: we requested something of an advocate
    NOMINATED = "nominated", _("was asked for a reference")
    OFFERED = "offered", _("was offered an opportunity")
    SURVEYED = "surveyed", _("was asked for feedback")
    REVIEW_ASKED = "review_asked", _("was asked for a review")
    # answers and the course of claims
    NOMINATION_ACCEPTED = "nomination_accepted", _("said yes to a reference")
    NOMINATION_DECLINED = "nomination_declined", _("declined a reference")
    CLAIMED = "claimed", _("claimed an opportunity")
    SCHEDULED = "scheduled", _("set a time")
    DELIVERED = "delivered", _("delivered")
    VERIFIED = "verified", _("completed an activity")
    WITHDREW = "withdrew", _("withdrew")
    MISSED = "missed", _("missed")
    # other completed activities
    STORY_PUBLISHED = "story_published", _("had a story published")
    REVIEW_WRITTEN = "review_written", _("wrote a review")
    TALK_GIVEN = "talk_given", _("gave a talk")
    REFERRAL_ACCEPTED = "referral_accepted", _("referred a customer")
    # touches: contact that asks for nothing
    THANKED = "thanked", _("was thanked")
    CARE_CALL = "care_call", _("had a care call")
    NOTED = "noted", _("got a note")
    INTRODUCED = "introduced", _("was introduced to somebody")
    CELEBRATED = "celebrated", _("was celebrated")
    WELCOMED = "welcomed", _("was welcomed")
    HELPED = "helped", _("was helped with a wish")
    # what is written between us
    WROTE = "wrote", _("wrote to us")
    WRITTEN_TO = "written_to", _("was written to")
    WISHED = "wished", _("asked us for something")
    # community
    POSTED = "posted", _("started a topic")
    REPLIED = "replied", _("replied in the community")
    MET = "met", _("met another advocate")
    ATTENDED = "attended", _("attended an event")
    # program
    INVITED = "invited", _("was invited to the program")
    JOINED = "joined", _("joined the program")
    LEFT = "left", _("left the program")
    MOVED = "moved", _("moved to another company")
    DEPARTED = "departed", _("left their company")
    MAIL_SENT = "mail_sent", _("got a mail")
    MAIL_CLICKED = "mail_clicked", _("followed a link in a mail")
    FEEDBACK_GIVEN = "feedback_given", _("gave feedback")


ASK_DEEDS = frozenset({Deed.NOMINATED, Deed.OFFERED, Deed.SURVEYED, Deed.REVIEW_ASKED})
TOUCH_DEEDS = frozenset(
    {
        Deed.THANKED, Deed.CARE_CALL, Deed.NOTED, Deed.INTRODUCED, Deed.CELEBRATED, Deed.WELCOMED, Deed.ATTENDED,
        Deed.HELPED,
    }
)  # fmt: skip
ACTIVITY_DEEDS = frozenset(
    {Deed.VERIFIED, Deed.STORY_PUBLISHED, Deed.REVIEW_WRITTEN, Deed.TALK_GIVEN, Deed.REFERRAL_ACCEPTED}
)
"""Completed deeds of advocacy: what the words in the specification call an *Activity*."""
SOCIAL_DEEDS = frozenset({Deed.POSTED, Deed.REPLIED, Deed.MET})
