"""Segments: descriptions of people over any fact the program knows (P13). Reads only; time is a parameter.

A *definition* is ``{"all": [...], "any": [...], "exclude": [...]}``, each a list of ``{"fact", "value"}``. Somebody
belongs who fits every one of ``all``, one of ``any`` where it holds something, and none of ``exclude``, which wins. The
people are contacts, whether they are in the program or not, who work at their account and have not been erased.

A fact is a phrase that takes one value ("employees at least … 500"): what it means in SQL stands beside its words.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.lookups import Overlap
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.db.models import Avg, Count, F, Func, Q, QuerySet, Sum, TextField, Value
from django.db.models.functions import Cast
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l

from advocacy.crm.catalogue import ACTIVITY_DEEDS, SIGNAL_KINDS, SOCIAL_DEEDS, Purpose
from advocacy.crm.models import Account, Activity, ConsentState, Contact, Signal, Subscription, Usage
from advocacy.lib.months import months_after
from advocates import kinds
from advocates.models import Advocate, Ask

PARTS = ("all", "any", "exclude")
MOST_CONDITIONS = 20
_OF_MEMBERS = ("advocate.", "program.")
_HEARD = frozenset(f"signal.{slug}" for slug, kind in SIGNAL_KINDS.items() if kind.in_portal)
USE_DAYS = 90
"""Over how many days use is summed: about a quarter, so that one busy week does not make a heavy user."""
HEAVY_MINUTES = 120
"""Minutes of one feature in that time from which its use is called heavy."""
LINES_UP_TO = 100_000
"""People up to which each line of a segment is counted by itself: a pass over them takes about a quarter second."""
YEAR = timedelta(days=365)


class Takes(StrEnum):
    """What a fact is compared with."""

    WORDS = "words"
    NUMBER = "number"
    CHOICE = "choice"


Build = Callable[[Any, datetime], Q]


@dataclass(frozen=True)
class Fact:
    """A phrase that a value completes. ``sentiment`` marks how somebody feels about us, or what follows (P19)."""

    key: str
    group: Any
    label: Any
    takes: Takes
    build: Build
    unit: Any = ""
    sentiment: bool = False
    choices: Callable[[], Sequence[tuple[Any, Any]]] | None = None
    most: int = 10**12

    @property
    def options(self) -> list[tuple[Any, Any]]:
        """What a choice is made from; empty for other facts."""
        return list(self.choices()) if self.choices is not None else []

    @property
    def of_members(self) -> bool:
        """Whether it depends on being in the program, or on what its members do in the portal; not consent itself."""
        return self.key in _HEARD or (self.key.startswith(_OF_MEMBERS) and self.key != "program.consent")

    def read(self, raw: Any) -> Any:
        """The value as it is kept: a list of words, a whole number or a choice; ``ValidationError`` with a sentence."""
        if self.takes == Takes.NUMBER:
            return _whole(raw, self.most)
        if self.takes == Takes.CHOICE:
            assert self.choices is not None
            known = {str(key): str(label) for key, label in self.choices()}
            said = str(raw).strip()
            for key, label in known.items():
                if said.casefold() in {key.casefold(), label.casefold()}:
                    return key
            raise ValidationError(
                _("“%(value)s” is not one of %(known)s.") % {"value": said, "known": ", ".join(known.values())}
            )
        words = raw if isinstance(raw, list) else str(raw).split(",")
        kept = list(dict.fromkeys(word for one in words if (word := str(one).replace("\x00", "").strip()[:200])))
        if not kept:
            raise ValidationError(_("Say what “%(fact)s” is compared with.") % {"fact": self.label})
        return kept

    def shown(self, value: Any) -> str:
        """The value in words."""
        if self.takes == Takes.CHOICE and self.choices is not None:
            return str({str(key): label for key, label in self.choices()}.get(str(value), value))
        if isinstance(value, list):
            return _(" or ").join(map(str, value))
        return f"{value} {self.unit}".strip()


def _whole(raw: Any, most: int) -> int:
    try:
        if isinstance(raw, bool):
            raise ValueError
        number = Decimal(str(raw).replace(" ", "").replace("_", ""))
        if not number.is_finite() or number != number.to_integral_value() or not 0 <= number <= most:
            raise ValueError
    except (InvalidOperation, ValueError):
        raise ValidationError(
            _("“%(value)s” is not a whole number from 0 to %(most)s.") % {"value": raw, "most": most}
        ) from None
    return int(number)


@dataclass(frozen=True)
class Condition:
    """One line of a segment."""

    fact: Fact
    value: Any

    @classmethod
    def read(cls, raw: Any) -> "Condition":
        """From a definition's JSON, or ``ValidationError`` with a sentence."""
        if not isinstance(raw, Mapping) or set(raw) != {"fact", "value"}:
            raise ValidationError(_("A condition has a fact and a value."))
        fact = facts().get(raw["fact"]) if isinstance(raw["fact"], str) else None
        if fact is None:
            raise ValidationError(_("“%(fact)s” is no fact a cohort can look at.") % {"fact": raw["fact"]})
        return cls(fact, fact.read(raw["value"]))

    def q(self, at: datetime) -> Q:
        return self.fact.build(self.value, at)

    @property
    def raw(self) -> dict[str, Any]:
        return {"fact": self.fact.key, "value": self.value}

    def __str__(self) -> str:
        return f"{self.fact.label} {self.fact.shown(self.value)}".strip()


