"""What is measured of the desk and of the revenue it helped to win (M4, M5)."""

from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Count, Exists, OuterRef, Prefetch, Q, QuerySet, Sum
from django.db.models.functions import Coalesce
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy, ngettext

from advocacy.crm.models import Deal, Program
from advocacy.dashboards.filters import Filters
from advocacy.dashboards.links import link
from advocacy.dashboards.periods import Period
from advocacy.dashboards.registry import Column, Detail, Part, Rows, Unit, Value, measure
from advocacy.dashboards.sql import HoursBetween, Percentiles, by_month, median, working_days
from advocacy.lib.given import whole_number
from opportunities import influence
from opportunities import survey_measures as survey_measures  # they register beside ours
from opportunities.models import Nomination, ReferenceRequest, ReviewAsk

REQUEST_PAGE = link("opportunities:request", "public_id")
DEAL_PAGE = link("admin:crm_deal_change", "pk")
SOURCE = "opportunities.ReferenceRequest"


# --- The desk ---------------------------------------------------------------------------------------------------------
def _requests(filters: Filters) -> "QuerySet[ReferenceRequest]":
    """What the desk was asked for; what happened beside it says nothing about its speed."""
    return _narrowed(ReferenceRequest.objects.filter(beside_the_desk=False), filters)


def _narrowed(rows: "QuerySet[ReferenceRequest]", filters: Filters) -> "QuerySet[ReferenceRequest]":
    return filters.narrow(rows, region="region", industry="industry", team="team__slug")


def _filed(period: Period, filters: Filters) -> "QuerySet[ReferenceRequest]":
    return _requests(filters).filter(period.holds("filed_at"))


def _answered(period: Period, filters: Filters) -> "QuerySet[ReferenceRequest]":
    return _requests(filters).filter(period.holds("first_yes_at"))


def _fulfilled(period: Period, filters: Filters) -> "QuerySet[ReferenceRequest]":
    return _requests(filters).filter(period.holds("fulfilled_at"), status=ReferenceRequest.Status.FULFILLED)


def _ended(period: Period, filters: Filters) -> "QuerySet[ReferenceRequest]":
    """Requests that came to an end in the period, with the moment."""
    fulfilled = Q(status="fulfilled") & period.holds("fulfilled_at")
    otherwise = Q(status__in=["unfilled", "deflected", "withdrawn"]) & period.holds("closed_at")
    return _requests(filters).filter(fulfilled | otherwise).annotate(ended_at=Coalesce("fulfilled_at", "closed_at"))


def _rows(requests: "QuerySet[ReferenceRequest]", *more: Column, order: tuple[str, ...]) -> Rows:
    columns = [
        Column(gettext_lazy("Request"), str, link=REQUEST_PAGE),
        Column(gettext_lazy("Team"), lambda row: row.team.name if row.team else ""),
        Column(gettext_lazy("By"), lambda row: str(row.requester)),
        Column(gettext_lazy("Filed"), lambda row: row.filed_at, Unit.INSTANT),
        *more,
    ]
    wanted = requests.select_related("kind", "team", "requester")
    return Rows(wanted, columns, order=order, what=gettext_lazy("requests"))


STATUS = Column(gettext_lazy("Status"), lambda row: row.get_status_display())


def filed_rows(period: Period, filters: Filters) -> Rows:
    return _rows(_filed(period, filters), STATUS, order=("-filed_at", "-pk"))


@measure(
    "requests",
    name=gettext_lazy("Requests filed"),
    unit=Unit.COUNT,
    area="desk",
    chart="bars",
    order=10,
    definition=gettext_lazy("Requests that colleagues filed at the reference desk, whatever became of them."),
    numerator=gettext_lazy("Requests filed in the period"),
    sources=(SOURCE,),
    rows=filed_rows,
)
def requests(period: Period, filters: Filters) -> Value:
    found = _filed(period, filters)
    number = found.count()
    return Value(number, number, n=number, months=lambda: by_month(found, "filed_at", period))


def fulfilled_rows(period: Period, filters: Filters) -> Rows:
    days = Column(gettext_lazy("Working days"), lambda row: row.days, Unit.WORKING_DAYS)
    when = Column(gettext_lazy("Fulfilled"), lambda row: row.fulfilled_at, Unit.INSTANT)
    found = _fulfilled(period, filters).annotate(days=working_days("filed_at", "fulfilled_at", period.zone))
    return _rows(found, when, days, order=("-fulfilled_at", "-pk"))


