"""What the board shows to whom, and in which order (O3).

*For you* sorts by how well an opportunity fits, and within equal fit by a shuffle that a person's day decides: stable
until midnight on their clock, another tomorrow. Fit and shuffle are one computed number, which the list is paged by.
"""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from datetime import date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.core.exceptions import EmptyResultSet
from django.db import models
from django.db.models import Q, QuerySet, Value
from django.db.models.expressions import RawSQL
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from advocacy.crm.catalogue import Purpose
from advocacy.lib.paging import Page, beyond, page_by_key, place
from advocacy.lib.searching import by_words
from advocates.models import Advocate
from opportunities import incentives
from opportunities.eligibility import MeantFor, Who, who
from opportunities.models import Claim, Group, Opportunity, SeatsTaken

PAGE = 20
NEW_FOR = timedelta(days=3)
ENDS_WITHIN = timedelta(days=7)
SHORT = 30
"""Minutes that still count as little effort."""

NEW_AT_MOST = 20
"""Nobody counts further than this: the board says "20+"."""

SHUFFLE_BITS = 40


# --- What is open to somebody -----------------------------------------------------------------------------------------
def open_to(advocate: Advocate, *, at: datetime) -> QuerySet[Opportunity]:
    """All an advocate can claim now: open, listed, meant for them, consented to, not claimed yet, with a seat left.

    Nothing at all while they are not a member, only public reviews while their account rests; and nothing of a kind
    they never want.
    """
    return open_for(who(advocate, at=at), at=at)


def open_for(person: Who, *, at: datetime) -> QuerySet[Opportunity]:
    """``open_to`` for somebody whose facts are at hand."""
    return _offered(person, at=at).with_a_seat_left(at=at, besides=person.advocate)


def _offered(person: Who, *, at: datetime, consented: bool = True) -> Any:
    """What is offered to them, full or not; with ``consented`` false, what a missing consent keeps from them."""
    if not person.is_member or all(person.has_rest_from(is_review=kind["is_review"]) for kind in person.kinds):
        return Opportunity.objects.none()
    mine = Claim.objects.filter(advocate=person.advocate).exclude(status=Claim.Status.WITHDRAWN)
    allowed = {"", *person.purposes}
    never = set(person.advocate.never)
    # By id, not by a join: kinds are known already, and Postgres then reads the table once, from end to end.
    kinds = person.kinds_where(
        lambda kind: (kind["purpose"] in allowed) == consented
        and kind["slug"] not in never
        and not person.has_rest_from(is_review=kind["is_review"])
    )  # fmt: skip
    rows = Opportunity.objects.open(at=at).listed().filter(kind__in=kinds).filter(MeantFor("audience", person.facts))
    return rows.exclude(pk__in=mine.values("opportunity"))


def missing_purposes(person: Who) -> list[Purpose]:
    """Consents of opportunities this person has not given."""
    asked_by_kinds = [
        Purpose.REFERENCE_CALLS, Purpose.MEETING_PROSPECTS, Purpose.SPEAKING, Purpose.NAME_AND_LOGO, Purpose.QUOTE,
        Purpose.RECORDING, Purpose.MEDIA_ANALYSTS, Purpose.SURVEYS, Purpose.BETA_ADVISORY, Purpose.INTRODUCTIONS,
    ]  # fmt: skip
    return [purpose for purpose in asked_by_kinds if purpose not in person.purposes]


def new_since(person: Who, since: datetime | None, *, at: datetime) -> int:
    """How many were opened since the last visit; counted no further than the board says."""
    if since is None:
        return 0
    return open_for(person, at=at).filter(opened_at__gt=since).order_by()[: NEW_AT_MOST + 1].count()


