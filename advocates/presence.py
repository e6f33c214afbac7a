"""What the home page says to somebody: a greeting, good news, the first steps, the next one."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Q
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from advocacy.crm.catalogue import ACTIVITY_DEEDS, SOCIAL_DEEDS, Deed
from advocacy.crm.models import Activity, Program
from advocates.models import Advocate

Stage = Advocate.Stage


def advocate_of(user: Any) -> Advocate | None:
    """The advocate behind a signed-in person; read once for a request."""
    if not hasattr(user, "_advocate"):
        rows = Advocate.objects.select_related("contact__account", "pod__manager")
        user._advocate = rows.filter(user=user.pk).first()
    return user._advocate


def greeting(local: datetime) -> str:
    """By the hour on the reader's own clock."""
    if local.hour < 5:
        return _("Good evening")
    if local.hour < 12:
        return _("Good morning")
    return _("Good afternoon") if local.hour < 18 else _("Good evening")


def good_news(advocate: Advocate, *, at: datetime) -> str:
    """The last kind thing that happened to them, of the last two weeks; empty when nothing did."""
    last = (
        Activity.objects.filter(contact=advocate.contact, deed__in=[Deed.THANKED, Deed.CELEBRATED, Deed.VERIFIED])
        .filter(at__gt=at - timedelta(days=14), at__lte=at)
        .select_related("by")
        .order_by("-at")
        .first()
    )
    if last is None:
        if advocate.joined_at and advocate.joined_at > at - timedelta(days=14):
            return _("Good to have you here. The first steps take a few minutes; nothing is asked of you meanwhile.")
        return ""
    day = date_format(timezone.localtime(last.at), "l")
    if last.deed == Deed.THANKED:
        who = last.by.get_short_name() if last.by else _("We")
        return _("%(who)s thanked you on %(day)s for what you gave.") % {"who": who, "day": day}
    if last.deed == Deed.CELEBRATED:
        return _("You were celebrated on %(day)s.") % {"day": day}
    return _("What you did was completed on %(day)s. Thank you.") % {"day": day}


@dataclass(frozen=True)
class Step:
    """One of the first steps: what, where, and whether it is done, from facts."""

    text: str
    url: str
    done: bool


def _has_talked(advocate: Advocate) -> bool:
    """Whether what the talk asks is known anyway, as from an import."""
    return bool((advocate.valuable or advocate.goals) and advocate.wants)


def first_steps(advocate: Advocate) -> list[Step]:
    """The checklist of somebody new; done is what the facts say, not what somebody ticked."""
    deeds = Activity.objects.filter(contact=advocate.contact).aggregate(
        spoke=Count("pk", filter=Q(deed__in=[Deed.POSTED, Deed.REPLIED])),
        claimed=Count("pk", filter=Q(deed__in=[Deed.CLAIMED, Deed.NOMINATION_ACCEPTED])),
        met=Count("pk", filter=Q(deed__in=[Deed.MET, Deed.INTRODUCED, Deed.ATTENDED])),
    )
    has_profile = bool(advocate.expertise and advocate.wants and advocate.contact.title)
    profile = reverse("advocates:profile")
    talk = profile if advocate.wizard_done_at else reverse("advocates:welcome")
    return [
        # Begun and left is not done: home leads back to where the talk was left.
        Step(_("Tell us what is valuable to you"), talk, bool(advocate.wizard_done_at or _has_talked(advocate))),
        Step(_("Finish your profile"), profile, has_profile),
        Step(_("Say hello in the community"), "/community/", deeds["spoke"] > 0),
        Step(_("Claim your first opportunity"), "/opportunities/", deeds["claimed"] > 0),
        Step(_("Meet somebody: ask to be introduced"), reverse("advocates:wishes"), deeds["met"] > 0),
    ]


@dataclass(frozen=True)
class Progress:
    """Where somebody stands, and what comes next in words; ``done`` of ``needed`` completed deeds towards it."""

    stage: str
    next_stage: str
    sentence: str
    done: int
    needed: int
    completed: int = 0


def progress(advocate: Advocate) -> Progress:
    deeds = Activity.objects.filter(contact=advocate.contact).aggregate(
        completed=Count("pk", filter=Q(deed__in=ACTIVITY_DEEDS)), social=Count("pk", filter=Q(deed__in=SOCIAL_DEEDS))
    )
    stage, completed = Stage(advocate.stage), deeds["completed"]
    program = Program.current()
    creator, proven = program.creator_after, program.proven_after
    label = str(stage.label)
    if stage < Stage.SOCIALIZER:
        said = _("Next: post, reply or meet somebody, and you are part of the conversation.")
        return Progress(label, str(Stage.SOCIALIZER.label), said, min(deeds["social"], 1), 1, completed)
    if stage < Stage.CREATOR:
        left = max(creator - completed, 1)
        said = ngettext(
            "Next: one completed activity makes you a Creator.",
            "Next: %(left)d completed activities make you a Creator.",
            left,
        ) % {"left": left}
        return Progress(label, str(Stage.CREATOR.label), said, min(completed, creator), creator, completed)
    if stage < Stage.PROVEN:
        left = max(proven - completed, 0)
        said = ngettext(
            "Next: %(left)d more completed activity makes you a Proven advocate.",
            "Next: %(left)d more completed activities make you a Proven advocate.",
            left,
        ) % {"left": left}
        return Progress(label, str(Stage.PROVEN.label), said, min(completed, proven), proven, completed)
    if stage < Stage.SPOTLIGHT:
        said = _("Next: a spotlight, your story in your words.")
        return Progress(label, str(Stage.SPOTLIGHT.label), said, 0, 1, completed)
    if completed < proven:
        # Celebrated early: the stage never falls, and what makes a proven advocate is still ahead.
        said = ngettext(
            "Your story is being told. Next: %(left)d more completed activity, and it has a second chapter.",
            "Your story is being told. Next: %(left)d more completed activities, and it has a second chapter.",
            proven - completed,
        ) % {"left": proven - completed}
        return Progress(label, "", said, completed, proven, completed)
    said = _(
        "Your story is being told. Next: choose what you enjoy most, or bring along somebody who does what you do."
    )
    return Progress(label, "", said, 1, 1, completed)
