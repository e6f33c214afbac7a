"""Office hours and what a promise in them means (D4). Pure functions; moments are aware, lengths are timedeltas.

An office works from ``opens`` to ``closes`` on its own clock, on its weekdays that are no holidays. A promise of so
many hours is used up by time in which the office works and the desk is the one who is waited for; while somebody else
is, nothing of it goes by.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

WEEKDAYS = frozenset(range(5))
"""Monday to Friday, as ``date.weekday`` counts."""
A_DAY = timedelta(days=1)
NOTHING = timedelta()
LONGEST_CLOSED = 366
"""Days in a row without an hour of work after which an office is taken to be closed for good."""


def no_holiday(day: date) -> bool:
    """A calendar without holidays."""
    return False


@dataclass(frozen=True)
class Office:
    """Where work is done, and when."""

    zone: tzinfo
    opens: time = time(9)
    closes: time = time(17)
    weekdays: frozenset[int] = WEEKDAYS
    is_holiday: Callable[[date], bool] = no_holiday

    def works_on(self, day: date) -> bool:
        """Whether anybody is there on this day of the office's calendar."""
        return day.weekday() in self.weekdays and not self.is_holiday(day)

    def hours_of(self, day: date) -> tuple[datetime, datetime] | None:
        """When work begins and ends on a day, in UTC; None on a day off.

        Where the clocks change in between, the day is shorter or longer by that.
        """
        if not self.works_on(day):
            return None
        begins = datetime.combine(day, self.opens, self.zone).astimezone(UTC)
        ends = datetime.combine(day, self.closes, self.zone).astimezone(UTC)
        return (begins, ends) if begins < ends else None

    def _days_from(self, moment: datetime) -> Iterator[tuple[datetime, datetime]]:
        """The hours of each working day from the one a moment lies in; ends where the office never works again."""
        day, closed = moment.astimezone(self.zone).date(), 0
        while closed < LONGEST_CLOSED and day < date.max:
            hours = self.hours_of(day)
            closed = 0 if hours else closed + 1
            if hours:
                yield hours
            day += A_DAY

    def between(self, start: datetime, end: datetime) -> timedelta:
        """How long the office works from one moment to another; nothing when the second is not later."""
        worked = NOTHING
        for begins, ends in self._days_from(start):
            if begins >= end:
                break
            worked += max(min(ends, end) - max(begins, start), NOTHING)
        return worked

    def after(self, moment: datetime, length: timedelta) -> datetime | None:
        """The first moment at which so much has been worked since; None where that never comes.

        No time at all is over at once, also at night.
        """
        left = length
        if left <= NOTHING:
            return moment
        for begins, ends in self._days_from(moment):
            there = max(begins, moment)
            if there < ends:
                if left <= ends - there:
                    return there + left
                left -= ends - there
        return None

    def days_later(self, moment: datetime, days: int) -> datetime:
        """The same hour so many working days later: from Friday noon, two days are Tuesday noon."""
        local = moment.astimezone(self.zone)
        day, left = local.date(), days
        while left > 0:
            day += A_DAY
            left -= self.works_on(day)
        return datetime.combine(day, local.time(), self.zone).astimezone(UTC)


@dataclass(frozen=True)
class Wait:
    """A while in which one party was waited for; ``until`` is None while it lasts."""

    desk: bool
    since: datetime
    until: datetime | None = None


def spent(waits: Sequence[Wait], office: Office, *, at: datetime) -> timedelta:
    """The desk's own time until a moment: office hours in which it was the one who was waited for."""
    return sum(
        (office.between(one.since, min(one.until or at, at)) for one in waits if one.desk and one.since < at), NOTHING
    )


def used_up(waits: Sequence[Wait], office: Office, promise: timedelta) -> datetime | None:
    """When a promise was used up, or will be if the wait that lasts goes on.

    None while the clock stands with time left. ``waits`` are in the order of time and do not overlap.
    """
    left = promise
    for one in waits:
        if not one.desk:
            continue
        if one.until is None:
            return office.after(one.since, left)
        worked = office.between(one.since, one.until)
        if worked >= left:
            return office.after(one.since, left)
        left -= worked
    return None
