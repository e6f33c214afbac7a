"""Who fits a request, with reasons; and who does not, with the gate that stopped them (D5).

Gates decide who may be asked at all, parts decide in which order. Both are written once, as SQL fragments below: the
candidates come from one pass over the program, the counts of *why not* from another that only runs when somebody looks.

All points are whole numbers (a part fits by 0 to 100 per cent, times its weight), so that ties are ties and the order
is the same everywhere: the higher score, then who was asked longest ago (never asked before all), then who was entered
first. At most two candidates come from one account; the query takes more than it needs before that cut, and takes more
again in the rare case that one account fills it.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.core.cache import cache
from django.db import connection, transaction
from django.db.models import OuterRef, QuerySet
from django.db.models.functions import JSONObject
from django.utils.formats import date_format
from django.utils.translation import get_language_info, ngettext
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from advocates.models import Advocate, AskCap
from opportunities.models import MatchWeight, ReferenceRequest

LIMIT = 20
A_PAGE = 50
SMALL = 20_000
"""Up to so many advocates the counts of *why not* come with the page; beyond, they follow it."""

FROM_ONE_ACCOUNT = 2
OVER_FETCH = 5
"""How many times the wanted number is taken before the cut of two for each account."""

BANDS = ((1, 49), (50, 199), (200, 999), (1_000, 4_999), (5_000, 2_147_483_647))
"""Sizes of companies by employees; a neighbouring band is half a fit."""

YEAR = 365
ORDER = "score DESC, last_asked_at ASC NULLS FIRST, advocate_id ASC"


# --- The parts of the score -------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Part:
    """One part of the score. ``enough`` is the per cent from which it holds when it is ticked as required."""

    key: str
    name: Any
    weight: int
    enough: int = 100


PARTS: Mapping[str, Part] = {
    part.key: part
    for part in (
        Part("industry", lazy("Same industry"), 20),
        Part("size", lazy("About the same size"), 12, enough=50),
        Part("region", lazy("Same region"), 8),
        Part("country", lazy("Same country"), 4),
        Part("product", lazy("Uses the product"), 12),
        Part("use_case", lazy("Same use case"), 12),
        Part("role", lazy("Does the same work"), 8),
        Part("competitor", lazy("Came from the same competitor"), 6),
        Part("depth", lazy("Can go as deep as wanted"), 4),
        Part("freshness", lazy("Rested longest"), 10, enough=24),  # ninety days and more
        Part("concentration", lazy("Seldom asked"), 6, enough=60),  # at most two asks in a year
        Part("quality", lazy("Went well before"), 8, enough=75),  # a four on average, and came
        Part("willingness", lazy("Wants to do this"), 10),
    )
}

# What everybody's title says, whatever they do, and what tells nothing about the work.
RANKS = frozenset(
    {
        "head", "lead", "leader", "director", "manager", "chief", "officer", "vice", "president", "senior", "junior",
        "principal", "deputy", "assistant", "associate", "specialist", "expert", "global", "group", "regional", "team",
        "unit", "and", "for", "the", "of", "von", "der", "des",
    }
)  # fmt: skip
SHORT_TITLES: Mapping[str, str] = {
    "coo": "operations", "cfo": "finance", "cio": "information", "cto": "technology", "cmo": "marketing",
    "chro": "people", "cso": "sales", "cpo": "procurement", "ciso": "security", "ceo": "managing",
}  # fmt: skip
DEPTHS: Mapping[str, tuple[str, ...]] = {
    "overview": ("decider",), "practical": ("champion", "user"), "technical": ("admin",),
}  # fmt: skip


# --- The gates, in the order in which they are told -------------------------------------------------------------------
@dataclass(frozen=True)
class Gate:
    """One reason not to ask somebody. ``stops`` is SQL over the facts and never null; ``passes`` its opposite, in the
    words the planner knows best.
    """

    key: str
    name: Any
    stops: str
    passes: str = ""

    def __post_init__(self) -> None:
        if not self.passes:
            object.__setattr__(self, "passes", f"NOT {self.stops}")


CONSENT = (
    "EXISTS (SELECT 1 FROM crm_consentstate s WHERE s.contact_id = a.contact_id AND s.purpose = %(purpose)s"
    " AND s.given AND (s.expires_at IS NULL OR s.expires_at > %(at)s))"
)
ASKED = (
    "EXISTS (SELECT 1 FROM opportunities_nomination n WHERE n.request_id = %(request)s AND n.advocate_id = a.id"
    " AND NOT (n.status = 'recalled' AND n.claim_id IS NULL))"  # taken back before it came to anything
)
OWNER_GATE = "owner"
NOT_APPROVED = (
    "EXISTS (SELECT 1 FROM opportunities_nomination n WHERE n.request_id = %(request)s AND n.advocate_id = a.id"
    " AND n.status = 'refused')"
)
OWNERS_REASON = (
    "(SELECT n.owner_reason FROM opportunities_nomination n WHERE n.request_id = %(request)s"
    " AND n.advocate_id = a.id AND n.status = 'refused')"
)
# A list is lowered as a whole: a subquery for each would keep the pass from running in parallel.
NAMED_IN = "({0} <> '{{}}' AND lower({0}::text)::varchar[] && %(names)s::varchar[])"
IS_THE_PROSPECT = (  # looked up by index once for the whole pass, whatever the size of the program
    "k.id = ANY(ARRAY(SELECT o.id FROM crm_account o WHERE lower(o.name) = ANY(%(names)s::text[])"
    " UNION ALL SELECT o.id FROM crm_account o WHERE o.domain <> '' AND lower(o.domain) = %(domain)s))"
)
AWAY = (
    "EXISTS (SELECT 1 FROM advocates_awayperiod w WHERE w.advocate_id = a.id"
    " AND w.starts_on <= %(day)s AND w.ends_on >= %(day)s)"
)
LANGUAGE = "lower(left(CASE WHEN c.language <> '' THEN c.language ELSE k.language END, 2))"

GATES: tuple[Gate, ...] = (
    Gate(
        "member",
        lazy("Not a member of the program"),
        "(a.status <> 'member' OR c.erased_at IS NOT NULL OR c.left_on <= %(day)s)",
        "a.status = 'member' AND c.erased_at IS NULL AND (c.left_on IS NULL OR c.left_on > %(day)s)",
    ),
    Gate("consent", lazy("Has not consented to this kind"), f"NOT {CONSENT}", CONSENT),
    Gate("ready", lazy("Account is not ready"), "k.readiness <> 'ready'", "k.readiness = 'ready'"),
    Gate(OWNER_GATE, lazy("Their account owner said no"), NOT_APPROVED),
    Gate(
        "budget",
        lazy("Rests after earlier asks"),
        "(a.resting_until > %(at)s) IS TRUE",
        "(a.resting_until IS NULL OR a.resting_until <= %(at)s)",
    ),
    Gate("asked", lazy("Asked for this request already"), ASKED, f"NOT {ASKED}"),
    Gate("away", lazy("Away"), AWAY, f"NOT {AWAY}"),
    Gate(
        "conflict",
        lazy("In conflict with the prospect"),
        f"({NAMED_IN.format('k.competes_with')} OR {NAMED_IN.format('a.ruled_out')} OR {IS_THE_PROSPECT})",
    ),
    Gate("never", lazy("Never wants to be asked for this"), "%(kind)s = ANY(a.never)"),
    Gate(
        "language",
        lazy("Does not speak the language"),
        f"{LANGUAGE} <> %(language)s",
        f"{LANGUAGE} = %(language)s",
    ),
)
MUST = "must."
"""Before a part's key: the gate of a part that was ticked as required."""


