"""Which proof fits what somebody is about to ask for, with reasons (D2). Reads only; time is a parameter.

Permission, scope and expiry are gates (``Proof.objects.usable``); the parts below only decide the order, and from which
number of points on something is worth showing. One query, whatever the library holds.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.search import SearchQuery
from django.db.models import Case, F, IntegerField, Q, TextField, Value, When
from django.db.models.functions import Cast, Lower
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l

from advocacy.lib.given import whole_number
from opportunities.matching import BANDS, listed
from opportunities.models import Proof, ReferenceRequest, Scope

ENOUGH = 3
"""Points from which a proof is shown: a shared industry is enough, a shared country alone is not."""
SHOWN = 4
TELLING = 5
"""Letters from which a word of a question tells something."""
MOST_WORDS = 8

AS_PROOF = {
    "case-study": "case_study", "quote": "quote", "testimonial-video": "video", "name-and-logo": "logo",
    "review-site-review": "review",
}  # fmt: skip
"""Kinds of opportunity that ask for the very thing a proof is."""

POINTS = {
    "asked": 4, "use_case": 4, "industry": 3, "product": 3, "competitor": 3, "size": 1, "region": 1, "country": 1,
    "language": 1,
}  # fmt: skip
SAME = {"use_case": _l("use case"), "industry": _l("industry"), "region": _l("region"), "country": _l("country")}
"""Parts that a prospect and a proof have in common, by the word for what is the same."""

WORD = 1
"""Points for each telling word of the question that the proof speaks of."""


@dataclass(frozen=True)
class Wanted:
    """What a proof is held against; empty facts ask for nothing."""

    kind: str = ""
    industry: str = ""
    employees: int | None = None
    region: str = ""
    country: str = ""
    language: str = ""
    product: str = ""
    use_case: str = ""
    competitor: str = ""
    text: str = ""

    @classmethod
    def of_request(cls, wanted: ReferenceRequest) -> "Wanted":
        return cls(
            kind=wanted.kind.slug, industry=wanted.industry, employees=wanted.employees, region=wanted.region,
            country=wanted.country, language=wanted.language, product=wanted.product, use_case=wanted.use_case,
            competitor=wanted.competitor, text=wanted.questions,
        )  # fmt: skip

    @classmethod
    def of_draft(cls, draft: Mapping[str, Any], *, kind: str) -> "Wanted":
        """From a form that is still being filled in, whatever stands in it."""

        def said(name: str, most: int = 100) -> str:
            return str(draft.get(name) or "").replace("\x00", "").strip()[:most]

        employees = whole_number(said("employees"))
        return cls(
            kind=kind, industry=said("industry"), employees=employees if employees and employees < 2**31 else None,
            region=said("region"), country=said("country", 2).upper(), language=said("language"),
            product=said("product"), use_case=said("use_case"), competitor=said("competitor"),
            text=said("questions", 4000),
        )  # fmt: skip

    @property
    def words(self) -> list[str]:
        """The telling words of the question, the first few."""
        found = re.findall(r"[^\W\d_]+", self.text.lower())
        return list(dict.fromkeys(word for word in found if len(word) >= TELLING and word not in EVERYWHERE))[
            :MOST_WORDS
        ]


EVERYWHERE = frozenset(
    {
        "about",
        "after",
        "again",
        "before",
        "being",
        "company",
        "could",
        "customer",
        "customers",
        "every",
        "first",
        "great",
        "having",
        "might",
        "other",
        "people",
        "really",
        "right",
        "should",
        "still",
        "their",
        "there",
        "these",
        "thing",
        "think",
        "those",
        "through",
        "using",
        "where",
        "which",
        "while",
        "whose",
        "without",
        "working",
        "would",
    }
)
"""Words every question has."""


@dataclass(frozen=True)
class Fit:
    """One proof that fits, its points and why, in words."""

    proof: Proof
    points: int
    reasons: list[str]
    shared: list[str]
    """Of the reasons, those that say what is the same, without the word."""

    @property
    def because(self) -> str:
        """The reasons in one breath: “Same use case and industry; came from ACME”."""
        if not self.shared:
            return "; ".join(self.reasons)
        rest = [one[:1].lower() + one[1:] for one in self.reasons[len(self.shared) :]]
        return "; ".join([_("Same %(facts)s") % {"facts": listed(self.shared)}, *rest])


def fitting(wanted: Wanted, *, at: datetime, limit: int = SHOWN) -> list[Fit]:
    """The proof that may be shown to a prospect now and fits best, the best first; ties go to the newest."""
    parts = _parts(wanted)
    if not parts:
        return []
    rows: Any = Proof.objects.usable(at=at, scope=Scope.SALES).alias(
        own_products=_lower("products"), own_use_cases=_lower("use_cases"),
        own_competitors=_lower("replaced_competitors"),
    )  # fmt: skip
    points: Any = Value(0)
    for key, (condition, worth, _reason) in parts.items():
        rows = rows.annotate(
            **{f"fits_{key}": Case(When(condition, then=Value(worth)), default=Value(0), output_field=IntegerField())}
        )
        points = points + F(f"fits_{key}")
    rows = rows.annotate(fit=points).filter(fit__gte=ENOUGH).select_related("account").defer("search")
    return [_fit(row, parts) for row in rows.order_by("-fit", "-published_at", "-pk")[:limit]]


def _fit(row: Any, parts: Mapping[str, tuple[Q, int, Any]]) -> Fit:
    holds = [key for key in parts if getattr(row, f"fits_{key}")]
    holds.sort(key=lambda key: key not in SAME)  # what is the same first, else as it weighs
    return Fit(row, row.fit, [str(parts[key][2]) for key in holds], [str(SAME[key]) for key in holds if key in SAME])


def _lower(field: str) -> Any:
    return Cast(Lower(Cast(field, TextField())), ArrayField(TextField()))


def _parts(wanted: Wanted) -> dict[str, tuple[Q, int, Any]]:
    """Each part that can hold: when it does, what it is worth, and its sentence."""
    parts: dict[str, tuple[Q, int, Any]] = {}

    def part(key: str, given: Any, condition: Q, reason: Any) -> None:
        if given not in ("", None):
            parts[key] = condition, POINTS[key], reason

    kind = AS_PROOF.get(wanted.kind, "")
    part("asked", kind, Q(kind=kind), _l("It is just what you ask for"))
    part("use_case", wanted.use_case, Q(own_use_cases__contains=[wanted.use_case.lower()]), _l("Same use case"))
    part("industry", wanted.industry, Q(industry__iexact=wanted.industry), _l("Same industry"))
    part("product", wanted.product, Q(own_products__contains=[wanted.product.lower()]), _l("About the same product"))
    part(
        "competitor", wanted.competitor, Q(own_competitors__contains=[wanted.competitor.lower()]),
        _("Came from %(competitor)s") % {"competitor": wanted.competitor},
    )  # fmt: skip
    if wanted.employees:
        least, most = next(band for band in BANDS if wanted.employees <= band[1])
        part("size", wanted.employees, Q(employees__gte=least, employees__lte=most), _l("About the same size"))
    part("region", wanted.region, Q(region__iexact=wanted.region), _l("Same region"))
    part("country", wanted.country, Q(country__iexact=wanted.country), _l("Same country"))
    part("language", wanted.language, Q(language__iexact=wanted.language), _l("In their language"))
    for number, word in enumerate(wanted.words):
        query = SearchQuery(f"'{word}':*", search_type="raw", config="simple")
        parts[f"word_{number}"] = Q(search=query), WORD, _("Speaks of “%(word)s”") % {"word": word}
    return parts
