"""Maps for files of which one row tells several things: built in, for those who write no map of their own.

A recipe knows what the columns of such a file are usually called, and is offered where a file has them. What it makes
is a map as any other; it can be looked through, kept under a name and used again.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from advocacy.crm.importing.kinds import Kind

Columns = Mapping[str, str]
Data = dict[str, Any]

YES = ["true", "yes", "y", "1", "x"]


@dataclass(frozen=True)
class Recipe:
    """How rows of one sort become records of ``kind``; ``columns``: what each part is usually called."""

    slug: str
    kind: str
    title: str | Promise
    columns: Mapping[str, tuple[str, ...]]
    make: Callable[[Columns], list[Data]]

    def map_for(self, header: Sequence[str]) -> Data | None:
        """The map for a file with these columns; None where they do not tell what the recipe needs."""
        known = {_word(column): column.strip() for column in reversed(header)}
        found = {
            part: next(known[name] for name in names if name in known)
            for part, names in self.columns.items()
            if any(name in known for name in names)
        }
        if "id" not in found or "account" not in found or not re.fullmatch(r"[\w .-]+", found["id"]):
            return None
        records = self.make(found)
        return {"fields": {"account": found["account"]}, "records": records} if records else None


def _word(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", text.strip().lower()).strip("_")


def _is_yes(column: str) -> Data:
    return {"column": column, "in": YES}


def _of_a_ticket(has: Columns) -> list[Data]:
    """Opened and closed where it was an escalation, and what the customer said of it."""
    records: list[Data] = []
    ends = {"opened": "escalation_opened", "closed": "escalation_closed"}
    for part, kind in ends.items():
        if "escalated" in has and part in has:
            fields = {
                "external_id": {"template": f"{{{has['id']}}}:{part}"}, "occurrence": has["id"],
                "kind": {"constant": kind}, "occurred_at": has[part],
            }  # fmt: skip
            records.append(
                {"when": [_is_yes(has["escalated"]), {"column": has[part], "empty": False}], "fields": fields}
            )
    days = [has[part] for part in ("closed", "opened") if part in has]
    if "score" in has and days:
        fields = {
            "external_id": {"template": f"{{{has['id']}}}:csat"}, "kind": {"constant": "csat"},
            "value": has["score"], "occurred_at": {"columns": days},
        }  # fmt: skip
        records.append({"when": [{"column": has["score"], "empty": False}], "fields": fields})
    return records


RECIPES = (
    Recipe(
        "tickets", "signals", _("support tickets: escalation opened, closed, satisfaction"),
        {
            "id": ("ticket_id", "case_id", "case_number", "ticket", "id"),
            "account": ("account_id", "account", "customer_id", "company_id", "organization_id"),
            "escalated": ("escalation_flag", "escalated", "is_escalated", "escalation"),
            "opened": ("submitted_at", "opened_at", "created_at", "opened", "created", "date_opened"),
            "closed": ("closed_at", "solved_at", "resolved_at", "closed", "solved", "date_closed"),
            "score": ("satisfaction_score", "csat", "csat_score", "satisfaction"),
        },
        _of_a_ticket,
    ),
)  # fmt: skip


def fitting(kind: Kind, header: Sequence[str]) -> list[Recipe]:
    """The recipes a file with these columns can be read by."""
    return [recipe for recipe in RECIPES if recipe.kind == kind.slug and recipe.map_for(header)]