# --- What is looked for -----------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Need:
    """A request as matching reads it, with the weights and the required parts in force for this look."""

    request: int
    kind: str
    purpose: str
    prospect: str
    at: datetime
    domain: str = ""
    own_account: int | None = None
    industry: str = ""
    employees: int | None = None
    region: str = ""
    country: str = ""
    language: str = ""
    product: str = ""
    use_case: str = ""
    competitor: str = ""
    role: str = ""
    depth: str = ""
    required: frozenset[str] = frozenset()
    weights: Mapping[str, int] = field(default_factory=lambda: {part.key: part.weight for part in PARTS.values()})
    caps: Sequence[tuple[str, int, int]] = ()
    """Caps for this kind alone, ``(scope, most, days)``: the projection does not know them."""

    @classmethod
    def of(
        cls,
        wanted: ReferenceRequest,
        *,
        at: datetime,
        weights: Mapping[str, int] | None = None,
        required: Sequence[str] | None = None,
    ) -> "Need":
        """The need of a request; ``weights`` and ``required`` relax it for one look."""
        must = wanted.required if required is None else required
        standing, caps = standing_rules(wanted)
        return cls(
            request=wanted.pk,
            kind=wanted.kind.slug,
            purpose=wanted.kind.purpose,
            prospect=wanted.prospect,
            domain=wanted.prospect_domain.strip().lower(),
            own_account=wanted.deal.account_id if wanted.deal else None,
            industry=wanted.industry,
            employees=wanted.employees,
            region=wanted.region,
            country=wanted.country,
            language=wanted.language,
            product=wanted.product,
            use_case=wanted.use_case,
            competitor=wanted.competitor,
            role=wanted.prospect_role,
            depth=wanted.depth,
            required=frozenset(must) & PARTS.keys(),
            weights={**standing, **(weights or {})},
            caps=caps,
            at=at,
        )

    @property
    def day(self) -> date:
        return self.at.date()

    @property
    def names(self) -> list[str]:
        """What the prospect may be called in lists of competitors and of companies ruled out."""
        return sorted({name for name in (also_called(self.prospect) | {self.domain}) if name})

    @property
    def band(self) -> int | None:
        """The number of the prospect's size band."""
        if not self.employees:
            return None
        return next(index for index, (_least, most) in enumerate(BANDS) if self.employees <= most)

    @property
    def work(self) -> tuple[str, ...]:
        """The words of the role that tell what somebody does; ranks only count where there is nothing else."""
        said = [word for word in re.findall(r"\w+", self.role.lower()) if len(word) > 1]
        words = [word for word in said if word not in RANKS and (len(word) > 2 or word in {"it", "hr"})] or said
        short = {long: short for short, long in SHORT_TITLES.items()}
        return tuple(dict.fromkeys(w for word in words for w in (word, SHORT_TITLES.get(word), short.get(word)) if w))

    def says(self, key: str) -> bool:
        """Whether there is anything to compare: a request that names no industry cannot require it."""
        if key in {"freshness", "concentration", "quality", "willingness"}:
            return True
        if key == "size":
            return self.band is not None
        if key == "role":
            return bool(self.work)
        if key == "depth":
            return self.depth in DEPTHS
        return bool(getattr(self, key))

    @property
    def scored(self) -> list[str]:
        return [key for key in PARTS if self.says(key) and self.weights.get(key, 0) > 0]

    @property
    def must(self) -> list[str]:
        return [key for key in PARTS if key in self.required and self.says(key)]

    @property
    def most(self) -> int:
        """The points a perfect fit would have."""
        return sum(self.weights[key] for key in self.scored)

    @property
    def facts(self) -> str:
        """The tables gates and parts read."""
        return FACTS + (RECORDS if "quality" in {*self.scored, *self.must} else "")

    def values(self) -> dict[str, Any]:
        """What the fragments are filled with."""
        values: dict[str, Any] = {
            "request": self.request, "kind": self.kind, "purpose": self.purpose, "at": self.at, "day": self.day,
            "names": self.names, "prospect": self.prospect, "domain": self.domain, "own_account": self.own_account,
            "language": self.language[:2].lower(), "industry": self.industry, "region": self.region,
            "country": self.country, "product": self.product.lower(), "use_case": self.use_case.lower(),
            "competitor": self.competitor.lower(), "personas": list(DEPTHS.get(self.depth, ())),
            "role": r"\m(" + "|".join(self.work) + r")\M",
        }  # fmt: skip
        if self.band is not None:
            near = BANDS[max(0, self.band - 1)][0], BANDS[min(len(BANDS) - 1, self.band + 1)][1]
            values |= {"least": BANDS[self.band][0], "most": BANDS[self.band][1], "near_least": near[0],
                       "near_most": near[1]}  # fmt: skip
        for number, (_scope, most, days) in enumerate(self.caps):
            values |= {f"cap_{number}": most, f"since_{number}": self.at - timedelta(days=days)}
        for key in self.scored:
            values[f"w_{key}"] = self.weights[key]
        return values

    def fit(self, key: str) -> str:
        """SQL for how well a part fits, from 0 to 100."""
        if key in EQUAL:
            return f"(CASE WHEN {EQUAL[key]} THEN 100 ELSE 0 END)"
        return GRADED[key]

    def holds(self, key: str) -> str:
        """SQL for whether a required part holds; plain equality, where it is one, so that an index can serve it."""
        return EQUAL.get(key) or f"{GRADED[key]} >= {PARTS[key].enough}"

    def gates(self) -> list[Gate]:
        """The gates of this need in their order: those of the program, then the required parts."""
        found = []
        for gate in GATES:
            if gate.key == "consent" and not self.purpose:
                continue
            if gate.key == "language" and not self.language:
                continue
            if gate.key == "budget" and self.caps:
                capped = self._kind_caps()
                gate = replace(
                    gate, stops=f"({gate.stops} OR {capped}) IS TRUE", passes=f"{gate.passes} AND NOT ({capped})"
                )
            if gate.key == "conflict" and self.own_account:
                stops = f"({gate.stops} OR k.id = %(own_account)s)"
                gate = replace(gate, stops=stops, passes=f"NOT {stops}")
            found.append(gate)
        for key in self.must:
            holds = self.holds(key)
            found.append(Gate(MUST + key, PARTS[key].name, f"({holds}) IS NOT TRUE", f"({holds})"))
        return found

    def _kind_caps(self) -> str:
        return " OR ".join(
            f"(SELECT count(*) FROM advocates_ask q WHERE q.{whose} AND q.kind = %(kind)s"  # noqa: S608
            f" AND q.released_at IS NULL AND q.asked_at > %(since_{number})s) >= %(cap_{number})s"
            for number, whose in enumerate(
                "advocate_id = a.id" if scope == AskCap.Scope.ADVOCATE else "account_id = k.id"
                for scope, _most, _days in self.caps
            )
        )