@dataclass(frozen=True)
class Segment:
    """A definition that has been read."""

    all: tuple[Condition, ...] = ()
    any: tuple[Condition, ...] = ()
    exclude: tuple[Condition, ...] = ()

    @classmethod
    def read(cls, definition: Any) -> "Segment":
        """From JSON; raises ``ValidationError`` with every sentence of what is wrong."""
        if not isinstance(definition, Mapping) or not set(definition) <= set(PARTS):
            raise ValidationError(_("A cohort is described by all, any and exclude."))
        wrong: list[str] = []
        parts: dict[str, tuple[Condition, ...]] = {}
        for part in PARTS:
            read = []
            for raw in definition.get(part) or ():
                try:
                    read.append(Condition.read(raw))
                except ValidationError as error:
                    wrong.extend(error.messages)
            parts[part] = tuple(read)
        if sum(map(len, parts.values())) > MOST_CONDITIONS:
            wrong.append(_("More than %(most)s conditions are not read.") % {"most": MOST_CONDITIONS})
        if wrong:
            raise ValidationError(wrong)
        return cls(**parts)

    @property
    def raw(self) -> dict[str, list[dict[str, Any]]]:
        return {part: [one.raw for one in getattr(self, part)] for part in PARTS}

    @property
    def conditions(self) -> tuple[Condition, ...]:
        return (*self.all, *self.any, *self.exclude)

    @property
    def carries_sentiment(self) -> bool:
        """Whether who belongs depends on how they feel about us, which no ask for a public review may follow (P19)."""
        return any(one.fact.sentiment for one in self.conditions)

    @property
    def looks_at_membership(self) -> bool:
        """Whether who belongs depends on being in the program or on what only its members do or tell."""
        return any(one.fact.of_members for one in self.conditions)

    def q(self, at: datetime) -> Q:
        wanted = Q()
        for one in self.all:
            wanted &= one.q(at)
        either = Q()
        for one in self.any:
            either |= one.q(at)
        wanted &= either
        for one in self.exclude:
            wanted &= ~one.q(at)
        return wanted

    def people(self, *, at: datetime, among: QuerySet[Contact] | None = None) -> QuerySet[Contact]:
        """Who belongs now; ``among`` narrows whom one may see."""
        return everybody(among).filter(self.q(at))

    def counts(self, *, at: datetime) -> "Counts":
        """How many belong; in a program of up to ``LINES_UP_TO`` people also how many each condition holds for."""
        total, all_there_are = self.people(at=at).count(), _everybody_known()
        if all_there_are > LINES_UP_TO or not self.conditions:
            return Counts(total, all_there_are)
        found: dict[str, Any] = {
            f"c{number}": Count("pk", filter=one.q(at)) for number, one in enumerate(self.conditions)
        }
        told = everybody().aggregate(**found)
        return Counts(total, all_there_are, tuple(told[f"c{number}"] for number in range(len(self.conditions))))


@dataclass(frozen=True)
class Counts:
    """People in a segment, people there are, and people each condition holds for, in the order of ``conditions``.

    ``each`` is empty where counting line by line would keep somebody waiting.
    """

    total: int
    everybody: int
    each: tuple[int, ...] = ()


