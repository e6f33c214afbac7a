"""What narrows a measure: region, team, industry. They live in the address."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from django.db.models import Model, QuerySet

Row = TypeVar("Row", bound=Model)
NAMES = ("region", "team", "industry")


@dataclass(frozen=True)
class Filters:
    """Empty means all. ``team`` is a stakeholder team's slug; ``part`` narrows the rows behind one part of a figure."""

    region: str = ""
    team: str = ""
    industry: str = ""
    part: str = ""

    def narrow(self, queryset: "QuerySet[Row]", **fields: str) -> "QuerySet[Row]":
        """Narrow by those filters that are set: ``filters.narrow(rows, region="region", team="team__slug")``."""
        held = {field: getattr(self, name) for name, field in fields.items() if getattr(self, name)}
        return queryset.filter(**held) if held else queryset

    @property
    def held(self) -> dict[str, str]:
        """The filters that are set, for addresses."""
        return {name: getattr(self, name) for name in NAMES if getattr(self, name)}


def read(query: Mapping[str, Any]) -> Filters:
    """The filters an address asks for. An unknown value simply finds nothing."""
    texts = {name: str(query.get(name, "")).replace("\x00", "")[:100] for name in (*NAMES, "part")}
    return Filters(**texts)
