"""Whom a review campaign asks (O8): chosen by nothing that tells how somebody feels about us (P19). Reads only.

Everybody who fits by neutral facts and has agreed to mail from the program is asked, member or not, whatever state
their account is in and whoever has asked them for what lately: rest, readiness and membership follow from feelings, or
may. What holds for all alike: one ask for a review in a year, and a person's own word never to be asked for one.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from advocacy.crm.catalogue import Purpose
from advocacy.crm.models import ConsentState, Contact
from advocates import reviews
from advocates.models import Advocate, LifecycleRule
from advocates.segments import Segment, everybody
from opportunities.models import OpportunityKind, ReviewAsk, ReviewCampaign, ReviewSite

ONCE_IN = timedelta(days=365)
"""How long somebody who was asked for a review is asked for none, whatever the campaign."""
PURPOSE = Purpose.PROGRAM_MAIL
DISCLOSURE = "I was invited by the vendor to write this and may get a small thank-you, whatever I write."
"""What a thanked review says. English, as review sites ask for it; the page beside it is in the reader's language."""


def segment_of(definition: Any) -> Segment:
    return Segment() if definition is None else Segment.read(definition)


def definition_of(campaign: ReviewCampaign) -> Any:
    """Who it is for: as it was when it started, or as its cohort stands now."""
    if campaign.status != ReviewCampaign.Status.DRAFT:
        return campaign.definition
    return campaign.cohort.definition if campaign.cohort is not None else None


def why_not(definition: Any) -> str | None:
    """Why these people may not be chosen for a public review, as a sentence; None where they may (P19)."""
    try:
        segment = segment_of(definition)
    except ValidationError as error:
        return " ".join(error.messages)
    return reviews.why_not(asks_public_review=True, among=[segment])


def belonging(campaign: ReviewCampaign, *, at: datetime) -> "QuerySet[Contact]":
    """Everybody the campaign is for, by its facts alone."""
    definition = definition_of(campaign)
    return everybody() if definition is None else segment_of(definition).people(at=at)


def _own_word() -> Q:
    """Who has said never to be asked for a public review."""
    kinds = list(OpportunityKind.objects.filter(is_review=True).values_list("slug", flat=True))
    said = Advocate.objects.filter(contact=OuterRef("pk"), never__overlap=kinds)
    return Q(Exists(said))


def _agreed(at: datetime) -> Q:
    return Q(Exists(ConsentState.objects.in_force(at=at).filter(contact=OuterRef("pk"), purpose=PURPOSE)))


def _asked_lately(at: datetime) -> Q:
    return Q(Exists(ReviewAsk.objects.filter(contact=OuterRef("pk"), asked_at__gt=at - ONCE_IN)))


def not_going(campaign: ReviewCampaign, *, at: datetime) -> str | None:
    """Why a campaign asks nobody now, as a sentence; None while it runs."""
    if campaign.status == ReviewCampaign.Status.DRAFT:
        return _("The review campaign “%(title)s” has not been started.") % {"title": campaign.title}
    over = campaign.closes_on is not None and campaign.closes_on < timezone.localdate(at)
    if campaign.status == ReviewCampaign.Status.CLOSED or over:
        return _("The review campaign “%(title)s” is closed.") % {"title": campaign.title}
    return None


@dataclass(frozen=True)
class Known:
    """What decides whether one person is asked: their own word and deeds, nothing that follows from feelings.

    ``asked``: when each ask for a review reached them, and in which campaign (its key).
    """

    agreed: bool
    has_address: bool
    never: bool
    asked: Sequence[tuple[datetime, int]] = ()


def keeps_from(known: Known, campaign: int, *, at: datetime) -> str | None:
    """Why somebody a rule reaches is not asked at this moment, as a sentence. ``campaign`` is its key. Pure.

    The same gates as ``to_ask``, for people a rule names one by one.
    """
    if not known.agreed:
        return _("They have not agreed to mail from the program.")
    if not known.has_address:
        return _("They have no address.")
    if known.never:
        return _("They never want to be asked for a review.")
    if any(at - ONCE_IN < when for when, _campaign in known.asked):
        return _("They were asked for a review within a year.")
    if any(of == campaign for _when, of in known.asked):
        return _("They were asked in this campaign already.")
    return None