def _everybody_known() -> int:
    """How many there are to choose from, as of the last minutes: nobody waits for this number twice."""
    return int(cache.get_or_set("segments:everybody", lambda: everybody().count(), timeout=300) or 0)


def everybody(among: QuerySet[Contact] | None = None) -> QuerySet[Contact]:
    """All a segment chooses from."""
    people = Contact.objects.all() if among is None else among
    return people.filter(erased_at__isnull=True, left_on__isnull=True)


# --- The facts --------------------------------------------------------------------------------------------------------
def _words(*columns: str) -> Build:
    """One of these words, whatever their case; a later column speaks where the ones before it are empty."""

    def build(value: Any, at: datetime) -> Q:
        found, empty = Q(), Q()
        for column in columns:
            same = Q()
            for word in value:
                same |= Q(**{f"{column}__iexact": word})
            found |= empty & same
            empty &= Q(**{column: ""})
        return found

    return build


def _tags(column: str) -> Build:
    """At least one of these tags, whatever their case."""

    def build(value: Any, at: datetime) -> Q:
        kind: Any = ArrayField(TextField())
        lower = Cast(Func(Cast(F(column), TextField()), function="lower"), kind)
        return Q(Overlap(lower, Value([word.lower() for word in value], output_field=kind)))

    return build


def _slugs(column: str) -> Build:
    return lambda value, at: Q(**{f"{column}__contains": [value]})


def _least(column: str) -> Build:
    return lambda value, at: Q(**{f"{column}__gte": value})


def _most(column: str) -> Build:
    return lambda value, at: Q(**{f"{column}__lte": value})


def _same(column: str) -> Build:
    return lambda value, at: Q(**{column: value})


def _within(column: str) -> Build:
    """A day between today and so many days ahead."""
    return lambda value, at: Q(**{f"{column}__range": (at.date(), at.date() + timedelta(days=value))})


def _months_ago(column: str) -> Build:
    """A day at least so many calendar months back."""
    return lambda value, at: Q(**{f"{column}__lte": months_after(at.date(), -value)})


def _signal(kind: str) -> Build:
    """This signal in the last so many days, of the account or the person as its kind says."""
    subject = SIGNAL_KINDS[kind].subject

    def build(value: Any, at: datetime) -> Q:
        seen = Signal.objects.filter(kind=kind, occurred_at__gt=at - timedelta(days=value), occurred_at__lte=at)
        if SIGNAL_KINDS[kind].derived:
            seen = seen.filter(untrue_since__isnull=True)
        if subject == "contact":
            return Q(pk__in=seen.filter(contact__isnull=False).values("contact"))
        return Q(account__in=seen.values("account"))

    return build


def _answer(kind: str) -> Build:
    """An answer of at least this, given in the last year."""

    def build(value: Any, at: datetime) -> Q:
        given = Signal.objects.filter(kind=kind, value__gte=value, occurred_at__gt=at - YEAR, occurred_at__lte=at)
        if SIGNAL_KINDS[kind].subject == "contact":
            return Q(pk__in=given.filter(contact__isnull=False).values("contact"))
        return Q(account__in=given.values("account"))

    return build


def _use(value: Any, at: datetime) -> Q:
    recent = Usage.objects.filter(day__gt=at.date() - timedelta(days=USE_DAYS), day__lte=at.date())
    return Q(account__in=recent.values("account").annotate(sum=Sum("minutes")).filter(sum__gte=value).values("account"))


def _heavy_feature(value: Any, at: datetime) -> Q:
    recent = Usage.objects.filter(day__gt=at.date() - timedelta(days=USE_DAYS), day__lte=at.date())
    named = Q()
    for word in value:
        named |= Q(feature__iexact=word)
    sums = recent.filter(named).values("account", "feature").annotate(sum=Sum("minutes"))
    return Q(account__in=sums.filter(sum__gte=HEAVY_MINUTES).values("account"))


def _subscribed(value: Any, at: datetime) -> Q:
    named = Q()
    for word in value:
        named |= Q(product__iexact=word)
    running = Q(started_on__lte=at.date()) & (Q(ended_on__isnull=True) | Q(ended_on__gte=at.date()))
    return Q(account__in=Subscription.objects.filter(named & running).values("account"))


def _standing(value: Any, at: datetime) -> Q:
    if value == "contact":
        return Q(advocate__isnull=True)
    return Q(advocate__status=value)


