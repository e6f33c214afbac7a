"""Which deals advocates helped to win, and whose help it was (M5). Computed from facts each time, never stored.

A deal is *influenced* when it was won and at least one request for it was fulfilled by the day it closed. It counts
once, however many requests and advocates it took; its value is split evenly among those who helped, to the cent.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import TypeVar

from django.db import connection
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


# The same split in Postgres, for many deals at once: who came first gets the cent that is left over.
_BY_HELPER = """
WITH deals AS ({deals}), given AS ({given}), helped AS (
    SELECT deal_id, advocate_id, min(fulfilled_at) AS first_at FROM given GROUP BY deal_id, advocate_id
), places AS (
    SELECT deal_id, advocate_id,
           count(*) OVER (PARTITION BY deal_id) AS number,
           row_number() OVER (PARTITION BY deal_id ORDER BY first_at, advocate_id) AS place
    FROM helped
), parts AS (
    SELECT p.advocate_id, div(round(coalesce(d.value, 0) * 100), p.number)
           + CASE WHEN p.place <= mod(round(coalesce(d.value, 0) * 100), p.number) THEN 1 ELSE 0 END AS cents
    FROM places p JOIN deals d ON d.id = p.deal_id
)
SELECT advocate_id, sum(cents) / 100, count(*) FROM parts
GROUP BY advocate_id ORDER BY 2 DESC, 1 LIMIT %s
"""


def by_helper(
    deals: "QuerySet[Deal]", period: Period, filters: Filters, *, most: int = 10
) -> list[tuple[Advocate, Decimal, int]]:
    """What the help of each advocate comes to, with the number of deals; the largest first."""
    given = Nomination.objects.filter(
        claim__status__in=HELPED,
        request__in=in_time(ReferenceRequest.objects.filter(deal__in=deals.values("pk")), period),
    )
    facts = filters.narrow(given, team="request__team__slug").values(
        "advocate_id", deal_id=F("request__deal_id"), fulfilled_at=F("request__fulfilled_at")
    )
    deals_sql, deals_values = deals.order_by().values("id", "value").query.sql_with_params()
    given_sql, given_values = facts.order_by().query.sql_with_params()
    with connection.cursor() as cursor:
        sql = _BY_HELPER.format(deals=deals_sql, given=given_sql)
        cursor.execute(sql, [*deals_values, *given_values, most])
        found = [(pk, value.quantize(CENT), int(number)) for pk, value, number in cursor.fetchall()]
    named = Advocate.objects.select_related("contact").in_bulk([pk for pk, _value, _number in found])
    return [(named[pk], value, number) for pk, value, number in found]
