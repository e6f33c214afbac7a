"""What a measure is. Each is defined once, in the ``measures.py`` of the app it measures, and registers here.

The same function feeds page, export and report; no figure without its rows.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from functools import cached_property
from typing import Any

from django.db.models import QuerySet
from django.utils.functional import Promise

from advocacy.dashboards.filters import NAMES, Filters
from advocacy.dashboards.periods import Period

Words = str | Promise
Number = int | float | Decimal


class Unit(StrEnum):
    """What a figure counts in. ``words.figure`` writes each."""

    COUNT = "count"
    SHARE = "share"  # of one: 0.31 is 31 %
    MONEY = "money"  # in the program's reporting currency
    HOURS = "hours"  # elapsed, of the wall clock
    WORKING_DAYS = "working days"  # days of 24 hours, weekends left out
    AMOUNT = "amount"  # of money, in the currency its row names
    POINTS = "points"
    TEXT = "text"
    DAY = "day"
    INSTANT = "instant"


@dataclass(frozen=True)
class Month:
    """One month of a series: ``value`` in the measure's unit (None: nothing to measure), ``n`` the rows behind it."""

    first: date
    value: Number | None
    n: int = 0


@dataclass(frozen=True)
class Part:
    """One part of a figure: a stage of a funnel, a channel. ``key`` comes back in ``filters.part`` for its rows.

    A label that names a person demands a ``right``; without it the page says only which place it is.
    """

    key: str
    label: Words
    value: Number
    unit: Unit = Unit.COUNT
    right: str = ""


@dataclass(frozen=True)
class Detail:
    """A further figure beside the big one: the 90th percentile, the deals in another currency."""

    label: Words
    value: Any
    unit: Unit = Unit.COUNT


@dataclass(frozen=True)
class Value:
    """What a measure is for a period. ``value`` None says: nothing to measure, which is not nought.

    ``months``, ``parts`` and ``details`` may be functions, so that a tile does not pay for what it does not show; read
    ``series``, ``breakdown`` and ``further``.
    """

    value: Number | None
    numerator: Number | None = None
    denominator: Number | None = None
    n: int = 0
    months: Sequence[Month] | Callable[[], Sequence[Month]] = ()
    parts: Sequence[Part] | Callable[[], Sequence[Part]] = ()
    details: Sequence[Detail] | Callable[[], Sequence[Detail]] = ()
    promise: Number | None = None
    note: Words = ""

    @cached_property
    def series(self) -> Sequence[Month]:
        return self.months() if callable(self.months) else self.months

    @cached_property
    def breakdown(self) -> Sequence[Part]:
        return self.parts() if callable(self.parts) else self.parts

    @cached_property
    def further(self) -> Sequence[Detail]:
        return self.details() if callable(self.details) else self.details


@dataclass(frozen=True)
class Column:
    """One column of the rows: ``value`` takes a row; ``link`` takes a row and gives an address, or "" for none.

    A column that names people demands a ``right``; without it neither the page nor the file has the column.
    """

    label: Words
    value: Callable[[Any], Any]
    unit: Unit = Unit.TEXT
    link: Callable[[Any], str] | None = None
    right: str = ""


@dataclass(frozen=True)
class Rows:
    """The rows behind a figure. ``order`` must be total and of fields that are never null: the list is paged by it.

    The page narrows them once more by ``visible_to(user)`` where the queryset has it.
    """

    queryset: "QuerySet[Any]"
    columns: Sequence[Column]
    order: tuple[str, ...] = ("-pk",)
    what: Words = ""


Measuring = Callable[[Period, Filters], Value]
Listing = Callable[[Period, Filters], Rows]


@dataclass(frozen=True)
class Measure:
    """A measure with its definition in words. Call ``measure.value(period, filters)`` and ``measure.rows(…)``."""

    key: str
    name: Words
    unit: Unit
    definition: Words
    sources: Sequence[str]
    value: Measuring
    rows: Listing
    numerator: Words = ""
    denominator: Words = ""
    area: str = "program"
    better: str = ""  # "up" or "down": which way is good; "" when neither is
    chart: str = ""  # "bars", "line", "funnel", "shares"; "" draws what the value carries
    heeds: Sequence[str] = NAMES
    caution: Words = ""
    order: int = 100
    part_word: Words = ""  # what one part is, over its column: "Advocate"
    count_word: Words = ""  # and what is counted there: "Asks"

    def ignored(self, filters: Filters) -> list[str]:
        """Filters that are set but mean nothing to this measure; the page says so."""
        return [name for name in filters.held if name not in self.heeds]


_measures: dict[str, Measure] = {}


def measure(
    key: str,
    *,
    name: Words,
    unit: Unit,
    definition: Words,
    sources: Sequence[str],
    rows: Listing,
    **more: Any,
) -> Callable[[Measuring], Measuring]:
    """Register a measure; decorates the function that takes it. See ``Measure`` for what may be said about it."""

    def register(function: Measuring) -> Measuring:
        if key in _measures and _measures[key].value.__module__ != function.__module__:
            raise ValueError(f"Two measures are called {key!r}; a measure is defined once.")
        if more.get("better", "") not in {"", "up", "down"}:
            raise ValueError(f"{key}: better is 'up', 'down' or ''.")
        _measures[key] = Measure(
            key=key, name=name, unit=unit, definition=definition, sources=sources, value=function, rows=rows, **more
        )
        return function

    return register


def every() -> Iterator[Measure]:
    """All measures, in the order in which a page lists them."""
    yield from sorted(_measures.values(), key=lambda one: (one.order, one.key))


def find(key: str) -> Measure | None:
    return _measures.get(key)
