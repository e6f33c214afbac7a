"""What measures ask of Postgres: medians and percentiles, working time, sums by month."""

import zoneinfo
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db.models import Aggregate, Count, Expression, F, FloatField, Func, QuerySet
from django.db.models.functions import TruncMonth

from advocacy.dashboards.periods import Period
from advocacy.dashboards.registry import Month


class Percentile(Aggregate):
    """The value below which this share of all values lies, between two neighbours in proportion."""

    function = "PERCENTILE_CONT"
    template = "%(function)s(%(share)s) WITHIN GROUP (ORDER BY %(expressions)s)"
    output_field = FloatField()

    def __init__(self, expression: Any, share: float, **more: Any) -> None:
        if not 0 <= share <= 1:
            raise ValueError("A percentile is a share of one: 0.9 for the 90th.")
        super().__init__(expression, share=repr(float(share)), **more)


class Percentiles(Aggregate):
    """Several percentiles of one sorting: ``Percentiles("hours", 0.5, 0.9)`` gives a list."""

    function = "PERCENTILE_CONT"
    template = "%(function)s(ARRAY[%(shares)s]) WITHIN GROUP (ORDER BY %(expressions)s)"
    output_field = ArrayField(FloatField())

    def __init__(self, expression: Any, *shares: float, **more: Any) -> None:
        if not all(0 <= share <= 1 for share in shares):
            raise ValueError("A percentile is a share of one: 0.9 for the 90th.")
        # Taken apart by hand: Django makes a Percentiles anew from expressions and the keyword alone.
        more.setdefault("shares", ", ".join(repr(float(share)) for share in shares))
        super().__init__(expression, **more)


def median(expression: Any, **more: Any) -> Percentile:
    """The middle value; half of all are smaller."""
    return Percentile(expression, 0.5, **more)


class HoursBetween(Func):
    """Elapsed hours of the wall clock between two instants."""

    arity = 2
    template = "(date_part('epoch', %(expressions)s) / 3600)"
    arg_joiner = " - "
    output_field = FloatField()

    def __init__(self, begin: Any, end: Any) -> None:
        super().__init__(end, begin)


class _WorkingDay(Func):
    """Working days from a fixed Monday to an instant: five a week, Saturday and Sunday stand still."""

    # ``date_part`` of a time without zone counts seconds on the local clock, which is what a working day is measured
    # by. Day 0 of the epoch was a Thursday, so three days earlier a week began. Each part is written out: a subquery
    # for the repeated ones would cost twice as much.
    _SECONDS = "(date_part('epoch', %(expressions)s AT TIME ZONE '%(zone)s') + 259200)"
    _WEEKS = f"floor({_SECONDS} / 604800)"
    template = f"({_WEEKS} * 5 + least({_SECONDS} / 86400 - {_WEEKS} * 7, 5))"
    output_field = FloatField()


def working_days(begin: Any, end: Any, zone: str) -> Expression:
    """Days of 24 hours between two instants (names of columns) on the clock of ``zone``, weekends left out."""
    zoneinfo.ZoneInfo(zone)  # goes into the statement as text, so it must be the name of a zone
    return _WorkingDay(_as_f(end), zone=zone) - _WorkingDay(_as_f(begin), zone=zone)


def _as_f(value: Any) -> Any:
    return F(value) if isinstance(value, str) else value


def by_month(
    queryset: "QuerySet[Any]",
    moment: str,
    period: Period,
    value: Any = None,
    *,
    empty: Any = 0,
    cases: Any = None,
) -> list[Month]:
    """A figure for each month of the period: ``by_month(rows, "filed_at", period)`` counts rows.

    ``value`` is an aggregate; ``empty`` is what a month without rows has (None for a median, 0 for a count).
    ``moment`` may be a column of instants (taken on the desk's clock) or of days.
    """
    held: Any = queryset.query.annotations.get(moment) or queryset.model._meta.get_field(moment)
    is_day = getattr(held, "output_field", held).get_internal_type() == "DateField"
    month = TruncMonth(moment) if is_day else TruncMonth(moment, tzinfo=period.tz)
    # order_by() takes away an ordering of the model, which would split the groups.
    found = queryset.order_by().annotate(_month=month).values("_month")
    counted = found.annotate(_n=cases or Count("pk"), **({} if value is None else {"_value": value}))
    rows: Mapping[date, Any] = {_day(row["_month"]): row for row in counted}
    series = []
    for first in period.months:
        row = rows.get(first)
        if row is None:
            series.append(Month(first, empty, 0))
        else:
            series.append(Month(first, row["_n"] if value is None else row["_value"], row["_n"]))
    return series


def _day(moment: date | datetime) -> date:
    return moment.date() if isinstance(moment, datetime) else moment


__all__ = ["HoursBetween", "Percentile", "Percentiles", "by_month", "median", "working_days"]
