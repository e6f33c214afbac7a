"""What is measured of the people of the program (M3)."""

from datetime import date, datetime

from django.db import models
from django.db.models import Count, Exists, ExpressionWrapper, F, Func, OuterRef, Q, QuerySet
from django.db.models.functions import Least
from django.utils import timezone
from django.utils.translation import gettext_lazy

from advocacy.crm.catalogue import ACTIVITY_DEEDS
from advocacy.crm.models import Activity
from advocacy.dashboards.filters import Filters
from advocacy.dashboards.links import link
from advocacy.dashboards.periods import Period
from advocacy.dashboards.registry import Column, Detail, Month, Part, Rows, Unit, Value, measure
from advocacy.dashboards.sql import by_month
from advocates.models import Advocate, Ask, Channel

ADVOCATE_PAGE = link("admin:advocates_advocate_change", "pk")
ASKED_PAGE = link("admin:advocates_advocate_change", "advocate_id")
PLACES = {"region": "contact__account__region", "industry": "contact__account__industry"}
HEEDS = ("region", "industry")
TOP = 3
SHOWN = 7
"""How many of the most asked a chart names."""


def member_at(moment: datetime, path: str = "") -> Q:
    """Members at a moment; of now and later their status tells, of the past the days they joined and left.

    Somebody who left and came back has joined after leaving. ``path`` leads to the advocate: ``contact__advocate__``.
    """
    if moment > timezone.now():
        return Q(**{f"{path}status": Advocate.Status.MEMBER})
    stayed = (
        Q(**{f"{path}left_at__isnull": True})
        | Q(**{f"{path}left_at__gte": moment})
        | Q(**{f"{path}left_at__lt": F(f"{path}joined_at")})
    )
    return Q(**{f"{path}joined_at__lt": moment}) & stayed


def members_at(moment: datetime, filters: Filters) -> "QuerySet[Advocate]":
    return filters.narrow(Advocate.objects.filter(member_at(moment)), **PLACES)


def _advocate_rows(advocates: "QuerySet[Advocate]", *more: Column) -> Rows:
    columns = [
        Column(gettext_lazy("Advocate"), str, link=ADVOCATE_PAGE),
        Column(gettext_lazy("Account"), lambda row: row.contact.account.name),
        Column(gettext_lazy("Region"), lambda row: row.contact.account.region),
        Column(gettext_lazy("Stage"), lambda row: row.get_stage_display()),
        *more,
        Column(gettext_lazy("Joined"), lambda row: row.joined_at, Unit.INSTANT),
    ]
    wanted = advocates.select_related("contact__account")
    return Rows(wanted, columns, order=("-joined_at", "-pk"), what=gettext_lazy("members"))


# --- Members ----------------------------------------------------------------------------------------------------------
def member_rows(period: Period, filters: Filters) -> Rows:
    return _advocate_rows(members_at(period.until, filters))


@measure(
    "members",
    name=gettext_lazy("Members"),
    unit=Unit.COUNT,
    better="up",
    chart="bars",
    order=30,
    definition=gettext_lazy("Advocates who have joined and not left, at the end of the period."),
    numerator=gettext_lazy("Members on the last day of the period"),
    sources=("advocates.Advocate",),
    rows=member_rows,
    heeds=HEEDS,
)
def members(period: Period, filters: Filters) -> Value:
    number = members_at(period.until, filters).count()

    def at_each_end() -> list[Month]:
        ends = {f"m{place}": _end(first, period) for place, first in enumerate(period.months)}
        everybody = filters.narrow(Advocate.objects.all(), **PLACES)
        found = everybody.aggregate(**{name: Count("pk", filter=member_at(end)) for name, end in ends.items()})
        return [Month(first, found[f"m{place}"], found[f"m{place}"]) for place, first in enumerate(period.months)]

    def further() -> list[Detail]:
        joined = filters.narrow(Advocate.objects.filter(period.holds("joined_at")), **PLACES)
        left = filters.narrow(Advocate.objects.filter(period.holds("left_at")), **PLACES)
        return [
            Detail(gettext_lazy("Joined in the period"), joined.count()),
            Detail(gettext_lazy("Left in the period"), left.count()),
        ]

    return Value(number, number, n=number, details=further, months=at_each_end)


def _end(first: date, period: Period) -> datetime:
    month = Period(first, first, zone=period.zone)
    return min(month.moved(1).since, period.until)


