"""Stretches of time a measure is taken over, and what they are compared with. Both live in the address.

A period is whole days on the desk's calendar; the last may be today, so a month that is still running is compared
with the same part of an earlier one rather than with all of it.
"""

import calendar
import zoneinfo
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db.models import Q
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

CHOICES: Mapping[str, tuple[str | Promise, int]] = {
    "1m": (gettext_lazy("This month"), 1),
    "3m": (gettext_lazy("3 months"), 3),
    "9m": (gettext_lazy("9 months"), 9),
    "12m": (gettext_lazy("12 months"), 12),
}
"""Periods that end today: their name, and how many calendar months they touch."""
DEFAULT = "9m"
COMPARISONS: Mapping[str, str | Promise] = {
    "before": gettext_lazy("the period before"),
    "year": gettext_lazy("the same time last year"),
    "launch": gettext_lazy("before launch"),
    "none": gettext_lazy("nothing"),
}
LONGEST_YEARS = 10
EARLIEST_YEAR = 1990


@dataclass(frozen=True)
class Period:
    """From the first to the last day, both included, on the clock of ``zone``."""

    first: date
    last: date
    key: str = "custom"
    zone: str = "UTC"

    @property
    def tz(self) -> zoneinfo.ZoneInfo:
        return zoneinfo.ZoneInfo(self.zone)

    @property
    def since(self) -> datetime:
        """The instant the period begins."""
        return datetime.combine(self.first, time(), self.tz)

    @property
    def until(self) -> datetime:
        """The first instant after the period."""
        return datetime.combine(self.last + timedelta(days=1), time(), self.tz)

    def holds(self, field: str) -> Q:
        """A condition: this instant lies in the period. ``filter(period.holds("filed_at"))``"""
        return Q(**{f"{field}__gte": self.since, f"{field}__lt": self.until})

    def holds_day(self, field: str) -> Q:
        """The same for a column of days."""
        return Q(**{f"{field}__gte": self.first, f"{field}__lte": self.last})

    @property
    def months(self) -> list[date]:
        """The first days of all months the period touches."""
        found, month = [], self.first.replace(day=1)
        while month <= self.last:
            found.append(month)
            month = _shift(month, 1)
        return found

    @property
    def words(self) -> str:
        """The period as people say it: “March to November 2026”, “3 – 17 May 2026”."""
        begins_month = self.first.day == 1
        ends_month = self.key in CHOICES or (self.last + timedelta(days=1)).day == 1
        if begins_month and ends_month:
            if (self.first.year, self.first.month) == (self.last.year, self.last.month):
                return date_format(self.first, "F Y")
            begin = date_format(self.first, "F" if self.first.year == self.last.year else "F Y")
            return _("%(begin)s to %(end)s") % {"begin": begin, "end": date_format(self.last, "F Y")}
        begin = date_format(self.first, "j M" if self.first.year == self.last.year else "j M Y")
        return _("%(begin)s to %(end)s") % {"begin": begin, "end": date_format(self.last, "j M Y")}

    def moved(self, months: int) -> "Period":
        """The same stretch so many months later (or, negative, earlier)."""
        # A period that ends a month keeps doing so, whatever the length of that month.
        ends_month = (self.last + timedelta(days=1)).day == 1
        last = _shift(self.last.replace(day=1) if ends_month else self.last, months)
        if ends_month:
            last = last.replace(day=calendar.monthrange(last.year, last.month)[1])
        return replace(self, first=_shift(self.first, months), last=last, key="custom")

    def compared(self, how: str, launched_on: date | None = None) -> "Period | None":
        """The earlier period this one is held against, or None."""
        if how == "year":
            return self.moved(-12)
        if how == "launch":
            if launched_on is None or launched_on > self.last:
                return None
            eve = launched_on - timedelta(days=1)
            return replace(self, first=eve - (self.last - self.first), last=eve, key="custom")
        if how != "before":
            return None
        if self.first.day == 1:
            return self.moved(-len(self.months))
        length = self.last - self.first + timedelta(days=1)
        return replace(self, first=self.first - length, last=self.last - length, key="custom")


def _shift(day: date, months: int) -> date:
    """The same day so many months away, or that month's last when it is shorter."""
    years, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(years, month + 1, min(day.day, calendar.monthrange(years, month + 1)[1]))


def last_months(months: int, today: date, *, key: str = "custom", zone: str = "UTC") -> Period:
    """So many calendar months up to today, the present one included."""
    return Period(_shift(today.replace(day=1), 1 - months), today, key, zone)


def quarter(today: date, *, zone: str = "UTC") -> Period:
    """The present calendar quarter, up to today."""
    return Period(date(today.year, today.month - (today.month - 1) % 3, 1), today, "quarter", zone)


def read(query: Mapping[str, Any], today: date, zone: str) -> Period:
    """The period an address asks for; whatever makes no sense gives the usual one."""
    key = query.get("period", "")
    if key == "quarter":
        return quarter(today, zone=zone)
    first, last = _day(query.get("from", "")), _day(query.get("to", ""))
    if first and key not in CHOICES:
        last = last or today
        sensible = first.year >= EARLIEST_YEAR and last.year <= today.year + 1
        if first <= last and sensible and last.year - first.year <= LONGEST_YEARS:
            return Period(first, last, "custom", zone)
    if key not in CHOICES:
        key = DEFAULT
    return last_months(CHOICES[key][1], today, key=key, zone=zone)


def is_backwards(query: Mapping[str, Any]) -> bool:
    """Whether an address asks for a first day after the last, which no period can be."""
    first, last = _day(query.get("from", "")), _day(query.get("to", ""))
    return bool(first and last and first > last) and query.get("period", "") not in (*CHOICES, "quarter")


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
