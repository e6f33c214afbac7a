"""The rung of an advocate, for staff: how they take part, by what they did in the last twelve months (P10).

Passive: said yes when asked; a claim in the two weeks after an offer is the yes to it. Active: comes by themselves,
claiming on the board or speaking in the community. Super: six activities (a setting of the program). Community leader:
has a role in it. The highest that holds counts; whoever did nothing stands on none. Unlike the stage, a rung can fall.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Exists, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from advocacy.crm.catalogue import ACTIVITY_DEEDS, SOCIAL_DEEDS, Deed
from advocacy.crm.models import Activity, Program
from advocacy.users.models import Role
from advocates.models import Advocate

YEAR = timedelta(days=365)
OFFER_ECHOES = timedelta(days=14)
"""A claim made so soon after an offer answers it; what exactly was offered, the spine does not say."""
LEADING = frozenset({Role.MODERATOR})
"""Roles of the community."""

NAMES = {
    "passive": _("passive advocate"),
    "active": _("active advocate"),
    "super": _("super advocate"),
    "leader": _("community leader"),
}


@dataclass(frozen=True)
class Year:
    """What somebody did in twelve months: how often each."""

    activities: int = 0
    claimed: int = 0
    accepted: int = 0
    offered: int = 0
    social: int = 0


def rung(year: Year, *, leads: bool, super_after: int) -> str:
    """A key of ``NAMES``, or empty. A yes to a nomination or an offer is a claim too: those beyond are their own."""
    if leads:
        return "leader"
    if year.activities >= super_after:
        return "super"
    if year.claimed > year.accepted + year.offered or year.social:
        return "active"
    return "passive" if year.accepted or year.claimed or year.activities else ""


def rungs(advocates: Iterable[Advocate], *, at: datetime) -> dict[int, str]:
    """The rung of each, by the advocate's key; three queries for any number. Their users come along for the role."""
    people = list(advocates)
    theirs = Activity.objects.filter(contact=OuterRef("contact"))
    nominated = theirs.filter(deed=Deed.NOMINATION_ACCEPTED, at=OuterRef("at"))
    invited = theirs.filter(deed=Deed.OFFERED, at__lte=OuterRef("at"), at__gt=OuterRef("at") - OFFER_ECHOES)
    answers_offer = Q(deed=Deed.CLAIMED) & Exists(invited) & ~Exists(nominated)
    rows = (
        Activity.objects.filter(contact__in=[one.contact_id for one in people], at__gt=at - YEAR, at__lte=at)
        .filter(deed__in=[*ACTIVITY_DEEDS, *SOCIAL_DEEDS, Deed.CLAIMED, Deed.NOMINATION_ACCEPTED])
        .order_by()
        .values_list("contact")
        .annotate(
            activities=Count("pk", filter=Q(deed__in=ACTIVITY_DEEDS)),
            claimed=Count("pk", filter=Q(deed=Deed.CLAIMED)),
            accepted=Count("pk", filter=Q(deed=Deed.NOMINATION_ACCEPTED)),
            offered=Count("pk", filter=answers_offer),
            social=Count("pk", filter=Q(deed__in=SOCIAL_DEEDS)),
        )
    )
    years = {contact: Year(*numbers) for contact, *numbers in rows}
    leading = set(
        Advocate.objects.filter(pk__in=[one.pk for one in people], user__role_grants__role__in=LEADING).values_list(
            "pk", flat=True
        )
    )
    after = Program.current().super_after
    return {
        one.pk: rung(years.get(one.contact_id, Year()), leads=one.pk in leading, super_after=after) for one in people
    }