def known_of(contacts: Iterable[Contact]) -> Callable[[Contact, datetime], Known]:
    """What is known of these people, read in three queries whatever their number; asked of one at a moment."""
    people = {contact.pk: contact for contact in contacts}
    kinds = set(OpportunityKind.objects.filter(is_review=True).values_list("slug", flat=True))
    never = {
        contact for contact, said in Advocate.objects.filter(contact__in=people).values_list("contact_id", "never")
        if kinds & set(said)
    }  # fmt: skip
    agreed: dict[int, list[ConsentState]] = defaultdict(list)
    for state in ConsentState.objects.filter(contact__in=people, purpose=PURPOSE, given=True):
        agreed[state.contact_id].append(state)
    asked: dict[int, list[tuple[datetime, int]]] = defaultdict(list)
    rows = ReviewAsk.objects.filter(contact__in=people).values_list("contact_id", "asked_at", "campaign_id")
    for contact_id, asked_at, campaign_id in rows:
        asked[contact_id].append((asked_at, campaign_id))

    def known(contact: Contact, at: datetime) -> Known:
        return Known(
            agreed=any(one.expires_at is None or one.expires_at > at for one in agreed[contact.pk]),
            has_address=bool(contact.email), never=contact.pk in never, asked=asked[contact.pk],
        )  # fmt: skip

    return known


def to_ask(campaign: ReviewCampaign, *, at: datetime) -> "QuerySet[Contact]":
    """Those of them who are asked now."""
    return belonging(campaign, at=at).filter(_agreed(at)).exclude(email="").exclude(_own_word() | _asked_lately(at))


def asking(campaign: ReviewCampaign) -> "QuerySet[LifecycleRule]":
    """The rules that ask in it."""
    return LifecycleRule.objects.filter(effect="review", effect_params__review=str(campaign.public_id)).order_by("name")


@dataclass(frozen=True)
class Reach:
    """How many a campaign is for, how many it would ask now, and why not the others; each is counted once."""

    total: int
    asked: int
    left_out: list[tuple[str, int]]


def reach(campaign: ReviewCampaign, *, at: datetime) -> Reach:
    """What a start would do, in one query."""
    agreed, own, lately = _agreed(at), _own_word(), _asked_lately(at)
    told = belonging(campaign, at=at).aggregate(
        total=Count("pk"),
        agreed=Count("pk", filter=~agreed),
        address=Count("pk", filter=agreed & Q(email="")),
        own=Count("pk", filter=agreed & ~Q(email="") & own),
        lately=Count("pk", filter=agreed & ~Q(email="") & ~own & lately),
    )
    words = (
        (_("have not agreed to mail from the program"), told["agreed"]),
        (_("have no address"), told["address"]),
        (_("never want to be asked for a review"), told["own"]),
        (_("were asked for a review within a year"), told["lately"]),
    )
    left = [(word, number) for word, number in words if number]
    return Reach(told["total"], told["total"] - sum(number for _word, number in left), left)


@dataclass(frozen=True)
class Standing:
    """What came of the asks of a campaign or a site."""

    asked: int = 0
    told: int = 0
    seen: int = 0
    declined: int = 0


def standing(asks: "QuerySet[ReviewAsk]") -> Standing:
    told = asks.aggregate(**_counted())
    return Standing(**{name: told[name] or 0 for name in _counted()})


def _counted() -> dict[str, Count]:
    return {
        "asked": Count("pk"),
        "told": Count("pk", filter=Q(told_at__isnull=False)),
        "seen": Count("pk", filter=Q(verified_at__isnull=False)),
        "declined": Count("pk", filter=Q(declined_at__isnull=False)),
    }


def by_site() -> list[tuple[ReviewSite, int, int]]:
    """Each site with how many were asked and how many reviews we have seen there, the most first."""
    rows = ReviewSite.objects.annotate(
        asked=Count("campaigns__asks"),
        seen=Count("campaigns__asks", filter=Q(campaigns__asks__verified_at__isnull=False)),
    )
    return [(site, site.asked, site.seen) for site in rows.order_by("-seen", "name")]
