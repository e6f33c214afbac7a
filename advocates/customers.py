"""What is known of one customer, each with its source and date, and what stands for asks there (P1, P2)."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any

from django.db.models import Case, Count, Exists, Max, Min, OuterRef, Q, QuerySet, Sum, When
from django.db.models.functions import Lower, TruncMonth
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l

from advocacy.crm.models import Account, Contact, Deal, NotReady, Pause, Program, Signal, Subscription, Usage
from advocacy.lib import charts
from advocacy.lib.months import months_after
from advocacy.lib.numbers import money, number
from advocacy.users.models import User
from advocates import budget
from advocates.models import Advocate, Ask, AskCap

RENEWS_WITHIN = 90
MONTHS = 12
LATELY = timedelta(days=90)
SHOWN = 50


# --- The list ---------------------------------------------------------------------------------------------------------
ORDER = ("sort_name", "pk")


def narrowed(rows: "QuerySet[Account]", words: str, *, today: date, only: Mapping[str, str]) -> "QuerySet[Account]":
    """Those that fit the words, and the filters that are set: readiness, region, industry, renewal."""
    for word in words.split()[:5]:
        rows = rows.filter(Q(name__icontains=word) | Q(domain__icontains=word))
    if readiness := only.get("readiness"):
        rows = rows.filter(readiness=readiness) if readiness in Account.Readiness.values else rows.none()
    for name in ("region", "industry"):
        if value := only.get(name):
            rows = rows.filter(**{name: value})
    if only.get("renewal"):
        rows = rows.filter(renewal_on__range=(today, today + timedelta(days=RENEWS_WITHIN)))
    return rows.annotate(sort_name=Lower("name"))


def of_person(rows: "QuerySet[Account]", person: Any) -> "QuerySet[Account]":
    """Accounts somebody looks after: with members in their pods, or theirs as owner or success manager."""
    members = Advocate.objects.filter(
        contact__account=OuterRef("pk"), pod__manager=person.pk, status=Advocate.Status.MEMBER
    )
    return rows.filter(Q(Exists(members)) | Q(owner=person.pk) | Q(csm=person.pk))


def words_known(field: str) -> list[str]:
    """The regions or industries there are, for a filter."""
    return list(Account.objects.exclude(**{field: ""}).order_by(field).values_list(field, flat=True).distinct())


def members_of(accounts: Sequence[int]) -> dict[int, int]:
    """How many members of the program each of these accounts has."""
    rows = Advocate.objects.filter(status=Advocate.Status.MEMBER, contact__account__in=accounts)
    return dict(rows.order_by().values_list("contact__account").annotate(Count("pk")))


# --- Facts ------------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Fact:
    """One fact: its name, its value in words, and who says so and as of when."""

    label: Any
    value: str
    origin: str
    url: str = ""


FACTS: tuple[tuple[str, Any], ...] = (
    ("domain", _l("Domain")),
    ("parent", _l("Belongs to")),
    ("industry", _l("Industry")),
    ("employees", _l("Employees")),
    ("annual_value", _l("Annual value")),
    ("region", _l("Region")),
    ("country", _l("Country")),
    ("language", _l("Language")),
    ("time_zone", _l("Time zone")),
    ("contract_start", _l("Customer since")),
    ("contract_months", _l("Contract term")),
    ("renewal_on", _l("Renewal")),
    ("owner", _l("Account owner")),
    ("csm", _l("Success manager")),
    ("use_cases", _l("Uses it for")),
    ("replaced_competitors", _l("Replaced")),
    ("competes_with", _l("Competes with")),
)
BY_HAND = "/crm/account/"
"""Where in the address a change of an account was made by somebody, not brought by an import."""


def origin(source: str, moment: datetime) -> str:
    """Who says so and as of when."""
    return f"{_('the portal') if source == 'portal' else source}, {_day(moment)}"


def facts(account: Account) -> list[Fact]:
    """The facts of an account that are there; one that somebody has corrected says who and when."""
    corrected, found = _corrected(account), []
    for name, label in FACTS:
        value = getattr(account, name)
        if value in (None, "", []):
            continue
        if name == "annual_value":
            words = money(value, account.currency)
        elif name == "contract_months":
            words = _("%(months)s months") % {"months": value}
        elif isinstance(value, date):
            words = date_format(value, "j F Y")
        elif isinstance(value, list):
            words = ", ".join(value)
        elif isinstance(value, int):
            words = number(value)
        else:
            words = str(value)
        found.append(Fact(label, words, corrected.get(name) or origin(account.source, account.facts_at)))
    return found


def _corrected(account: Account) -> dict[str, str]:
    """The facts whose present value somebody of ours has written, with who and when, from the history."""
    rows = list(
        account.events.order_by("-pgh_id").select_related("pgh_context")[:100]  # type: ignore[attr-defined]
    )[::-1]
    hands: dict[str, tuple[Any, datetime] | None] = {}
    for before, after in pairwise(rows):
        context = after.pgh_context.metadata if after.pgh_context else {}
        by = context.get("user") if BY_HAND in str(context.get("url", "")) else None
        for name, _label in FACTS:
            column = f"{name}_id" if name in {"parent", "owner", "csm"} else name
            if getattr(before, column) != getattr(after, column):
                hands[name] = (by, after.pgh_created_at) if by else None
    people = _names({hand[0] for hand in hands.values() if hand})
    return {
        name: _("corrected by %(name)s, %(day)s") % {"name": people.get(hand[0], "?"), "day": _day(hand[1])}
        for name, hand in hands.items()
        if hand
    }


def _names(ids: set[Any]) -> dict[Any, str]:
    return {user.pk: str(user) for user in User.objects.filter(pk__in=ids)} if ids else {}


def _day(moment: datetime) -> str:
    return date_format(timezone.localtime(moment), "j M Y")


# --- What they have and use -------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Product:
    """A product they own and since when; unknown where no subscription says so."""

    name: str
    since: date | None
    until: date | None
    origin: str


def products(account: Account, subscriptions: Sequence[Subscription]) -> list[Product]:
    """By subscriptions first, then those the account names that no subscription does."""
    by_name: dict[str, list[Subscription]] = defaultdict(list)
    for one in subscriptions:
        if one.product:
            by_name[one.product.lower()].append(one)
    found = []
    for rows in by_name.values():
        last = max(rows, key=lambda one: (one.ended_on is None, one.started_on))
        since = min(one.started_on for one in rows)
        found.append(Product(last.product, since, last.ended_on, origin(last.source, last.facts_at)))
    here = origin(account.source, account.facts_at)
    found += [Product(name, None, None, here) for name in account.products if name.lower() not in by_name]
    return sorted(found, key=lambda one: one.name.lower())


@dataclass(frozen=True)
class Use:
    """Minutes by month, and how each feature is taken up."""

    chart: str
    features: Sequence[Mapping[str, Any]]
    a_day: float
    origin: str


def use(account: Account, *, at: datetime) -> Use | None:
    """The last twelve months of use; None when nothing is known."""
    today = timezone.localdate(at)
    first = months_after(today.replace(day=1), 1 - MONTHS)
    rows = Usage.objects.filter(account=account)
    features = list(
        rows.values("feature")
        .annotate(
            lately=Sum("minutes", filter=Q(day__gt=today - LATELY)), first=Min("day"), last=Max("day"),
            days=Count("day", filter=Q(day__gt=today - LATELY), distinct=True),
        )
        .order_by("-lately", "feature")[:12]
    )  # fmt: skip
    if not features:
        return None
    for one in features:
        one["lately"] = one["lately"] or 0
    features.sort(key=lambda one: (-one["lately"], one["feature"]))
    by_month = dict(
        rows.filter(day__gte=first)
        .annotate(month=TruncMonth("day"))
        .order_by("month")
        .values_list("month")
        .annotate(Sum("minutes"))
    )
    months = [months_after(first, step) for step in range(MONTHS)]
    chart = charts.bars(
        [charts.Point(date_format(month, "M"), float(by_month.get(month, 0))) for month in months],
        title=_("Minutes of use by month"), label_head=_("Month"), value_head=_("Minutes"),
        shown=lambda minutes: number(minutes, 0),
    )  # fmt: skip
    newest = rows.order_by("-day", "-pk").values_list("source", "facts_at").first()
    a_day = float(sum(one["lately"] for one in features)) / LATELY.days
    return Use(str(chart), features, a_day, origin(*newest) if newest else "")


@dataclass(frozen=True)
class Heard:
    """What they answered and what troubles them."""

    answers: Sequence[Signal]
    escalations: Sequence[Signal]


def heard(account: Account, *, at: datetime) -> Heard:
    """The last answers to NPS and CSAT, and escalations nobody has closed."""
    kinds = ("nps", "csat", "escalation_opened", "escalation_closed")
    rows = Signal.objects.filter(account=account, kind__in=kinds, occurred_at__lte=at).select_related("contact")
    signals = list(rows.order_by("-occurred_at", "-pk")[:200])
    closed = {one.occurrence for one in signals if one.kind == "escalation_closed"}
    return Heard(
        [one for one in signals if one.kind in {"nps", "csat"}][:8],
        [one for one in signals if one.kind == "escalation_opened" and one.occurrence not in closed],
    )


def deals(account: Account, reader: Any) -> tuple[list[Deal], list[Deal]]:
    """Deals won with them and those open, newest first."""
    rows = Deal.objects.visible_to(reader).filter(account=account).select_related("owner").order_by("-opened_on", "-pk")
    return list(rows.won()[:5]), list(rows.open()[:5])


def people(account: Account, reader: Any, *, at: datetime) -> tuple[list[tuple[Contact, Any, Any]], int]:
    """Who works there: advocates first, each with whether they can be asked; and how many more there are."""
    rows = Contact.objects.visible_to(reader).filter(account=account, erased_at__isnull=True, left_on__isnull=True)
    total = rows.count()
    standing = Case(When(advocate__status="member", then=0), When(advocate__isnull=False, then=1), default=2)
    found = list(
        rows.select_related("account", "advocate__pod__manager")
        .order_by(standing, "family_name", "given_name", "pk")[:SHOWN]
    )  # fmt: skip
    theirs = {one.pk: one.advocate for one in found if hasattr(one, "advocate")}
    members = [one for one in theirs.values() if one.status == Advocate.Status.MEMBER]
    free = budget.availabilities(members, at=at) if members else {}
    shown = [(one, theirs.get(one.pk), free.get(theirs[one.pk].pk) if one.pk in theirs else None) for one in found]
    return shown, total - len(shown)


# --- Readiness and asks -----------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Rest:
    """Everything that keeps or kept an account from being asked."""

    not_ready: NotReady | None
    pauses: Sequence[Pause]
    past: Sequence[Mapping[str, Any]]


def rest(account: Account) -> Rest:
    """What stands now, and the last ten that are over."""
    entries = list(
        NotReady.objects.filter(account=account).select_related("by", "released_by").order_by("-began_at", "-pk")[:20]
    )
    open_pauses = Pause.objects.filter(account=account, released_at__isnull=True).select_related("by")
    over = Pause.objects.filter(account=account, released_at__isnull=False).select_related("by", "released_by")
    past: list[dict[str, Any]] = [
        {"what": _("not ready"), "row": one, "until": one.until} for one in entries if one.released_at
    ]
    past += [{"what": _("paused"), "row": one} for one in over.order_by("-released_at", "-pk")[:10]]
    past.sort(key=lambda one: one["row"].released_at, reverse=True)
    standing = next((one for one in entries if one.released_at is None), None)
    return Rest(standing, list(open_pauses.order_by("began_at", "pk")), past[:10])


def asks(account: Account, *, at: datetime) -> list[Ask]:
    """The asks of a year that count at this account, newest first."""
    rows = Ask.objects.filter(
        account=account, released_at__isnull=True, asked_at__gt=at - timedelta(days=365), asked_at__lte=at
    )
    return list(rows.select_related("by", "advocate__contact").order_by("-asked_at", "-pk")[:SHOWN])


def waiting(account: Account, *, at: datetime) -> list[Ask]:
    """Asks nobody has answered yet and whose time is not over: what a pause would stop."""
    hours = Program.current().nomination_answer_hours
    return [
        one for one in asks(account, at=at) if one.answered_at is None and one.asked_at > at - timedelta(hours=hours)
    ]


def caps(given: Sequence[Ask], *, at: datetime) -> list[tuple[int, int, int]]:
    """How many asks each general cap for an account has counted: used, most, days."""
    rules = AskCap.objects.filter(scope=AskCap.Scope.ACCOUNT, kind="").order_by("days")
    return [(sum(one.asked_at > at - timedelta(days=cap.days) for one in given), cap.most, cap.days) for cap in rules]
