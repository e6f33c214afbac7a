"""When editions go: pure calendar. The slot is a day; the hour is on each reader's own clock."""

import calendar
import zoneinfo
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta

EARLIEST = zoneinfo.ZoneInfo("Pacific/Kiritimati")  # UTC+14: where a day begins first
LATEST = zoneinfo.ZoneInfo("Etc/GMT+12")  # UTC-12: where it ends last


def slots_of_month(year: int, month: int, *, weekday: int, weeks: Iterable[int]) -> list[date]:
    """The days of a month that are its first, third … of a weekday (Monday is 0); a fifth that is not there is none."""
    last = calendar.monthrange(year, month)[1]
    days = [date(year, month, day) for day in range(1, last + 1) if date(year, month, day).weekday() == weekday]
    return [days[week - 1] for week in sorted(set(weeks)) if 1 <= week <= len(days)]


def slots_between(first: date, last: date, *, weekday: int, weeks: Sequence[int]) -> Iterator[date]:
    """All slots from ``first`` to ``last``, both included, in order."""
    year, month = first.year, first.month
    while date(year, month, 1) <= last:
        for day in slots_of_month(year, month, weekday=weekday, weeks=weeks):
            if first <= day <= last:
                yield day
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)


def due_at(slot: date, hour: int, zone: zoneinfo.ZoneInfo) -> datetime:
    """The instant of this hour on this day where the reader is.

    An hour that the night of daylight saving skips is the moment the clocks jump to; one that comes twice is the first.
    """
    # zoneinfo's default fold does both: the first of two, and before the gap's offset, which is the jump itself.
    return datetime.combine(slot, time(hour), tzinfo=zone).astimezone(UTC)


def opens_at(slot: date, hour: int) -> datetime:
    """When the first reader on earth may be due; messages are queued an hour before."""
    return due_at(slot, hour, EARLIEST) - timedelta(hours=1)


def ends_at(slot: date) -> datetime:
    """When the day of the slot has ended everywhere: not approved by then, it has missed its slot."""
    return due_at(slot + timedelta(days=1), 0, LATEST)
