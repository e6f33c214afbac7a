"""Which deals advocates helped to win, and whose help it was (M5). Computed from facts each time, never stored.

A deal is *influenced* when it was won and at least one request for it was fulfilled by the day it closed. It counts
once, however many requests and advocates it took; its value is split evenly among those who helped, to the cent.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import TypeVar

from django.db.models import Exists, F, OuterRef, QuerySet
from django.db.models.functions import TruncDate

from advocacy.crm.models import Deal
from advocacy.dashboards.filters import Filters
from advocacy.dashboards.periods import Period
from advocates.models import Advocate
from opportunities.models import Claim, Nomination, ReferenceRequest

HELPED = (Claim.Status.DELIVERED, Claim.Status.VERIFIED)
CENT = Decimal("0.01")

Helper = TypeVar("Helper")


def in_time(requests: "QuerySet[ReferenceRequest]", period: Period) -> "QuerySet[ReferenceRequest]":
    """Requests that were fulfilled on the day their deal closed or before, on the desk's calendar."""
    return requests.filter(fulfilled_at__isnull=False).filter(
        deal__closed_on__gte=TruncDate("fulfilled_at", tzinfo=period.tz)
    )


def influenced(period: Period, filters: Filters) -> "QuerySet[Deal]":
    """Deals won in the period with help, each once."""
    helped = in_time(ReferenceRequest.objects.filter(deal=OuterRef("pk")), period)
    helped = filters.narrow(helped, team="team__slug")
    deals = Deal.objects.won().filter(period.holds_day("closed_on"))
    return filters.narrow(deals, region="region", industry="industry").filter(Exists(helped))


def helpers(deals: Iterable[Deal], period: Period, filters: Filters) -> Mapping[int, Sequence[Advocate]]:
    """Who helped with each of these deals: everybody whose reference was given by its close, first come first.

    Two queries, however many deals.
    """
    given = (
        Nomination.objects.filter(claim__status__in=HELPED)
        .filter(request__in=in_time(ReferenceRequest.objects.filter(deal__in=deals), period))
        .select_related("advocate__contact", "request")
        .order_by(F("request__fulfilled_at").asc(), "advocate_id")
    )
    given = filters.narrow(given, team="request__team__slug")
    found: dict[int, dict[int, Advocate]] = defaultdict(dict)
    for nomination in given:
        if nomination.request.deal_id is not None:
            found[nomination.request.deal_id].setdefault(nomination.advocate_id, nomination.advocate)
    return {deal: list(people.values()) for deal, people in found.items()}


def split(value: Decimal, among: Sequence[Helper]) -> list[tuple[Helper, Decimal]]:
    """A value in equal parts that add up to it: what is left over by the cent goes to the first."""
    if not among:
        return []
    cents = int((value / CENT).to_integral_value())
    each, left = divmod(cents, len(among))
    return [(one, (each + (1 if place < left else 0)) * CENT) for place, one in enumerate(among)]


def by_helper(deals: Iterable[Deal], period: Period, filters: Filters) -> list[tuple[Advocate, Decimal, int]]:
    """What each advocate's help comes to, with the number of deals; the largest first."""
    deals = list(deals)
    people = helpers(deals, period, filters)
    sums: dict[int, Decimal] = defaultdict(Decimal)
    numbers: dict[int, int] = defaultdict(int)
    named: dict[int, Advocate] = {}
    for deal in deals:
        for advocate, part in split(deal.value or Decimal(0), people.get(deal.pk, ())):
            sums[advocate.pk] += part
            numbers[advocate.pk] += 1
            named[advocate.pk] = advocate
    ranked = sorted(sums, key=lambda pk: (-sums[pk], pk))
    return [(named[pk], sums[pk], numbers[pk]) for pk in ranked]
