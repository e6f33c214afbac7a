"""Working days of an office, on its own clock. Pure functions."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo

SATURDAY = 5
A_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Office:
    """Where work is done."""

    zone: tzinfo

    def works_on(self, day: date) -> bool:
        return day.weekday() < SATURDAY

    def days_later(self, moment: datetime, days: int) -> datetime:
        """The same hour so many working days later: from Friday noon, two days are Tuesday noon."""
        local = moment.astimezone(self.zone)
        day, left = local.date(), days
        while left > 0:
            day += A_DAY
            left -= self.works_on(day)
        return datetime.combine(day, local.time(), self.zone).astimezone(UTC)
