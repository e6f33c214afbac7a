"""Lists paged by key: the last page costs what the first does, and nothing is counted.

The address carries the ordering values of the row next to the page's edge (``after`` or ``before``), so rows that
arrive or go meanwhile neither repeat a row nor hide one.
"""

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Generic, TypeVar

from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.db import models
from django.db.models import Q, QuerySet
from django.utils.dateparse import parse_datetime

Row = TypeVar("Row", bound=models.Model)


@dataclass(frozen=True)
class Page(Generic[Row]):
    """Some rows in order; ``next`` and ``previous`` are tokens for the address, empty where there is no more."""

    items: list[Row]
    next: str = ""
    previous: str = ""


def page_by_key(
    queryset: "QuerySet[Row]", order: Sequence[str], query: Mapping[str, Any] | None = None, *, size: int = 20
) -> Page[Row]:
    """One page in this total order of never-null fields; ``query`` may hold ``after`` or ``before``.

    A token that is not ours opens the first page.
    """
    query = query or {}
    after = _read(queryset, order, str(query.get("after", "")))
    before = None if after else _read(queryset, order, str(query.get("before", "")))
    if before:
        rows = list(queryset.filter(beyond(_reversed(order), before)).order_by(*_reversed(order))[: size + 1])
        more_before, rows = len(rows) > size, rows[:size][::-1]
        if rows:
            return Page(rows, token(rows[-1], order), token(rows[0], order) if more_before else "")
        after = None
    narrowed = queryset.filter(beyond(order, after)) if after else queryset
    rows = list(narrowed.order_by(*order)[: size + 1])
    more, rows = len(rows) > size, rows[:size]
    return Page(rows, token(rows[-1], order) if more else "", token(rows[0], order) if after and rows else "")


def beyond(order: Sequence[str], values: Sequence[Any]) -> Q:
    """Rows that come after these values in this order.

    The first column is bounded on its own as well: Postgres then walks the index from there.
    """
    condition, same = Q(), Q()
    for name, value in zip(order, values, strict=True):
        field, side = (name[1:], "lt") if name.startswith("-") else (name, "gt")
        condition |= same & Q(**{f"{field}__{side}": value})
        same &= Q(**{field: value})
    first, value = order[0], values[0]
    bound = Q(**{f"{first[1:]}__lte": value}) if first.startswith("-") else Q(**{f"{first}__gte": value})
    return bound & condition if len(order) > 1 else condition


def place(queryset: "QuerySet[Any]", order: Sequence[str], text: str) -> list[Any] | None:
    """The values inside a token, for a list that bounds its rows itself; None when the token is not ours."""
    return _read(queryset, order, text)


def token(row: Any, order: Sequence[str]) -> str:
    """The place of a row, for an address."""
    values = []
    for name in order:
        value: Any = row
        for step in name.lstrip("-").split("__"):
            value = getattr(value, step)
        values.append(value if isinstance(value, (int, str, float)) else _text(value))
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")


def _text(value: Any) -> str:
    return value.isoformat() if isinstance(value, (date, datetime)) else str(value)


def _read(queryset: "QuerySet[Any]", order: Sequence[str], text: str) -> list[Any] | None:
    if not text or len(text) > 600:
        return None
    try:
        values = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        if not isinstance(values, list) or len(values) != len(order):
            return None
        return [_value(_field(queryset, name.lstrip("-")), value) for name, value in zip(order, values, strict=True)]
    except (binascii.Error, ValueError, TypeError, ArithmeticError, ValidationError, FieldDoesNotExist):
        return None


def _value(field: "models.Field[Any, Any]", value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise ValueError(value)
    if isinstance(field, models.DateTimeField):
        moment = parse_datetime(str(value))
        if moment is None or moment.tzinfo is None:
            raise ValueError(value)
        return moment
    if isinstance(field, models.DecimalField):
        number = Decimal(str(value))
        if not number.is_finite():
            raise ValueError(value)
        return number
    found = field.to_python(value)
    if isinstance(found, str) and "\x00" in found:
        raise ValueError(value)
    if isinstance(found, int) and abs(found) >= 2**63:
        raise ValueError(value)
    return found


def _field(queryset: "QuerySet[Any]", name: str) -> "models.Field[Any, Any]":
    if name in queryset.query.annotations:
        return queryset.query.annotations[name].output_field
    model: Any = queryset.model
    field: Any = None
    for step in name.split("__"):
        field = model._meta.pk if step == "pk" else model._meta.get_field(step)
        model = field.related_model
    return field


def _reversed(order: Sequence[str]) -> list[str]:
    return [name[1:] if name.startswith("-") else f"-{name}" for name in order]