def _deeds(deeds: Any) -> Build:
    def build(value: Any, at: datetime) -> Q:
        done = Activity.objects.filter(deed__in=deeds, at__gt=at - YEAR, at__lte=at, contact__isnull=False)
        if value == 0:
            return Q()
        if value == 1:
            return Q(pk__in=done.values("contact"))
        return Q(pk__in=done.values("contact").annotate(number=Count("pk")).filter(number__gte=value).values("contact"))

    return build


def _unasked(value: Any, at: datetime) -> Q:
    asked = Ask.objects.filter(released_at__isnull=True, asked_at__gt=at - timedelta(days=value), asked_at__lte=at)
    return Q(advocate__isnull=False) & ~Q(advocate__in=asked.values("advocate"))


def _answers_within(value: Any, at: datetime) -> Q:
    """The mean time to an answer over two years of asks that were answered."""
    answered = Ask.objects.filter(answered_at__isnull=False, asked_at__gt=at - 2 * YEAR, asked_at__lte=at)
    quick = answered.values("advocate").annotate(mean=Avg(F("answered_at") - F("asked_at")))
    return Q(advocate__in=quick.filter(mean__lte=timedelta(days=value)).values("advocate"))


def _consents(value: Any, at: datetime) -> Q:
    return Q(pk__in=ConsentState.objects.filter(purpose=value).in_force(at=at).values("contact"))


def _title(value: Any, at: datetime) -> Q:
    found = Q()
    for word in value:
        found |= Q(title__icontains=word)
    return found


def _programs() -> list[tuple[str, Any]]:
    return [("contact", _("not in the program yet")), *Advocate.Status.choices]


_ACCOUNT, _PERSON, _PROGRAM, _HAPPENED = _l("The account"), _l("The person"), _l("In the program"), _l("What happened")

