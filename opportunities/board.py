"""What the board shows to whom, and in which order (O3).

*For you* sorts by how well an opportunity fits, and within equal fit by a shuffle that a person's day decides: stable
until midnight on their clock, another tomorrow. Fit and shuffle are one computed number, which the list is paged by.
"""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.contrib.postgres.search import SearchQuery
from django.db import models
from django.db.models import Case, F, Q, QuerySet, Value, When
from django.db.models.functions import Cast, Coalesce
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from advocacy.crm.catalogue import Purpose
from advocates.models import Advocate
from opportunities.eligibility import MeantFor, Who, who
from opportunities.models import Claim, Group, Opportunity

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

    Nothing at all while they are not a member or their account rests; and nothing of a kind they never want.
    """
    return open_for(who(advocate, at=at), at=at)


def open_for(person: Who, *, at: datetime) -> QuerySet[Opportunity]:
    """``open_to`` for somebody whose facts are at hand."""
    return _offered(person, at=at).filter(_consented(person)).with_a_seat_left(at=at, besides=person.advocate)


def full_for(person: Who, *, at: datetime) -> QuerySet[Opportunity]:
    """What is full but has a waitlist for them."""
    return _offered(person, at=at).filter(_consented(person)).full(at=at, besides=person.advocate)


def consent_for(person: Who, *, at: datetime) -> QuerySet[Opportunity]:
    """What would be open if they gave a consent they have not given."""
    return _offered(person, at=at).exclude(_consented(person)).with_a_seat_left(at=at, besides=person.advocate)


def _offered(person: Who, *, at: datetime) -> Any:
    if not (person.is_member and person.is_ready):
        return Opportunity.objects.none()
    mine = Claim.objects.filter(advocate=person.advocate).exclude(status=Claim.Status.WITHDRAWN)
    rows = Opportunity.objects.open(at=at).listed().filter(MeantFor("audience", person.facts))
    if person.advocate.never:
        rows = rows.exclude(kind__slug__in=person.advocate.never)
    return rows.exclude(pk__in=mine.values("opportunity"))


def _consented(person: Who) -> Q:
    return Q(kind__purpose__in=["", *sorted(person.purposes)])


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
        )

    @property
    def narrow(self) -> bool:
        """Whether anything is left out; the order leaves out nothing."""
        return any(getattr(self, one.name) for one in fields(self) if one.name != "order")

    def apply(self, rows: QuerySet[Opportunity], *, at: datetime) -> QuerySet[Opportunity]:
        if self.groups:
            rows = rows.filter(kind__group__in=self.groups)
        if self.kind:
            rows = rows.filter(kind__slug=self.kind)
        if self.short:
            rows = rows.filter(Q(minutes__lte=SHORT) | Q(minutes__isnull=True, kind__minutes__lte=SHORT))
        if self.privacy:
            rows = rows.filter(is_public=self.privacy == "public")
        if self.reward:
            rows = rows.exclude(incentive="").filter(Q(incentive_until__isnull=True) | Q(incentive_until__gt=at))
        if self.ends_soon:
            rows = rows.filter(closes_at__lte=at + ENDS_WITHIN)
        if self.anywhere:
            rows = rows.filter(is_remote=True)
        if self.place:
            rows = rows.filter(place__icontains=self.place)
        if self.language:
            rows = rows.filter(language=self.language)
        if self.words:
            rows = rows.filter(_matching(self.words))
        return rows


def _word(query: Any, key: str) -> str:
    """What somebody typed, without the character Postgres cannot hold."""
    return str(query.get(key) or "").replace("\x00", "").strip()[:100]


def _one_of(query: Any, key: str, known: Iterable[str]) -> str:
    value = query.get(key) or ""
    return value if value in known else ""


def _matching(words: str) -> Q:
    """Every word, or the beginning of one, somewhere in the text; or the name of the kind."""
    typed = re.findall(r"\w+", words.lower())
    named = Q(kind__name__icontains=words)
    if not typed:
        return named
    tokens = " & ".join(f"'{word}':*" for word in typed)
    return Q(search=SearchQuery(tokens, search_type="raw", config="simple")) | named


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
    """Annotate what an order sorts by, and what the reasons on the cards say."""
    rows = _with_fit(rows, person, day=day)
    if order == "ending":
        rows = rows.annotate(closes=Coalesce("closes_at", Value(FAR)))
    elif order == "short":
        rows = rows.annotate(takes=Coalesce("minutes", "kind__minutes"))
    elif not order:
        # The wrapper matters: a sum of big integers passes for a small one, and no big number is less than that.
        key = F("fit") * Value(2**SHUFFLE_BITS, models.BigIntegerField()) + _shuffled(person, day)
        rows = rows.annotate(key=models.ExpressionWrapper(key, output_field=models.BigIntegerField()))
    return rows.order_by(*ORDERS[order])


WEIGHTS = {"fits_kind": 8, "fits_topic": 4, "fits_industry": 3, "fits_region": 2, "is_ending": 1, "is_new": 1}
"""How much each part of the fit weighs; equal sums are a band, and shuffled within."""


def _with_fit(rows: QuerySet[Opportunity], person: Who, *, day: date) -> QuerySet[Opportunity]:
    # Relative to the day, not to the moment: the order must not move while somebody pages through it.
    morning = _morning(person, day)
    tests: dict[str, Q | None] = {
        "fits_kind": Q(kind__slug__in=person.advocate.wants) if person.advocate.wants else None,
        "fits_topic": Q(topics__overlap=person.topics) if person.topics else None,
        "fits_industry": Q(industries__contains=[person.account.industry]) if person.account.industry else None,
        "fits_region": Q(regions__contains=[person.account.region]) if person.account.region else None,
        "is_ending": Q(closes_at__lt=morning + ENDS_WITHIN + timedelta(days=1)),
        "is_new": Q(opened_at__gte=morning - NEW_FOR),
    }
    yes, no = Value(True), Value(False)
    flags: dict[str, Any] = {
        name: Case(When(test, then=yes), default=no) if test is not None else no for name, test in tests.items()
    }
    fit = sum(
        (
            Case(When(test, then=Value(WEIGHTS[name])), default=Value(0))
            for name, test in tests.items()
            if test is not None
        ),
        start=Value(0),
    )
    return rows.annotate(**flags, fit=Cast(fit, models.BigIntegerField()))


def _shuffled(person: Who, day: date) -> Any:
    """A number for each opportunity that looks drawn by lot, and is the same all day for the same person."""
    lot = hashlib.blake2b(f"{day.isoformat()}:{person.advocate.pk}".encode(), digest_size=8)
    seed = int.from_bytes(lot.digest(), signed=True)
    drawn = models.Func(
        Cast("pk", models.BigIntegerField()),
        Value(seed, models.BigIntegerField()),
        function="hashint8extended",
        output_field=models.BigIntegerField(),
    )
    return models.ExpressionWrapper(drawn.bitand(2**SHUFFLE_BITS - 1), output_field=models.BigIntegerField())


def _morning(person: Who, day: date) -> datetime:
    try:
        zone = ZoneInfo(person.contact.time_zone or person.account.time_zone or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        zone = ZoneInfo("UTC")
    return datetime.combine(day, time.min, tzinfo=zone)


# --- Why a card is there ----------------------------------------------------------------------------------------------
def reason(opportunity: Any, person: Who) -> str:
    """One plain sentence why this is shown to this person; made from what the order was made from."""
    parts = []
    if opportunity.fits_kind:
        parts.append(_("you would like to do this"))
    if opportunity.fits_topic:
        known = [topic for topic in opportunity.topics if topic.lower() in person.topics]
        parts.append(_("you know about %(topics)s") % {"topics": _listed(known[:2])})
    if opportunity.fits_industry:
        parts.append(_("it is about %(industry)s, your industry") % {"industry": person.account.industry})
    if opportunity.fits_region:
        parts.append(_("it is in your region, %(region)s") % {"region": person.account.region})
    if parts:
        return _sentence(parts[:2])
    if opportunity.is_ending and opportunity.closes_at:
        return _("Closes soon: %(day)s.") % {"day": date_format(timezone.localtime(opportunity.closes_at), "l j F")}
    if opportunity.is_new:
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