@measure(
    "requests_fulfilled",
    name=gettext_lazy("Requests fulfilled"),
    unit=Unit.COUNT,
    area="desk",
    better="up",
    chart="bars",
    order=11,
    definition=gettext_lazy("Requests for which an advocate did what was asked, counted on the day it was done."),
    numerator=gettext_lazy("Requests fulfilled in the period"),
    sources=(SOURCE,),
    rows=fulfilled_rows,
)
def requests_fulfilled(period: Period, filters: Filters) -> Value:
    found = _fulfilled(period, filters)
    number = found.count()
    return Value(number, number, n=number, months=lambda: by_month(found, "fulfilled_at", period))


def first_yes_rows(period: Period, filters: Filters) -> Rows:
    taken = Column(gettext_lazy("Hours to the yes"), lambda row: row.taken, Unit.HOURS)
    when = Column(gettext_lazy("First yes"), lambda row: row.first_yes_at, Unit.INSTANT)
    found = _answered(period, filters).annotate(taken=HoursBetween("filed_at", "first_yes_at"))
    return _rows(found, when, taken, order=("-first_yes_at", "-pk"))


@measure(
    "time_to_first_yes",
    name=gettext_lazy("Time to first yes"),
    unit=Unit.HOURS,
    area="desk",
    better="down",
    chart="line",
    order=20,
    definition=gettext_lazy(
        "How long a colleague waits until the first advocate says yes: elapsed hours, nights and weekends included, "
        "from filing to the yes. The median: half of the requests were faster."
    ),
    numerator=gettext_lazy("Median of the hours from filing to the first yes"),
    denominator=gettext_lazy("Requests whose first yes fell into the period"),
    sources=(SOURCE,),
    rows=first_yes_rows,
)
def time_to_first_yes(period: Period, filters: Filters) -> Value:
    found = _answered(period, filters)
    taken = HoursBetween("filed_at", "first_yes_at")
    sums = found.aggregate(taken=Percentiles(taken, 0.5, 0.9), n=Count("pk"))
    middle, slow = sums["taken"] or (None, None)
    return Value(
        middle,
        denominator=sums["n"],
        n=sums["n"],
        details=[Detail(gettext_lazy("Nine of ten within"), slow, Unit.HOURS)],
        months=lambda: by_month(found, "first_yes_at", period, median(taken), empty=None),
    )


@measure(
    "time_to_fulfil",
    name=gettext_lazy("Days to fulfil"),
    unit=Unit.WORKING_DAYS,
    area="desk",
    better="down",
    chart="line",
    order=21,
    definition=gettext_lazy(
        "Working days from filing to fulfilment on the desk's calendar, Saturdays and Sundays left out, waiting for "
        "others included. The median: half of the requests were faster."
    ),
    numerator=gettext_lazy("Median of the working days from filing to fulfilment"),
    denominator=gettext_lazy("Requests fulfilled in the period"),
    sources=(SOURCE,),
    rows=fulfilled_rows,
)
def time_to_fulfil(period: Period, filters: Filters) -> Value:
    found = _fulfilled(period, filters).annotate(taken=working_days("filed_at", "fulfilled_at", period.zone))
    promise = Program.current().promise_days
    sums = found.aggregate(percentiles=Percentiles("taken", 0.5, 0.9), n=Count("pk"))
    middle, slow = sums["percentiles"] or (None, None)

    def further() -> list[Detail]:
        details = [Detail(gettext_lazy("Nine of ten within"), slow, Unit.WORKING_DAYS)]
        if promise and sums["n"]:
            kept = found.filter(taken__lte=promise).count() / sums["n"]
            details.append(Detail(gettext_lazy("Within the promise"), kept, Unit.SHARE))
        return details

    return Value(
        middle,
        denominator=sums["n"],
        n=sums["n"],
        details=further,
        promise=promise,
        months=lambda: by_month(found, "fulfilled_at", period, median("taken"), empty=None),
    )


def ended_rows(period: Period, filters: Filters) -> Rows:
    when = Column(gettext_lazy("Ended"), lambda row: row.ended_at, Unit.INSTANT)
    why = Column(gettext_lazy("Reason"), lambda row: row.close_reason)
    found = _ended(period, filters)
    if filters.part in {"fulfilled", "unfilled", "deflected", "withdrawn"}:
        found = found.filter(status=filters.part)
    return _rows(found, when, STATUS, why, order=("-ended_at", "-pk"))