EQUAL: Mapping[str, str] = {
    "industry": "k.industry = %(industry)s",
    "region": "k.region = %(region)s",
    "country": "k.country = %(country)s",
    "product": "%(product)s = ANY(k.products)",
    "use_case": "%(use_case)s = ANY(k.use_cases)",
    "competitor": "%(competitor)s = ANY(k.replaced_competitors)",
    "role": "c.title ~* %(role)s",
    "depth": "c.persona = ANY(%(personas)s)",
    "willingness": "%(kind)s = ANY(a.wants)",
}
RESTED = "(%(day)s - (a.last_asked_at AT TIME ZONE 'UTC')::date)"
GRADED: Mapping[str, str] = {
    "size": "(CASE WHEN k.employees BETWEEN %(least)s AND %(most)s THEN 100"
    " WHEN k.employees BETWEEN %(near_least)s AND %(near_most)s THEN 50 ELSE 0 END)",
    "freshness": f"(CASE WHEN a.last_asked_at IS NULL THEN 100 ELSE LEAST({YEAR}, GREATEST(0, {RESTED})) * 100 / {YEAR}"
    " END)",
    "concentration": "GREATEST(0, 100 - 20 * a.asks_in_year)",
    # Nobody's first reference is held against them: no grade yet is worth half.
    "quality": "GREATEST(0, (CASE WHEN coalesce(t.grades, 0) = 0 THEN 50 ELSE (t.grade_sum - t.grades) * 25 / t.grades"
    " END) - 25 * coalesce(t.missed, 0))",
}
FACTS = "advocates_advocate a JOIN crm_contact c ON c.id = a.contact_id JOIN crm_account k ON k.id = c.account_id"
RECORDS = " LEFT JOIN opportunities_trackrecord t ON t.advocate_id = a.id"


