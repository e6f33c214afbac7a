"""What there is to know of a cohort: its mix, who is left out and why, what came of it, who is alike (P13). Reads."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import CharField, Count, F, Func, Q, QuerySet, Window
from django.db.models.functions import RowNumber
from django.utils.translation import gettext as _

from advocacy.crm.catalogue import ACTIVITY_DEEDS, SOCIAL_DEEDS
from advocacy.crm.models import Account, Activity, Contact
from advocates import invitations, segments
from advocates.models import Cohort, Invitation

YEAR = timedelta(days=365)
SHOWN = 6


@dataclass(frozen=True)
class Mix:
    """Who a cohort is made of: people by each of four ways to look at them; each list adds up to ``total``."""

    total: int
    known: Sequence[tuple[str, int]]
    talking: Sequence[tuple[str, int]]
    regions: Sequence[tuple[str, int]]
    industries: Sequence[tuple[str, int]]


def mix(people: "QuerySet[Contact]", *, at: datetime) -> Mix:
    """The mix meter: known and new, talkers and listeners among the known, regions, industries."""
    talkers = Activity.objects.filter(deed__in=SOCIAL_DEEDS, at__gt=at - YEAR, at__lte=at, contact__isnull=False)
    member = Q(advocate__status="member")
    told = people.aggregate(
        total=Count("pk"),
        members=Count("pk", filter=member),
        talkers=Count("pk", filter=member & Q(pk__in=talkers.values("contact"))),
    )
    new = told["total"] - told["members"]
    return Mix(
        told["total"],
        ((_("in the program"), told["members"]), (_("new to it"), new)),
        (
            (_("talk in the community"), told["talkers"]),
            (_("listen"), told["members"] - told["talkers"]),
            (_("not in yet"), new),
        ),
        _most_of(people, "account__region"),
        _most_of(people, "account__industry"),
    )


def _most_of(people: "QuerySet[Contact]", column: str) -> list[tuple[str, int]]:
    rows = list(people.order_by().values_list(column).annotate(number=Count("pk")).order_by("-number", column))
    told = [(name or _("not known"), number) for name, number in rows[:SHOWN]]
    rest = sum(number for _name, number in rows[SHOWN:])
    return [*told, *([(_("others"), rest)] if rest else [])]


def by_refusal(people: "QuerySet[Contact]", *, at: datetime) -> tuple[int, list[tuple[str, str, int]]]:
    """How many could be invited now, and the others as (key, words, how many), most first."""
    told: QuerySet[Any] = invitations.with_refusal(people, at=at)
    counts = dict(told.order_by().values_list("refusal").annotate(number=Count("pk")))
    free = counts.pop("", 0)
    return free, [(key, refused_as(key), number) for key, number in Counter(counts).most_common()]


def refused_as(key: str) -> str:
    """A reason in few words."""
    return str(invitations.REFUSED_AS.get(key, _("something came between")))


def examples(
    people: "QuerySet[Contact]", refusals: Sequence[str], *, at: datetime, each: int
) -> dict[str, list[Contact]]:
    """A few people for each reason, so that one sees whom it means."""
    told: QuerySet[Any] = invitations.with_refusal(people, at=at)
    ranked = told.exclude(refusal="").annotate(place=Window(RowNumber(), partition_by=F("refusal"), order_by="pk"))
    found: dict[str, list[Contact]] = {refusal: [] for refusal in refusals}
    for contact in ranked.filter(place__lte=each).select_related("account"):
        found.setdefault(contact.refusal, []).append(contact)
    return found


def results(cohort: Cohort) -> Mapping[str, int]:
    """Invitations of all rounds by status."""
    rows = Invitation.objects.filter(batch__cohort=cohort).order_by().values_list("status").annotate(Count("pk"))
    return dict(rows)


KNOWN: Mapping[str, tuple[str, bool]] = {
    "account.region": ("region", False),
    "account.industry": ("industry", False),
    "account.product": ("products", True),
    "account.use_case": ("use_cases", True),
    "account.replaced": ("replaced_competitors", True),
    "contact.country": ("country", False),
    "contact.language": ("language", False),
}


def known_words(fact: str, *, most: int = 40) -> list[str]:
    """The words accounts have for this fact, the most frequent first; empty where there are none to choose from."""
    if fact not in KNOWN:
        return []
    column, several = KNOWN[fact]
    word: Any = Func(F(column), function="unnest", output_field=CharField()) if several else F(column)
    rows = Account.objects.order_by().annotate(word=word).values_list("word").annotate(number=Count("pk"))
    return [name for name, _number in rows.order_by("-number", "word")[:most] if name]


QUICK_DAYS = 3


def fastest_in(region: str) -> dict[str, list[dict[str, Any]]]:
    """The beta cohort of a launch: members of this region who answer within a few days (P15)."""
    return {
        "all": [
            {"fact": "account.region", "value": [region]},
            {"fact": "program.answer_days", "value": QUICK_DAYS},
        ],
        "any": [],
        "exclude": [],
    }


# --- Look-alike -------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Likeness:
    """A fact that is more common among the most active advocates than among all people."""

    fact: str
    label: str
    value: str
    shown: str
    among_active: int
    active: int
    among_all: int
    everybody: int

    @property
    def key(self) -> str:
        """How a page names it."""
        return f"{self.fact}:{self.value}"

    @property
    def share_of_active(self) -> float:
        return self.among_active / self.active if self.active else 0.0

    @property
    def share_of_all(self) -> float:
        return self.among_all / self.everybody if self.everybody else 0.0

    @property
    def times(self) -> float:
        return self.share_of_active / self.share_of_all if self.among_all else 0.0


LOOKED_AT: Mapping[str, tuple[str, bool]] = {
    "account.industry": ("account__industry", False),
    "account.region": ("account__region", False),
    "account.product": ("account__products", True),
    "account.use_case": ("account__use_cases", True),
    "account.replaced": ("account__replaced_competitors", True),
    "contact.persona": ("persona", False),
}
"""The facts that are compared: the column, and whether it holds several. None of them carries sentiment."""
FEW = 3
"""A fact that fewer of the most active share says nothing."""
MORE_COMMON = 1.3
"""How many times as common a fact must be among the most active."""
MOST_ACTIVE = 0.2
"""The most active are this share of the members who did anything in a year; at least twenty, where there are."""


def most_active(*, at: datetime) -> list[int]:
    """The contacts of the most active members: by activities in a year, the fewest of them at least one."""
    done = (
        Activity.objects.filter(deed__in=ACTIVITY_DEEDS, at__gt=at - YEAR, at__lte=at)
        .filter(contact__advocate__status="member")
        .values_list("contact")
        .annotate(number=Count("pk"))
        .order_by("-number", "contact")
    )
    ranked = [contact for contact, _number in done]
    return ranked[: max(20, round(len(ranked) * MOST_ACTIVE))]


def likenesses(*, at: datetime) -> list[Likeness]:
    """What the most active have in common that others have less, the clearest first."""
    active = most_active(at=at)
    everybody = segments.everybody()
    total = everybody.count()
    facts = segments.facts()
    found = []
    for key, (column, several) in LOOKED_AT.items():
        value: Any = Func(F(column), function="unnest", output_field=CharField()) if several else F(column)
        rows = everybody.order_by().annotate(word=value).values_list("word")
        counts = dict(rows.annotate(number=Count("pk")))
        theirs = dict(rows.filter(pk__in=active).annotate(number=Count("pk")))
        for word, number in theirs.items():
            if word and number >= FEW:
                shown = facts[key].shown(word if facts[key].takes == segments.Takes.CHOICE else [word])
                found.append(
                    Likeness(key, str(facts[key].label), word, shown, number, len(active), counts[word], total)
                )
    found = [one for one in found if one.times >= MORE_COMMON]
    found.sort(key=lambda one: (one.share_of_all - one.share_of_active, one.fact, one.value))
    return found


def alike(chosen: Sequence[Likeness]) -> dict[str, list[dict[str, Any]]]:
    """A definition of people who share these facts and are not in the program: values of one fact are alternatives."""
    facts = segments.facts()
    values: dict[str, list[str]] = {}
    for one in chosen:
        values.setdefault(one.fact, []).append(one.value)
    wanted: list[dict[str, Any]] = []
    either: list[dict[str, Any]] = []
    for key, words in values.items():
        if facts[key].takes != segments.Takes.CHOICE:
            wanted.append({"fact": key, "value": words})
        elif len(words) == 1:
            wanted.append({"fact": key, "value": words[0]})
        else:
            either += [{"fact": key, "value": word} for word in words]
    return {"all": wanted, "any": either, "exclude": [{"fact": "program.status", "value": "member"}]}