@measure(
    "fill_rate",
    name=gettext_lazy("Fill rate"),
    unit=Unit.SHARE,
    area="desk",
    better="up",
    chart="bars",
    order=22,
    definition=gettext_lazy(
        "Of the requests that needed an advocate and ended in the period, the share for which one was found and did "
        "it. Requests answered with a proof, and those withdrawn, needed none and are left out."
    ),
    numerator=gettext_lazy("Requests fulfilled"),
    denominator=gettext_lazy("Requests fulfilled or ended unfilled"),
    sources=(SOURCE,),
    rows=ended_rows,
    part_word=gettext_lazy("How it ended"),
    count_word=gettext_lazy("Requests"),
)
def fill_rate(period: Period, filters: Filters) -> Value:
    found = _ended(period, filters)
    by_status = dict(found.order_by().values_list("status").annotate(n=Count("pk")))
    filled, needed = by_status.get("fulfilled", 0), by_status.get("fulfilled", 0) + by_status.get("unfilled", 0)
    labels = dict(ReferenceRequest.Status.choices)
    share = 1.0 * Count("pk", filter=Q(status="fulfilled")) / Count("pk")
    needing = found.filter(status__in=["fulfilled", "unfilled"])
    return Value(
        filled / needed if needed else None,
        filled,
        needed,
        n=sum(by_status.values()),
        parts=[
            Part(status, labels[status], by_status.get(status, 0))
            for status in ("fulfilled", "unfilled", "deflected", "withdrawn")
        ],
        months=lambda: by_month(needing, "ended_at", period, share, empty=None),
    )


def _beside(period: Period, filters: Filters) -> "QuerySet[ReferenceRequest]":
    rows = ReferenceRequest.objects.filter(beside_the_desk=True)
    return _narrowed(rows, filters).filter(period.holds("fulfilled_at"))


def beside_rows(period: Period, filters: Filters) -> Rows:
    when = Column(gettext_lazy("Happened"), lambda row: row.fulfilled_at, Unit.INSTANT)
    return _rows(_beside(period, filters), when, order=("-fulfilled_at", "-pk"))


@measure(
    "beside_the_desk",
    name=gettext_lazy("References beside the desk"),
    unit=Unit.COUNT,
    area="desk",
    chart="bars",
    order=25,
    definition=gettext_lazy(
        "References that colleagues arranged directly with an advocate and told the desk of afterwards. They count in "
        "the ask budget and in influenced revenue, and in none of the desk's other figures."
    ),
    numerator=gettext_lazy("References told of, by the day they happened"),
    sources=(SOURCE,),
    rows=beside_rows,
)
def beside_the_desk(period: Period, filters: Filters) -> Value:
    found = _beside(period, filters)
    number = found.count()
    return Value(number, number, n=number, months=lambda: by_month(found, "fulfilled_at", period))


# --- Reviews ----------------------------------------------------------------------------------------------------------
def _reviews(period: Period, filters: Filters) -> "QuerySet[ReviewAsk]":
    found = ReviewAsk.objects.filter(period.holds("verified_at"))
    if filters.part:
        found = found.filter(campaign__site__pk=whole_number(filters.part) or 0)
    return filters.narrow(found, region="contact__account__region", industry="contact__account__industry")


def review_rows(period: Period, filters: Filters) -> Rows:
    columns = [
        Column(gettext_lazy("Site"), lambda row: row.campaign.site.name),
        Column(gettext_lazy("Person"), lambda row: row.contact.full_name, right="crm.view_contact"),
        Column(gettext_lazy("Campaign"), lambda row: row.campaign.title),
        Column(gettext_lazy("Seen"), lambda row: row.verified_at, Unit.INSTANT),
    ]
    wanted = _reviews(period, filters).select_related("campaign__site", "contact")
    return Rows(wanted, columns, order=("-verified_at", "-pk"), what=gettext_lazy("reviews"))


@measure(
    "reviews_seen",
    name=gettext_lazy("Reviews on public sites"),
    unit=Unit.COUNT,
    area="desk",
    better="up",
    chart="bars",
    order=45,
    definition=gettext_lazy(
        "Reviews that people told us of after a review campaign and that we have seen on the site, whatever they say."
    ),
    numerator=gettext_lazy("Reviews seen in the period"),
    sources=("opportunities.ReviewAsk",),
    rows=review_rows,
    part_word=gettext_lazy("Site"),
    count_word=gettext_lazy("Reviews"),
)
def reviews_seen(period: Period, filters: Filters) -> Value:
    found = _reviews(period, filters)
    by_site = found.order_by().values_list("campaign__site", "campaign__site__name").annotate(n=Count("pk"))
    parts = [Part(str(pk), name, number) for pk, name, number in by_site.order_by("-n")]
    number = sum(count for _pk, _name, count in by_site)
    return Value(number, number, n=number, parts=parts, months=lambda: by_month(found, "verified_at", period))