def with_rules(rows: "QuerySet[ReferenceRequest]") -> "QuerySet[ReferenceRequest]":
    """Requests that bring the weights, and the caps for their kind alone, along in the same query."""
    weights = MatchWeight.objects.order_by().values(one=JSONObject(part="part", weight="weight"))
    caps = AskCap.objects.order_by().filter(kind=OuterRef("kind__slug"))
    return rows.annotate(
        weights_told=ArraySubquery(weights),
        caps_told=ArraySubquery(caps.values(one=JSONObject(scope="scope", most="most", days="days"))),
    )


def standing_rules(wanted: ReferenceRequest) -> tuple[dict[str, int], tuple[tuple[str, int, int], ...]]:
    """The weights as the program has set them and the caps for this kind alone.

    A part nobody has set keeps the usual weight.
    """
    if not hasattr(wanted, "weights_told"):
        wanted = with_rules(ReferenceRequest.objects.all()).only("pk").get(pk=wanted.pk)
    told: Any = wanted
    weights = {part.key: part.weight for part in PARTS.values()}
    weights |= {one["part"]: one["weight"] for one in told.weights_told if one["part"] in weights}
    return weights, tuple((one["scope"], one["most"], one["days"]) for one in told.caps_told)


LEGAL_FORMS = (
    "gmbh", "gmbh & co. kg", "gmbh & co kg", "ag", "se", "inc", "ltd", "llc", "plc", "corp", "bv", "b.v", "nv", "n.v",
    "sa", "s.a", "srl", "s.r.l", "co", "co. kg", "kg", "oy", "ab", "as",
)  # fmt: skip
LEGAL_FORM = re.compile(r"[\s,]+(" + "|".join(map(re.escape, sorted(LEGAL_FORMS, key=len, reverse=True))) + r")\.?$")