# --- Filters: they live in the address --------------------------------------------------------------------------------
@dataclass(frozen=True)
class Filters:
    """What an address narrows the board to. Whatever it does not understand it leaves out."""

    groups: tuple[str, ...] = ()
    kind: str = ""
    short: bool = False
    privacy: str = ""
    reward: bool = False
    ends_soon: bool = False
    anywhere: bool = False
    place: str = ""
    language: str = ""
    words: str = ""
    show: str = ""
    order: str = ""
    look: str = ""

    @classmethod
    def of(cls, query: Any) -> "Filters":
        groups = query.getlist("group") if hasattr(query, "getlist") else [query.get("group", "")]
        return cls(
            groups=tuple(sorted({group for group in groups if group in Group.values})),
            kind=_word(query, "kind"),
            short=query.get("effort") == str(SHORT),
            privacy=_one_of(query, "privacy", ("private", "public")),
            reward=query.get("reward") == "1",
            ends_soon=query.get("ends") == "7",
            anywhere=query.get("where") == "anywhere",
            place=_word(query, "place"),
            language=_word(query, "language")[:10],
            words=_word(query, "q"),
            show=_one_of(query, "show", ("full", "consent")),
            order=_one_of(query, "order", tuple(ORDERS)),
            look=_one_of(query, "look", ("list",)),
        )

    @property
    def narrow(self) -> bool:
        """Whether anything is left out; the order and the look leave out nothing."""
        return any(getattr(self, one.name) for one in fields(self) if one.name not in ("order", "look"))

    @property
    def all_of_it(self) -> str:
        """The address of everything, in the same order and look."""
        return "?" + urlencode({key: value for key in ("order", "look") if (value := getattr(self, key))})

    def apply(self, rows: QuerySet[Opportunity], *, at: datetime, person: Who | None = None) -> QuerySet[Opportunity]:
        """Narrow these rows. Where the kinds are known through ``person`` they are named by id."""
        if self.groups:
            rows = rows.filter(
                _of_kinds(person, lambda kind: kind["group"] in self.groups, kind__group__in=self.groups)
            )
        if self.kind:
            rows = rows.filter(_of_kinds(person, lambda kind: kind["slug"] == self.kind, kind__slug=self.kind))
        if self.short:
            short = _of_kinds(person, lambda kind: kind["minutes"] <= SHORT, kind__minutes__lte=SHORT)
            rows = rows.filter(Q(minutes__lte=SHORT) | Q(minutes__isnull=True) & short)
        if self.privacy:
            rows = rows.filter(is_public=self.privacy == "public")
        if self.reward:
            rows = incentives.running(rows, at=at)
        if self.ends_soon:
            rows = rows.filter(closes_at__lte=at + ENDS_WITHIN)
        if self.anywhere:
            rows = rows.filter(is_remote=True)
        if self.place:
            rows = rows.filter(place__icontains=self.place)
        if self.language:
            rows = rows.filter(language=self.language)
        if self.words:
            rows = rows.filter(_matching(self.words, person))
        return rows


def _of_kinds(person: Who | None, true: Callable[[dict[str, Any]], bool], **otherwise: Any) -> Q:
    return Q(kind__in=person.kinds_where(true)) if person else Q(**otherwise)


def _word(query: Any, key: str) -> str:
    """What somebody typed, without the character Postgres cannot hold."""
    return str(query.get(key) or "").replace("\x00", "").strip()[:100]


def _one_of(query: Any, key: str, known: Iterable[str]) -> str:
    value = query.get(key) or ""
    return value if value in known else ""


def _matching(words: str, person: Who | None) -> Q:
    """Every word, or one that begins like it, somewhere in the text; or the name of the kind."""
    named = _of_kinds(person, lambda kind: words.lower() in kind["name"].lower(), kind__name__icontains=words)
    query = by_words(words)
    return named if query is None else Q(search=query) | named


# --- Orders -----------------------------------------------------------------------------------------------------------
FAR = datetime(9999, 1, 1, tzinfo=ZoneInfo("UTC"))
ORDERS: dict[str, tuple[str, ...]] = {
    "": ("-key", "-pk"),
    "newest": ("-opened_at", "-pk"),
    "ending": ("closes", "-pk"),
    "short": ("takes", "-pk"),
    "points": ("-points", "-pk"),
}


def in_order(rows: QuerySet[Opportunity], person: Who, order: str, *, day: date) -> QuerySet[Opportunity]:
    """Annotate what an order sorts by, and sort."""
    if order == "ending":
        rows = rows.annotate(closes=Coalesce("closes_at", Value(FAR)))
    elif order == "short":
        rows = rows.annotate(takes=Coalesce("minutes", "kind__minutes"))
    elif not order:
        rows = rows.annotate(key=ForYou.of(person, day))
    return rows.order_by(*ORDERS[order])