# --- The funnel -------------------------------------------------------------------------------------------------------
STAGES = (
    ("member", Advocate.Stage.MEMBER, gettext_lazy("Members")),
    ("socializer", Advocate.Stage.SOCIALIZER, gettext_lazy("Socializers")),
    ("creator", Advocate.Stage.CREATOR, gettext_lazy("Creators")),
    ("proven", Advocate.Stage.PROVEN, gettext_lazy("Proven advocates")),
    ("spotlight", Advocate.Stage.SPOTLIGHT, gettext_lazy("Spotlight")),
)


def _is_now(period: Period) -> bool:
    return period.until > timezone.now()


def funnel_rows(period: Period, filters: Filters) -> Rows:
    found = members_at(period.until, filters) if _is_now(period) else Advocate.objects.none()
    lowest = {key: stage for key, stage, _label in STAGES}.get(filters.part)
    if lowest is not None and lowest != Advocate.Stage.MEMBER:
        found = found.filter(stage__gte=lowest)
    since = Column(gettext_lazy("At this stage since"), lambda row: row.stage_since, Unit.INSTANT)
    return _advocate_rows(found, since)


@measure(
    "funnel",
    name=gettext_lazy("Members who advocate"),
    unit=Unit.SHARE,
    better="up",
    chart="funnel",
    order=31,
    definition=gettext_lazy(
        "How far members have come, as known today: Socializers have posted, replied or met somebody; Creators have "
        "completed one activity; Proven advocates three; Spotlight has been celebrated. Each stage holds those beyond "
        "it. The figure is the share of members who are Creators or further."
    ),
    numerator=gettext_lazy("Members at the stage Creator or beyond"),
    denominator=gettext_lazy("All members"),
    sources=("advocates.Advocate", "crm.Activity"),
    rows=funnel_rows,
    heeds=HEEDS,
)
def funnel(period: Period, filters: Filters) -> Value:
    if not _is_now(period):
        # A stage is kept as it is today; what it was then would be a guess.
        return Value(None, note=gettext_lazy("Stages are known as of today only."))
    by_stage = dict(members_at(period.until, filters).order_by().values_list("stage").annotate(n=Count("pk")))

    def beyond(stage: int) -> int:
        return sum(number for held, number in by_stage.items() if held >= stage)

    everybody, creators = sum(by_stage.values()), beyond(Advocate.Stage.CREATOR)
    parts = [
        Part(key, label, everybody if stage == Advocate.Stage.MEMBER else beyond(stage)) for key, stage, label in STAGES
    ]
    return Value(creators / everybody if everybody else None, creators, everybody, n=everybody, parts=parts)


# --- Activity ---------------------------------------------------------------------------------------------------------
def _activities(period: Period, filters: Filters) -> "QuerySet[Activity]":
    done = Activity.objects.filter(period.holds("at"), deed__in=ACTIVITY_DEEDS, contact__isnull=False)
    return filters.narrow(done, **PLACES)


def _active(period: Period, filters: Filters) -> "QuerySet[Advocate]":
    return members_at(period.until, filters).filter(contact__in=_activities(period, Filters()).values("contact"))


def active_rows(period: Period, filters: Filters) -> Rows:
    return _advocate_rows(_active(period, filters))


@measure(
    "active_share",
    name=gettext_lazy("Active members"),
    unit=Unit.SHARE,
    better="up",
    chart="bars",
    order=32,
    definition=gettext_lazy(
        "The share of members with at least one completed activity in the period: a verified claim, a published story, "
        "a review, a talk or an accepted referral. Posting alone does not count."
    ),
    numerator=gettext_lazy("Members with a completed activity in the period"),
    denominator=gettext_lazy("Members on the last day of the period"),
    sources=("crm.Activity", "advocates.Advocate"),
    rows=active_rows,
    heeds=HEEDS,
)
def active_share(period: Period, filters: Filters) -> Value:
    done = _activities(period, Filters()).values("contact")
    found = members_at(period.until, filters).aggregate(all=Count("pk"), active=Count("pk", filter=Q(contact__in=done)))
    active, everybody = found["active"], found["all"]

    def month_by_month() -> list[Month]:
        people = Count("contact", distinct=True)
        # Each month by itself, as its own page shows it: done in it by those who were members at its end.
        done = by_month(
            _activities(period, filters).annotate(month_end=_month_end(period)).filter(Exists(_members_at_month_end())),
            "at", period, people, cases=people,
        )  # fmt: skip
        whole = {month.first: month.n for month in members(period, filters).series}
        return [
            Month(month.first, month.n / whole[month.first] if whole[month.first] else None, month.n) for month in done
        ]

    return Value(active / everybody if everybody else None, active, everybody, n=active, months=month_by_month)


