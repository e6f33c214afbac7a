"""Working time of an office: which days it works, and how much of its hours lies between two moments. Pure functions.

All is counted on the office's own clock, so that a day with 23 or 25 hours has as many working hours as any other.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache

import holidays

WEEK = (0, 1, 2, 3, 4)
A_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Office:
    """Where and when work is done; without a country there are no holidays."""

    zone: tzinfo
    country: str = ""
    opens: time = time(9)
    closes: time = time(17)

    def works_on(self, day: date) -> bool:
        return day.weekday() in WEEK and day not in holidays_of(self.country, day.year)

    def days_later(self, moment: datetime, days: int) -> datetime:
        """The same hour so many working days later: from Friday noon, two days are Tuesday noon."""
        local = moment.astimezone(self.zone)
        day, left = local.date(), days
        while left > 0:
            day += A_DAY
            left -= self.works_on(day)
        return datetime.combine(day, local.time(), self.zone).astimezone(UTC)

    def worked(self, start: datetime, end: datetime) -> timedelta:
        """How much of the office's hours lies between two moments."""
        return sum((till - since for since, till in self._hours(start, end)), timedelta(0))

    def _hours(self, start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
        day, last = start.astimezone(self.zone).date(), end.astimezone(self.zone).date()
        while day <= last:
            if self.works_on(day):
                since, till = (datetime.combine(day, at, self.zone).astimezone(UTC) for at in (self.opens, self.closes))
                since, till = max(since, start), min(till, end)
                if since < till:
                    yield since, till
            day += A_DAY


@lru_cache(maxsize=256)
def holidays_of(country: str, year: int) -> frozenset[date]:
    """The public holidays of a country in a year; a country nobody knows has none."""
    if not country:
        return frozenset()
    try:
        return frozenset(holidays.country_holidays(country.upper(), years=year))
    except NotImplementedError:
        return frozenset()