def deflected_rows(period: Period, filters: Filters) -> Rows:
    why = Column(gettext_lazy("What served"), lambda row: row.close_reason)
    found = _ended(period, filters).filter(status__in=["fulfilled", "deflected", "unfilled"])
    if filters.part in {"fulfilled", "deflected", "unfilled"}:
        found = found.filter(status=filters.part)
    return _rows(found, STATUS, why, order=("-ended_at", "-pk"))


@measure(
    "deflection_rate",
    name=gettext_lazy("Deflection rate"),
    unit=Unit.SHARE,
    area="desk",
    better="up",
    chart="bars",
    order=24,
    definition=gettext_lazy(
        "Of the requests that ended in the period and were not withdrawn, the share that needed nobody to be asked, "
        "because something published was enough."
    ),
    numerator=gettext_lazy("Requests answered with proof"),
    denominator=gettext_lazy("Requests answered, fulfilled or ended unfilled"),
    sources=(SOURCE,),
    rows=deflected_rows,
    part_word=gettext_lazy("How it ended"),
    count_word=gettext_lazy("Requests"),
)
def deflection_rate(period: Period, filters: Filters) -> Value:
    found = _ended(period, filters).filter(status__in=["fulfilled", "deflected", "unfilled"])
    by_status = dict(found.order_by().values_list("status").annotate(n=Count("pk")))
    deflected, total = by_status.get("deflected", 0), sum(by_status.values())
    labels = dict(ReferenceRequest.Status.choices)
    share = 1.0 * Count("pk", filter=Q(status="deflected")) / Count("pk")
    return Value(
        deflected / total if total else None,
        deflected,
        total,
        n=total,
        parts=[
            Part(status, labels[status], by_status.get(status, 0)) for status in ("deflected", "fulfilled", "unfilled")
        ],
        months=lambda: by_month(found, "ended_at", period, share, empty=None),
    )


def promised_rows(period: Period, filters: Filters) -> Rows:
    hours = Column(gettext_lazy("Office hours promised"), lambda row: row.promised_hours, Unit.COUNT)
    broken = Column(gettext_lazy("Promise broken"), lambda row: row.promise_broken_at, Unit.INSTANT)
    return _rows(_promised(period, filters), hours, broken, STATUS, order=("-ended_at", "-pk"))


def _promised(period: Period, filters: Filters) -> "QuerySet[ReferenceRequest]":
    found = _ended(period, filters).filter(promised_hours__isnull=False)
    if filters.part in {"kept", "broken"}:
        found = found.filter(promise_broken_at__isnull=filters.part == "kept")
    return found


@measure(
    "promises_kept",
    name=gettext_lazy("Promises kept"),
    unit=Unit.SHARE,
    area="desk",
    better="up",
    chart="bars",
    order=23,
    definition=gettext_lazy(
        "Of the requests that ended in the period and had a promise of office hours, the share for which it was not "
        "broken. Only time in which the desk was the one who was waited for uses a promise up."
    ),
    numerator=gettext_lazy("Requests whose promise was kept"),
    denominator=gettext_lazy("Requests ended that had a promise"),
    sources=(SOURCE,),
    rows=promised_rows,
    part_word=gettext_lazy("How it went"),
    count_word=gettext_lazy("Requests"),
)
def promises_kept(period: Period, filters: Filters) -> Value:
    found = _promised(period, filters)
    sums = found.aggregate(n=Count("pk"), kept=Count("pk", filter=Q(promise_broken_at__isnull=True)))
    share = 1.0 * Count("pk", filter=Q(promise_broken_at__isnull=True)) / Count("pk")
    return Value(
        sums["kept"] / sums["n"] if sums["n"] else None,
        sums["kept"],
        sums["n"],
        n=sums["n"],
        parts=[
            Part("kept", gettext_lazy("Kept"), sums["kept"]),
            Part("broken", gettext_lazy("Broken"), sums["n"] - sums["kept"]),
        ],
        months=lambda: by_month(found, "ended_at", period, share, empty=None),
    )


# --- Revenue ----------------------------------------------------------------------------------------------------------
WITH_OR_WITHOUT = gettext_lazy(
    "With or without is not cause: sellers ask for references where a deal is already promising, and accounts that "
    "advocate may simply be happier ones."
)