def names_of(company: str) -> set[str]:
    """A company's name as lists hold it: lower case, with and without its legal form."""
    name = " ".join(company.lower().split())
    return {name, LEGAL_FORM.sub("", name)} - {""}


def also_called(company: str) -> set[str]:
    """Every way lists and the CRM may write a company: its bare name, and that with each legal form."""
    names = names_of(company)
    bare = min(names, key=len, default="")
    if not bare:
        return set()
    return names | {f"{bare}{comma} {form}{dot}" for form in LEGAL_FORMS for comma in ("", ",") for dot in ("", ".")}


GROUPS: Mapping[Any, frozenset[str]] = {
    lazy("Company"): frozenset({"industry", "size", "region", "country"}),
    lazy("Use"): frozenset({"product", "use_case", "competitor"}),
    lazy("Person"): frozenset({"role", "depth", "willingness"}),
    lazy("Rest"): frozenset({"freshness", "concentration"}),
    lazy("Record"): frozenset({"quality"}),
}


# --- What is found ----------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class PartScore:
    """What one part gave: ``points`` of ``most``."""

    key: str
    name: str
    points: float
    most: int
    per_cent: int


@dataclass(frozen=True)
class Candidate:
    """Somebody who can be asked, with the parts of their score and a plain sentence."""

    advocate: int
    public_id: str
    name: str
    title: str
    account: int
    account_name: str
    owner_approves: bool
    score: float
    parts: Sequence[PartScore]
    sentence: str
    last_asked_at: datetime | None

    @property
    def shares(self) -> list[tuple[str, float]]:
        """The points by what they are about, for the bar: thirteen colours would tell nobody anything."""
        return [
            (str(name), sum(part.points for part in self.parts if part.key in keys)) for name, keys in GROUPS.items()
        ]

    @property
    def spoken(self) -> str:
        """Every part that gave something, for who cannot see the bar or wants to know exactly."""
        return "; ".join(f"{part.name} {part.points:g} / {part.most}" for part in self.parts if part.points)


@dataclass(frozen=True)
class Excluded:
    """Somebody who cannot be asked, and what stopped them."""

    advocate: int
    name: str
    account_name: str
    reason: str


@dataclass(frozen=True)
class WhyNot:
    """How many fit, and how many each gate stopped first."""

    fit: int
    gates: Sequence[tuple[str, str, int]]

    @property
    def others(self) -> int:
        return sum(count for _key, _name, count in self.gates)