# --- Fit --------------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Part:
    """One part of how well an opportunity fits: its weight, and its test, said to the database and to Python alike.

    ``value`` is what the test compares with, made of the person and the beginning of their day; nothing, or an empty
    one, means that the part cannot hold.
    """

    name: str
    weight: int
    column: str
    sql: str
    value: Callable[[Who, datetime], Any]
    holds: Callable[[Any, Any], bool]


# Relative to the day, not to the moment: the order must not move while somebody pages through it.
PARTS = (
    Part(
        "kind", 8, "kind_id", "{column} = ANY(%s)",
        lambda person, _morning: person.kinds_where(lambda kind: kind["slug"] in person.advocate.wants),
        lambda kind_id, wanted: kind_id in wanted,
    ),
    Part(
        "topic", 4, "topics", "{column} && %s::varchar[]",
        lambda person, _morning: person.topics,
        lambda topics, known: not set(known).isdisjoint(topics),
    ),
    Part(
        "industry", 3, "industries", "%s = ANY({column})",
        lambda person, _morning: person.account.industry,
        lambda industries, mine: mine in industries,
    ),
    Part(
        "region", 2, "regions", "%s = ANY({column})",
        lambda person, _morning: person.account.region,
        lambda regions, mine: mine in regions,
    ),
    Part(
        "ending", 1, "closes_at", "COALESCE({column} < %s, false)",
        lambda _person, morning: morning + ENDS_WITHIN + timedelta(days=1),
        lambda closes_at, until: closes_at is not None and closes_at < until,
    ),
    Part(
        "new", 1, "opened_at", "COALESCE({column} >= %s, false)",
        lambda _person, morning: morning - NEW_FOR,
        lambda opened_at, since: opened_at is not None and opened_at >= since,
    ),
)  # fmt: skip
"""Equal sums of weights are a band, and shuffled within."""


class ForYou(models.Func):
    """The order of the day in one number: the sum of the parts that hold, then a lot that is drawn for this day.

    ``tests`` are the parts that can hold with what each compares with; expressions must be hashable, so lists come as
    tuples.
    """

    output_field = models.BigIntegerField()

    def __init__(self, tests: tuple[tuple[Part, Any], ...], seed: int) -> None:
        self.tests, self.seed = tests, seed
        super().__init__(models.F("pk"), *[models.F(part.column) for part, _value in tests])

    @classmethod
    def of(cls, person: Who, day: date) -> "ForYou":
        tests = _tests(person, day)
        hashable = ((part, tuple(value) if isinstance(value, list) else value) for part, value in tests)
        return cls(tuple(hashable), _seed(person, day))

    def as_sql(  # type: ignore[override]
        self, compiler: Any, connection: Any, **more: Any
    ) -> tuple[str, list[Any]]:
        key, *columns = [compiler.compile(expression)[0] for expression in self.source_expressions]
        parts = [
            f"({part.sql.format(column=column)})::int * {part.weight}"
            for (part, _value), column in zip(self.tests, columns, strict=True)
        ]
        fit = " + ".join(parts) or "0"
        lot = f"(hashint8extended({key}, %s) & {2**SHUFFLE_BITS - 1})"
        values = [list(value) if isinstance(value, tuple) else value for _part, value in self.tests]
        return f"(({fit})::bigint * {2**SHUFFLE_BITS} + {lot})", [*values, self.seed]


def _tests(person: Who, day: date) -> list[tuple[Part, Any]]:
    """The parts that can hold for this person, with what each compares with."""
    morning = _morning(person, day)
    return [(part, value) for part in PARTS if (value := part.value(person, morning))]


def judge(rows: Iterable[Any], person: Who, *, day: date) -> None:
    """Write on each row which parts of the fit hold, as ``fits``: what the reason on a card is made of."""
    tests = _tests(person, day)
    for row in rows:
        row.fits = frozenset(part.name for part, value in tests if part.holds(getattr(row, part.column), value))


def _seed(person: Who, day: date) -> int:
    """What makes the lots of this person's day; the same all day, and nobody else's."""
    drawn = hashlib.blake2b(f"{day.isoformat()}:{person.advocate.pk}".encode(), digest_size=8)
    return int.from_bytes(drawn.digest(), signed=True)


