"""Accounts, contacts, subscriptions, deals and use through the API: one endpoint for each kind of import (X5).

Bodies are made from the fields an import of that kind has, so that the two never say different things.
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Annotated, Any

from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l
from ninja import Router, Schema
from pydantic import ConfigDict, Field, create_model

from advocacy.crm.importing.direct import Fate, bring
from advocacy.crm.importing.kinds import Kind, Reference, kind_of
from advocacy.crm.importing.values import Money, ValueType, Whole, Words, YesNo
from advocacy.lib.endpoints import Problem, needs

KINDS = {
    "accounts": _l("bring accounts"),
    "contacts": _l("bring contacts"),
    "subscriptions": _l("bring subscriptions"),
    "deals": _l("bring deals"),
    "usage": _l("bring use of the product"),
}
MOST_ROWS = 1000
RESERVED = frozenset({"portal", "derived"})

Line = Annotated[str, Field(max_length=2_000)]
TYPES: tuple[tuple[type[ValueType], Any], ...] = (
    (Words, list[Line] | Line), (Whole, int | Line), (Money, Decimal | Line), (YesNo, bool | Line),
)  # fmt: skip
"""What JSON may hold for a field besides a text; the import's own reading decides, and says what is wrong."""


def body_of(kind: Kind) -> type[Schema]:
    """The body of a call: a source, how references are named, and rows with the fields of an import."""
    fields: dict[str, Any] = {}
    for field in kind.fields:
        typed = next((shape for value, shape in TYPES if isinstance(field.type, value)), Line)
        told = str(field.help) or capfirst(str(field.label))
        if field.required:
            fields[field.name] = (typed, Field(description=told))
        else:
            fields[field.name] = (typed | None, Field(None, description=told))
    config = ConfigDict(extra="forbid")
    row = create_model(f"{kind.slug.capitalize()}Row", __config__=config, **fields)
    through = {
        f"{field.name}_by": (
            Annotated[str, Field(pattern=f"^({'|'.join(field.type.through)})$")],
            Field("id", description=_("By what “{field}” is named.").format(field=field.name)),
        )
        for field in kind.fields
        if isinstance(field.type, Reference) and len(field.type.through) > 1
    }
    source = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_.-]{0,39}$")]
    rows = Annotated[list[row], Field(min_length=1, max_length=MOST_ROWS)]  # type: ignore[valid-type]
    return create_model(  # type: ignore[call-overload]
        f"{kind.slug.capitalize()}In", __base__=Schema, __config__=None,
        source=(source, Field("crm", description=_("The system the ids belong to; the same name as in its imports."))),
        rows=(rows, Field(description=_("What a row leaves out stays as it is; null empties it."))), **through,
    )  # fmt: skip


def cell(value: Any) -> str:
    """A JSON value as the import reads it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ";".join(value)
    if isinstance(value, Decimal):
        return f"{value:f}"
    return value.isoformat() if isinstance(value, date) else str(value)


def bring_rows(kind: Kind, payload: Any) -> list[Fate]:
    """Load the rows of a body; the fate of each in their order.

    Rows that give the same facts go together: what a row does not name is not touched.
    """
    if payload.source in RESERVED:
        raise Problem(
            422, _("“%(source)s” is the portal's own name. Use that of your system.") % {"source": payload.source}
        )
    _each_once(row.external_id for row in payload.rows if getattr(row, "external_id", None))
    through = {
        field.name: getattr(payload, f"{field.name}_by")
        for field in kind.fields
        if hasattr(payload, f"{field.name}_by")
    }
    groups: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for number, row in enumerate(payload.rows):
        groups[tuple(sorted(row.model_fields_set))].append(number)
    fates: dict[int, Fate] = {}
    at = timezone.now()
    with transaction.atomic():
        for given, numbers in groups.items():
            rows = [{name: cell(getattr(payload.rows[number], name)) for name in given} for number in numbers]
            named = {name: by for name, by in through.items() if name in given and by != "id"}
            fates.update(zip(numbers, bring(kind, rows, source=payload.source, through=named, at=at), strict=True))
    return [fates[number] for number in range(len(payload.rows))]


def _each_once(ids: Iterable[str]) -> None:
    seen: set[str] = set()
    for one in ids:
        if one in seen:
            raise Problem(422, _("“%(id)s” stands in two rows. Send each once, as it is now.") % {"id": one})
        seen.add(one)


def add_to(router: Router, *, answer: type[Schema], answered: Any, problems: dict[int, Any]) -> None:
    """An endpoint for each kind."""
    for slug, words in KINDS.items():
        kind = kind_of(slug)
        assert kind is not None, slug
        _add(router, kind, words, answer=answer, answered=answered, problems=problems)


def _add(router: Router, kind: Kind, words: Any, *, answer: Any, answered: Any, problems: dict[int, Any]) -> None:
    body = body_of(kind)

    def endpoint(request: HttpRequest, payload: Any) -> Any:
        return answered(bring_rows(kind, payload))

    endpoint.__name__ = f"bring_{kind.slug}"
    endpoint.__doc__ = "Sound rows are kept, refused ones say why; sending them again changes nothing."
    endpoint.__annotations__["payload"] = body
    router.post(
        f"/{kind.slug}", response={200: answer, **problems}, summary=f"Bring {kind.slug}", url_name=f"bring_{kind.slug}"
    )(needs(f"{kind.slug}:write", words)(endpoint))