def candidates(need: Need, *, limit: int = LIMIT) -> list[Candidate]:
    """The best who pass every gate, at most two from one account, in the one order."""
    # Who was not approved counts as asked as well: one look at the nominations is enough here.
    passes = " AND ".join(gate.passes for gate in need.gates() if gate.key != OWNER_GATE)
    # The first level carries four narrow columns for everybody; names and parts are fetched for the few who remain.
    statement = f"""
        WITH top AS MATERIALIZED (
            SELECT a.id AS advocate_id, c.account_id, a.last_asked_at, {_score(need)} AS score
            FROM {need.facts} WHERE {passes} ORDER BY {ORDER} LIMIT %(fetch)s
        ), cut AS (
            SELECT *, row_number() OVER (PARTITION BY account_id ORDER BY {ORDER}) AS nth FROM top
        ), best AS (
            SELECT *, (SELECT count(*) FROM top) AS fetched FROM cut WHERE nth <= {FROM_ONE_ACCOUNT}
            ORDER BY {ORDER} LIMIT %(limit)s
        ) {_shown(need)}
    """  # noqa: S608 - the fragments are ours; every value is a parameter
    fetch = limit * OVER_FETCH
    while True:
        with _planner() as cursor:
            cursor.execute(SETTINGS + statement, need.values() | {"fetch": fetch, "limit": limit})
            rows = cursor.fetchall()
        if len(rows) >= limit or not rows or rows[0][0] < fetch:
            return [_candidate(need, row) for row in rows]
        fetch *= 8


def among(need: Need, advocates: Sequence[int]) -> list[Candidate]:
    """The same for these advocates, whatever gates would say: what a nomination keeps of its reasons."""
    statement = f"""
        WITH best AS (
            SELECT a.id AS advocate_id, c.account_id, a.last_asked_at, {_score(need)} AS score, 0 AS fetched
            FROM {need.facts} WHERE a.id = ANY(%(among)s)
        ) {_shown(need)}
    """  # noqa: S608
    with _planner() as cursor:
        cursor.execute(SETTINGS + statement, need.values() | {"among": list(advocates)})
        return [_candidate(need, row) for row in cursor.fetchall()]


def stopped(need: Need, advocates: Sequence[int], *, but: Iterable[str] = ()) -> dict[int, Excluded]:
    """Which of these advocates a gate stops, leaving out the gates in ``but`` and the parts ticked as required."""
    gates = [gate for gate in need.gates() if gate.key not in but and not gate.key.startswith(MUST)]
    statement = f"SELECT {WHO_IS_STOPPED}, {_first_gate(gates)} FROM {need.facts} WHERE a.id = ANY(%(among)s)"  # noqa: S608
    with _planner() as cursor:
        cursor.execute(SETTINGS + statement, need.values() | {"among": list(advocates)})
        return {row[0]: _excluded(need, gates[row[-1]], row) for row in cursor.fetchall() if row[-1] is not None}


def why_not(need: Need) -> WhyNot:
    """Everybody, by the first gate that stops them."""
    gates = need.gates()
    statement = f"SELECT {_first_gate(gates)} AS gate, count(*) FROM {need.facts} GROUP BY 1"  # noqa: S608
    with _planner() as cursor:
        cursor.execute(SETTINGS + statement, need.values())
        counts: dict[int | None, int] = dict(cursor.fetchall())
    return WhyNot(
        fit=counts.get(None, 0),
        gates=[(gate.key, gate_name(gate), counts[i]) for i, gate in enumerate(gates) if counts.get(i)],
    )


def excluded(need: Need, gate: str, *, page: int = 1, size: int = A_PAGE) -> list[Excluded]:
    """One page of those whom this gate stopped first, in the order they were entered."""
    gates = need.gates()
    number = next((index for index, one in enumerate(gates) if one.key == gate), None)
    if number is None:
        return []
    before = "".join(f" AND {one.passes}" for one in gates[:number])
    statement = (
        f"SELECT {WHO_IS_STOPPED} FROM {need.facts} WHERE {gates[number].stops}{before}"  # noqa: S608
        " ORDER BY a.id LIMIT %(size)s OFFSET %(skip)s"
    )
    with _planner() as cursor:
        cursor.execute(SETTINGS + statement, need.values() | {"size": size, "skip": (max(1, page) - 1) * size})
        return [_excluded(need, gates[number], row) for row in cursor.fetchall()]


def gate_name(gate: Gate) -> str:
    if gate.key.startswith(MUST):
        return _("Required: %(part)s") % {"part": str(gate.name).lower()}
    return str(gate.name)