_PLAIN: tuple[Fact, ...] = (
    Fact("account.name", _ACCOUNT, _l("account is"), Takes.WORDS, _words("account__name")),
    Fact("account.region", _ACCOUNT, _l("region is"), Takes.WORDS, _words("account__region")),
    Fact("account.industry", _ACCOUNT, _l("industry is"), Takes.WORDS, _words("account__industry")),
    Fact("account.employees", _ACCOUNT, _l("employees, at least"), Takes.NUMBER, _least("account__employees")),
    Fact("account.employees.most", _ACCOUNT, _l("employees, at most"), Takes.NUMBER, _most("account__employees")),
    Fact("account.value", _ACCOUNT, _l("annual value, at least"), Takes.NUMBER, _least("account__annual_value")),
    Fact("account.value.most", _ACCOUNT, _l("annual value, at most"), Takes.NUMBER, _most("account__annual_value")),
    Fact("account.product", _ACCOUNT, _l("owns the product"), Takes.WORDS, _tags("account__products")),
    Fact("account.subscribed", _ACCOUNT, _l("has a running subscription of"), Takes.WORDS, _subscribed),
    Fact("account.use_case", _ACCOUNT, _l("use case is"), Takes.WORDS, _tags("account__use_cases")),
    Fact(
        "account.replaced", _ACCOUNT, _l("replaced the competitor"), Takes.WORDS,
        _tags("account__replaced_competitors"),
    ),
    Fact(
        "account.tenure", _ACCOUNT, _l("customer for at least"), Takes.NUMBER, _months_ago("account__contract_start"),
        unit=_l("months"), most=1_200,
    ),
    Fact(
        "account.renewal", _ACCOUNT, _l("renews within"), Takes.NUMBER, _within("account__renewal_on"), unit=_l("days"),
        most=3_650,
    ),
    Fact(
        "usage.minutes", _ACCOUNT, _l("minutes used in 90 days, at least"), Takes.NUMBER, _use,
    ),
    Fact("usage.feature", _ACCOUNT, _l("uses heavily (2 hours in 90 days)"), Takes.WORDS, _heavy_feature),
    Fact(
        "account.readiness", _ACCOUNT, _l("readiness is"), Takes.CHOICE, _same("account__readiness"), sentiment=True,
        choices=lambda: Account.Readiness.choices,
    ),
    Fact("contact.country", _PERSON, _l("country is"), Takes.WORDS, _words("country", "account__country")),
    Fact("contact.language", _PERSON, _l("language is"), Takes.WORDS, _words("language", "account__language")),
    Fact(
        "contact.persona", _PERSON, _l("at the account, the person"), Takes.CHOICE, _same("persona"),
        choices=lambda: Contact.Persona.choices,
    ),
    Fact("contact.title", _PERSON, _l("title contains"), Takes.WORDS, _title),
    Fact("advocate.expertise", _PERSON, _l("knows about"), Takes.WORDS, _tags("advocate__expertise")),
    Fact("advocate.interest", _PERSON, _l("is interested in"), Takes.WORDS, _tags("advocate__interests")),
    Fact(
        "advocate.years", _PERSON, _l("years of experience, at least"), Takes.NUMBER,
        _least("advocate__years_of_experience"), most=100,
    ),
    Fact(
        "advocate.type", _PERSON, _l("type is"), Takes.CHOICE, _same("advocate__type"),
        choices=lambda: Advocate.Type.choices,
    ),
    Fact(
        "advocate.thanks", _PERSON, _l("likes to be thanked with"), Takes.CHOICE, _same("advocate__thanks"),
        choices=lambda: Advocate.Thanks.choices,
    ),
    Fact("advocate.wants", _PERSON, _l("wants to do"), Takes.CHOICE, _slugs("advocate__wants"), choices=kinds.choices),
    Fact("program.status", _PROGRAM, _l("standing is"), Takes.CHOICE, _standing, choices=_programs),
    Fact(
        "program.stage", _PROGRAM, _l("has reached the stage"), Takes.CHOICE,
        lambda value, at: Q(advocate__stage__gte=int(value)), choices=lambda: Advocate.Stage.choices,
    ),
    Fact(
        "program.months", _PROGRAM, _l("member for at least"), Takes.NUMBER,
        lambda value, at: Q(advocate__status="member", advocate__joined_at__date__lte=months_after(at.date(), -value)),
        unit=_l("months"), most=1_200,
    ),
    Fact(
        "program.activities", _PROGRAM, _l("activities in a year, at least"), Takes.NUMBER, _deeds(ACTIVITY_DEEDS),
        most=10_000,
    ),
    Fact(
        "program.social", _PROGRAM, _l("posts, replies and meetings in a year, at least"), Takes.NUMBER,
        _deeds(SOCIAL_DEEDS), most=10_000,
    ),
    Fact(
        "program.unasked", _PROGRAM, _l("not asked anything for"), Takes.NUMBER, _unasked, unit=_l("days"), most=3_650
    ),
    Fact(
        "program.answer_days",
        _PROGRAM,
        _l("answers asks, on average, within"),
        Takes.NUMBER,
        _answers_within,
        unit=_l("days"),
        most=365,
    ),
    Fact(
        "program.consent", _PROGRAM, _l("has agreed to"), Takes.CHOICE, _consents, choices=lambda: Purpose.choices
    ),
    Fact(
        "signal.nps.least", _HAPPENED, _l("gave an NPS, in the last year, of at least"), Takes.NUMBER, _answer("nps"),
        sentiment=True, most=10,
    ),
    Fact(
        "signal.csat.least", _HAPPENED, _l("gave a CSAT, in the last year, of at least"), Takes.NUMBER,
        _answer("csat"), sentiment=True, most=5,
    ),
)  # fmt: skip


def _of_signals() -> list[Fact]:
    return [
        Fact(
            f"signal.{slug}",
            _HAPPENED,
            _l("%(signal)s, in the last") % {"signal": kind.name},
            Takes.NUMBER,
            _signal(slug),
            unit=_l("days"),
            most=3_650,
            sentiment=kind.tells_feelings,
        )
        for slug, kind in SIGNAL_KINDS.items()
    ]


_more: dict[str, Fact] = {}


def register(fact: Fact) -> None:
    """Called by the floor above for what it alone knows of people; one of members is named ``program.…``."""
    _more[fact.key] = fact


def facts() -> dict[str, Fact]:
    """Every fact a segment can look at, by key."""
    return {fact.key: fact for fact in (*_PLAIN, *_more.values(), *_of_signals())}


def grouped() -> list[tuple[str, list[Fact]]]:
    """The facts as a page offers them."""
    groups: dict[str, list[Fact]] = {}
    for fact in facts().values():
        groups.setdefault(str(fact.group), []).append(fact)
    return list(groups.items())