def _morning(person: Who, day: date) -> datetime:
    try:
        zone = ZoneInfo(person.contact.time_zone or person.account.time_zone or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        zone = ZoneInfo("UTC")
    return datetime.combine(day, time.min, tzinfo=zone)


# --- A page of it -----------------------------------------------------------------------------------------------------
def page_for(
    person: Who, filters: Filters, *, at: datetime, day: date | None = None, after: str = "", size: int = PAGE
) -> Page[Opportunity]:
    """One page of the board in one query, judged, with the seats taken; ``after`` is the place it goes on from.

    Sorting needs every eligible row, but whether a seat is left is asked one row after the other, in order, only until
    the page is full. What the cards show is then read for these rows alone.
    """
    day = day or person.day(at)
    order = ORDERS[filters.order]
    rows = filters.apply(_offered(person, at=at, consented=filters.show != "consent"), at=at, person=person)
    if rows.query.is_empty():
        return Page([])
    rows = in_order(rows, person, filters.order, day=day)
    if values := place(rows, order, after):
        rows = rows.filter(beyond(order, values))
    first = _first_with_seats(rows, order, size + 1, full=filters.show == "full", at=at, person=person)
    found = Opportunity.objects.filter(pk__in=first).with_seats_taken(at=at, besides=person.advocate)
    # The search vector alone is longer than all a card shows.
    found = in_order(found, person, filters.order, day=day).select_related("kind").defer("search", "what", "gain")
    page = page_by_key(found, order, size=size)
    judge(page.items, person, day=day)
    return page


def _first_with_seats(
    rows: QuerySet[Opportunity], order: tuple[str, ...], count: int, *, full: bool, at: datetime, person: Who
) -> RawSQL:
    """The ids of the first rows in this order that have a seat left (or, with ``full``, none)."""
    names = [name.lstrip("-").replace("pk", "id") for name in order]
    try:
        inner, params = rows.values("id", "seats", *[name for name in names if name != "id"]).query.sql_with_params()
    except EmptyResultSet:
        return RawSQL("SELECT NULL::bigint WHERE false", ())
    sort = ", ".join(
        f's."{name}" {"DESC" if said.startswith("-") else "ASC"}' for name, said in zip(names, order, strict=True)
    )
    taken, taken_params = SeatsTaken.sql("s.id", at, person.advocate.pk)
    seats = f"s.seats <= {taken}" if full else f"(s.seats IS NULL OR s.seats > {taken})"
    # OFFSET 0 keeps Postgres from asking for seats before it has sorted. The text is put together from our own words;
    # whatever came from outside is a parameter.
    sql = f"SELECT s.id FROM ({inner} OFFSET 0) s WHERE {seats} ORDER BY {sort} LIMIT %s"  # noqa: S608
    return RawSQL(sql, (*params, *taken_params, count))  # noqa: S611


# --- Why a card is there ----------------------------------------------------------------------------------------------
def reason(opportunity: Any, person: Who) -> str:
    """One plain sentence why this is shown to this person; made from what the order was made from."""
    parts = []
    if "kind" in opportunity.fits:
        parts.append(_("you would like to do this"))
    if "topic" in opportunity.fits:
        known = [topic for topic in opportunity.topics if topic in person.topics]
        parts.append(_("you know about %(topics)s") % {"topics": _listed(known[:2])})
    if "industry" in opportunity.fits:
        parts.append(_("it is about %(industry)s, your industry") % {"industry": person.account.industry})
    if "region" in opportunity.fits:
        parts.append(_("it is in your region, %(region)s") % {"region": person.account.region})
    if parts:
        return _sentence(parts[:2])
    if "ending" in opportunity.fits and opportunity.closes_at:
        return _("Closes soon: %(day)s.") % {"day": date_format(timezone.localtime(opportunity.closes_at), "l j F")}
    if "new" in opportunity.fits:
        return _("New on the board.")
    if opportunity.audience:
        return _("Meant for people like you.")
    return _("Open to everyone in the program.")


def _sentence(parts: list[str]) -> str:
    text = "; ".join(parts)
    return f"{text[0].upper()}{text[1:]}."


def _listed(words: list[str]) -> str:
    return _("%(first)s and %(second)s") % {"first": words[0], "second": words[1]} if len(words) > 1 else words[0]


def new_words(count: int) -> str:
    """How many are new, no more exactly than it was counted."""
    if count > NEW_AT_MOST:
        return _("%(count)d+ new") % {"count": NEW_AT_MOST}
    return ngettext("%(count)d new", "%(count)d new", count) % {"count": count}