def program_is_small() -> bool:
    """Whether counting everybody is quick enough to do it with each page; remembered for a while."""
    small: bool | None = cache.get("desk:small")
    if small is None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM (SELECT 1 FROM advocates_advocate LIMIT %s) few", [SMALL])
            small = cursor.fetchone()[0] < SMALL
        cache.set("desk:small", small, 600)
    return small


def known_gates() -> list[str]:
    """Every gate by its key, for the command line."""
    return [gate.key for gate in GATES] + [MUST + key for key in PARTS]


# --- How -------------------------------------------------------------------------------------------------------------
SETTINGS = "SET LOCAL random_page_cost = 1.1; SET LOCAL work_mem = '64MB'; SET LOCAL jit = off; "
"""For the planner: the facts are in memory, hashes of the whole program should be too, and compiling does not pay."""


@contextmanager
def _planner() -> Iterator[Any]:
    """A cursor inside a transaction, without a savepoint: ``SET LOCAL`` needs the one and not the other."""
    with transaction.atomic(savepoint=False), connection.cursor() as cursor:
        yield cursor


def _score(need: Need) -> str:
    return " + ".join(f"%(w_{key})s * {need.fit(key)}" for key in need.scored) or "0"


def _shown(need: Need) -> str:
    """What is told of the few in ``best``, in order."""
    fits = "".join(f", {need.fit(key)}" for key in need.scored)
    return f"""
        SELECT best.fetched, best.advocate_id, a.public_id, c.given_name, c.family_name, c.email, c.title, k.id, k.name,
            k.owner_approves, best.score, best.last_asked_at, a.asks_in_year, coalesce(t.grades, 0),
            coalesce(t.grade_sum, 0), coalesce(t.missed, 0){fits}
        FROM best JOIN advocates_advocate a ON a.id = best.advocate_id JOIN crm_contact c ON c.id = a.contact_id
            JOIN crm_account k ON k.id = c.account_id LEFT JOIN opportunities_trackrecord t ON t.advocate_id = a.id
        ORDER BY {ORDER}
    """  # noqa: S608


def _first_gate(gates: Sequence[Gate]) -> str:
    return "CASE " + " ".join(f"WHEN {gate.stops} THEN {index}" for index, gate in enumerate(gates)) + " END"


WHO_IS_STOPPED = (
    "a.id, c.given_name, c.family_name, c.email, k.name, a.status, k.readiness_reason, a.resting_until, c.left_on,"
    f" c.language, k.language, {OWNERS_REASON}"
)


def _name(given: str, family: str, email: str) -> str:
    return f"{given} {family}".strip() or email or _("Somebody")


def _candidate(need: Need, row: Sequence[Any]) -> Candidate:
    advocate, public_id, given, family, email, title, account, account_name, owner_approves = row[1:10]
    score, last_asked_at, asks, grades, grade_sum, missed = row[10:16]
    fits = dict(zip(need.scored, row[16:], strict=True))
    return Candidate(
        advocate=advocate,
        public_id=str(public_id),
        name=_name(given, family, email),
        title=title,
        account=account,
        account_name=account_name,
        owner_approves=owner_approves,
        score=score / 100,
        parts=[
            PartScore(key, str(PARTS[key].name), need.weights[key] * fit / 100, need.weights[key], fit)
            for key, fit in fits.items()
        ],
        sentence=_sentence(need, fits, last_asked_at, asks, grades, grade_sum, missed),
        last_asked_at=last_asked_at,
    )