def _month_end(period: Period) -> Least:
    """The end of the month in which an activity took place, on the period's clock; never later than the period's."""
    zone = models.Value(period.zone)
    local = Func(zone, F("at"), function="timezone", output_field=models.DateTimeField())
    month = Func(models.Value("month"), local, function="date_trunc", output_field=models.DateTimeField())
    after = Func(month, template="(%(expressions)s + interval '1 month')", output_field=models.DateTimeField())
    return Least(
        Func(zone, after, function="timezone", output_field=models.DateTimeField()), models.Value(period.until)
    )


def _members_at_month_end() -> "QuerySet[Advocate]":
    """``member_at`` for the ``month_end`` of the row around it."""
    end, now = OuterRef("month_end"), timezone.now()
    stayed = Q(left_at__isnull=True) | Q(left_at__gte=end) | Q(left_at__lt=F("joined_at"))
    then = Advocate.objects.filter(contact=OuterRef("contact_id")).annotate(
        end=ExpressionWrapper(end, models.DateTimeField())
    )
    return then.filter(Q(end__gt=now, status=Advocate.Status.MEMBER) | Q(end__lte=now, joined_at__lt=end) & stayed)


# --- Who is asked -----------------------------------------------------------------------------------------------------
def _asks(period: Period, filters: Filters) -> "QuerySet[Ask]":
    asks = Ask.objects.filter(period.holds("asked_at"), released_at__isnull=True)
    return filters.narrow(asks, region="account__region", industry="account__industry")


def ask_rows(period: Period, filters: Filters) -> Rows:
    asks = _asks(period, filters)
    if filters.part:
        asks = asks.filter(advocate=int(filters.part)) if filters.part.isdecimal() else asks.none()
    channels = dict(Channel.choices)
    columns = [
        Column(
            gettext_lazy("Advocate"), lambda row: str(row.advocate), link=ASKED_PAGE, right="advocates.view_advocate"
        ),
        Column(gettext_lazy("Account"), lambda row: row.account.name),
        Column(gettext_lazy("Channel"), lambda row: str(channels.get(row.channel, row.channel))),
        Column(gettext_lazy("Kind"), lambda row: row.kind),
        Column(gettext_lazy("Asked"), lambda row: row.asked_at, Unit.INSTANT),
    ]
    wanted = asks.select_related("advocate__contact", "account")
    return Rows(wanted, columns, order=("-asked_at", "-pk"), what=gettext_lazy("asks"))


@measure(
    "ask_concentration",
    name=gettext_lazy("Asks on the top three"),
    unit=Unit.SHARE,
    better="down",
    chart="shares",
    order=33,
    part_word=gettext_lazy("Advocate"),
    count_word=gettext_lazy("Asks"),
    definition=gettext_lazy(
        "How much of all asking fell on the three advocates who were asked most: nominations, offers, surveys and "
        "review campaigns alike. Asks that came to nothing through no fault of theirs are left out."
    ),
    numerator=gettext_lazy("Asks of the three most asked"),
    denominator=gettext_lazy("All asks in the period"),
    sources=("advocates.Ask",),
    rows=ask_rows,
    heeds=HEEDS,
)
def ask_concentration(period: Period, filters: Filters) -> Value:
    asks = _asks(period, filters)
    everything = asks.count()
    each = asks.order_by().values_list("advocate").annotate(n=Count("pk"))
    ranked = list(each.order_by("-n", "advocate")[:SHOWN])
    names = {
        advocate.pk: str(advocate)
        for advocate in Advocate.objects.filter(pk__in=[pk for pk, _n in ranked]).select_related("contact")
    }
    top = sum(number for _pk, number in ranked[:TOP])
    return Value(
        top / everything if everything else None,
        top,
        everything,
        n=everything,
        parts=[Part(str(pk), names[pk], number, right="advocates.view_advocate") for pk, number in ranked],
    )