def influenced_rows(period: Period, filters: Filters) -> Rows:
    deals = influence.influenced(period, filters)
    given = Nomination.objects.filter(claim__status__in=influence.HELPED).select_related("advocate__contact")
    requests = filters.narrow(ReferenceRequest.objects.filter(fulfilled_at__isnull=False), team="team__slug")
    if filters.part and not _is_uuid(filters.part):
        deals = deals.none()
    elif filters.part:  # as in the figure: in the program's currency, with what this team asked for
        ours = deals.filter(currency=Program.current().currency)
        deals = ours.filter(Exists(_helped_by(filters.part, period, filters)))
    deals = deals.prefetch_related(
        Prefetch(
            "requests",
            queryset=requests.order_by("fulfilled_at").prefetch_related(
                Prefetch("nominations", queryset=given, to_attr="given")
            ),
            to_attr="helped",
        )
    )

    def in_time(deal: Deal) -> list[Any]:
        return [one for one in deal.helped if one.fulfilled_at.astimezone(period.tz).date() <= deal.closed_on]  # type: ignore[attr-defined]

    def who(deal: Deal) -> str:
        names: dict[int, str] = {}
        for one in in_time(deal):
            for nomination in one.given:
                names.setdefault(nomination.advocate_id, str(nomination.advocate))
        return ", ".join(names.values())

    columns = [
        Column(gettext_lazy("Deal"), str, link=DEAL_PAGE),
        Column(gettext_lazy("Prospect"), lambda deal: deal.prospect),
        Column(gettext_lazy("Won"), lambda deal: deal.closed_on, Unit.DAY),
        Column(gettext_lazy("Requests"), lambda deal: len(in_time(deal)), Unit.COUNT),
        Column(gettext_lazy("First and last"), lambda deal: _first_and_last(in_time(deal), period)),
        Column(gettext_lazy("Who helped, in equal parts"), who, right="advocates.view_advocate"),
        Column(gettext_lazy("Currency"), lambda deal: deal.currency),
        Column(gettext_lazy("Value"), lambda deal: deal.value, Unit.AMOUNT),
    ]
    return Rows(deals, columns, order=("-closed_on", "-pk"), what=gettext_lazy("deals"))


def _helped_by(advocate: str, period: Period, filters: Filters) -> "QuerySet[ReferenceRequest]":
    given = Nomination.objects.filter(
        request=OuterRef("pk"), claim__status__in=influence.HELPED, advocate__public_id=advocate
    )
    requests = filters.narrow(ReferenceRequest.objects.filter(Exists(given), deal=OuterRef("pk")), team="team__slug")
    return influence.in_time(requests, period)


def _first_and_last(requests: list[Any], period: Period) -> str:
    days = [date_format(one.fulfilled_at.astimezone(period.tz), "j M Y") for one in requests]
    return " – ".join(dict.fromkeys((days[0], days[-1]))) if days else ""


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


@measure(
    "influenced_revenue",
    name=gettext_lazy("Influenced revenue"),
    unit=Unit.MONEY,
    area="revenue",
    better="up",
    chart="bars",
    order=1,
    definition=gettext_lazy(
        "The value of the deals won in the period for which at least one request was fulfilled by the day they closed. "
        "Each deal counts once, however many requests and advocates it took; what is fulfilled after the close does "
        "not count."
    ),
    numerator=gettext_lazy("Sum of the value of these deals"),
    denominator=gettext_lazy("Deals, each counted once"),
    sources=("crm.Deal", SOURCE),
    rows=influenced_rows,
    part_word=gettext_lazy("Who helped"),
    count_word=gettext_lazy("Their part"),
    caution=WITH_OR_WITHOUT,
)
def influenced_revenue(period: Period, filters: Filters) -> Value:
    currency = Program.current().currency
    deals = influence.influenced(period, filters)
    ours = deals.filter(currency=currency)
    sums = deals.aggregate(
        total=Sum("value", filter=Q(currency=currency)),
        n=Count("pk", filter=Q(currency=currency)),
        others=Count("pk", filter=~Q(currency=currency)),
        bare=Count("pk", filter=Q(currency=currency, value__isnull=True)),
    )
    details = []
    if sums["others"]:
        details.append(Detail(gettext_lazy("Deals in another currency, not added"), sums["others"]))
    if sums["bare"]:
        details.append(Detail(gettext_lazy("Deals without a value, added as nothing"), sums["bare"]))
    number = sums["n"]
    note = ngettext("%(number)s deal, counted once", "%(number)s deals, each counted once", number)

    def who_helped() -> list[Part]:
        ranked = influence.by_helper(ours, period, filters)
        return [
            Part(str(advocate.public_id), str(advocate), value, Unit.MONEY, right="advocates.view_advocate")
            for advocate, value, _deals in ranked
        ]

    return Value(
        sums["total"] or (0 if number else None),
        sums["total"],
        number,
        n=number + sums["others"],
        details=details,
        note=note % {"number": number} if number else "",
        parts=who_helped,
        months=lambda: by_month(ours, "closed_on", period, Coalesce(Sum("value"), Decimal(0))),
    )