def _sentence(
    need: Need, fits: Mapping[str, int], asked: datetime | None, asks: int, grades: int, grade_sum: int, missed: int
) -> str:
    """One plain sentence: what they share with the prospect, what they bring, how rested they are."""
    words = {
        "industry": _("industry"), "region": _("region"), "country": _("country"), "size": _("size"),
        "use_case": _("use case"), "product": _("product"),
    }  # fmt: skip
    same = [key for key in words if fits.get(key) == 100]
    if "country" in same and "region" in same:
        same.remove("region")  # the same country says it
    shared = [_("same %(facts)s") % {"facts": listed([words[key] for key in same])}] if same else []
    if fits.get("size") == 50:
        shared.append(_("a neighbouring size"))
    if fits.get("competitor"):
        shared.append(_("came from %(competitor)s") % {"competitor": need.competitor})
    if fits.get("role"):
        shared.append(_("does the same work"))
    brings = []
    if need.language:
        brings.append(_("speaks %(language)s") % {"language": language_name(need.language)})
    if missed:
        brings.append(ngettext("missed %(count)s call", "missed %(count)s calls", missed) % {"count": missed})
    if grades:
        brings.append(_("graded %(grade)s of 5") % {"grade": f"{grade_sum / grades:.1f}".removesuffix(".0")})
    if fits.get("willingness"):
        brings.append(_("wants to do this"))
    # The bar has it all; the sentence tells what speaks most for them, and always how rested they are.
    known = any([need.industry, need.employees, need.region, need.country, need.product, need.use_case])
    if not shared and known:  # of a magazine nothing is known that anybody could have in common with it
        shared = [_("little in common with the prospect")]
    said = [*shared[:3], *brings[: 1 if len(shared) > 1 else 2]]
    if asked is None:
        said.append(_("never asked before"))
    else:
        days = max(0, (need.day - asked.date()).days)
        said.append(ngettext("rested %(days)s day", "rested %(days)s days", days) % {"days": days})
    if asks > 2:
        said.append(_("asked %(count)s times in a year") % {"count": asks})
    text = "; ".join(said)
    return text[:1].upper() + text[1:] + "."


def for_them(need: Need, candidate: Candidate) -> str:
    """Why them, as the advocate reads it: the manager's first draft."""
    fits = {part.key: part.per_cent for part in candidate.parts}
    same = [
        word
        for key, word in (
            ("industry", _("in the same industry")), ("size", _("of about the same size")),
            ("country", _("in the same country")), ("region", _("in the same region")),
        )
        if fits.get(key) and not (key == "region" and fits.get("country"))
    ]  # fmt: skip
    said = []
    if same:
        said.append(_("%(prospect)s is %(facts)s.") % {"prospect": need.prospect, "facts": listed(same)})
    if fits.get("competitor"):
        said.append(_("They use %(competitor)s, as you did.") % {"competitor": need.competitor})
    if fits.get("use_case"):
        said.append(_("They have your use case: %(use_case)s.") % {"use_case": need.use_case})
    if fits.get("role"):
        said.append(_("You do the same work as the person you would speak with."))
    return " ".join(said) or _("Your experience would help %(prospect)s.") % {"prospect": need.prospect}


def listed(words: Sequence[str]) -> str:
    if len(words) == 1:
        return words[0]
    return _("%(first)s and %(last)s") % {"first": ", ".join(words[:-1]), "last": words[-1]}


def language_name(code: str) -> str:
    try:
        return str(get_language_info(code.lower())["name_translated"])
    except KeyError:
        return code


def _excluded(need: Need, gate: Gate, row: Sequence[Any]) -> Excluded:
    return Excluded(row[0], _name(*row[1:4]), row[4], _why_excluded(need, gate, *row[5:12]))


def _why_excluded(
    need: Need,
    gate: Gate,
    status: str,
    reason: str,
    resting_until: datetime | None,
    left_on: date | None,
    language: str,
    account_language: str,
    owners_reason: str | None,
) -> str:
    if gate.key == "member":
        if left_on and left_on <= need.day:
            return _("Left the account on %(day)s.") % {"day": date_format(left_on, "j F Y")}
        return _("Is not a member: %(status)s.") % {"status": Advocate.Status(status).label}
    if gate.key == "ready":
        return _("Account is not ready: %(reason)s.") % {"reason": reason.rstrip(".") or _("no reason given")}
    if gate.key == OWNER_GATE:
        return _("Their account owner said no: %(reason)s.") % {"reason": (owners_reason or "").rstrip(".")}
    if gate.key == "budget":
        if resting_until and resting_until > need.at:
            if resting_until.year == 9999:
                return _("Does not want to be asked.")
            return _("Rests until %(day)s.") % {"day": date_format(resting_until, "j F Y")}
        return _("The cap for this kind is reached.")
    if gate.key == "language":
        known = language or account_language
        if not known:
            return _("Language is not known.")
        return _("Speaks %(language)s.") % {"language": language_name(known)}
    return f"{gate_name(gate)}."
