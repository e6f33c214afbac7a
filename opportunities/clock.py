"""Whose turn it was, for how long, and how that stands to the promise (D4). Reads; ``actions.desk`` writes the spans.

The desk's own clock runs only while the desk is the one who is waited for; every pause is a span of its own, and none
is edited later. Elapsed time, from filing to now or to the end, is shown beside it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import lru_cache

import holidays
from django.db.models import F, Q

from advocacy.crm.models import Program, StakeholderTeam
from advocacy.delivery.rendering import zone_of
from opportunities.models import ClockSpan, DeskHours, OpportunityKind, Promise, ReferenceRequest
from opportunities.working_time import Office, Wait, spent, used_up

DESK = ReferenceRequest.WaitingFor.DESK
NOBODY = ReferenceRequest.WaitingFor.NOBODY


@dataclass(frozen=True)
class Times:
    """Time by who was waited for; ``elapsed`` is all of it."""

    by: dict[str, timedelta] = field(default_factory=dict)

    @property
    def elapsed(self) -> timedelta:
        return sum(self.by.values(), timedelta(0))

    @property
    def desk(self) -> timedelta:
        return self.by.get(DESK, timedelta(0))


def times(spans: Iterable[ClockSpan], *, at: datetime) -> Times:
    """Add up the spans of one request; an open one runs until ``at``. Nobody's turn is no time."""
    by: dict[str, timedelta] = {}
    for span in spans:
        if span.waiting_for == NOBODY:
            continue
        length = max(timedelta(0), (span.ended_at or at) - span.began_at)
        by[span.waiting_for] = by.get(span.waiting_for, timedelta(0)) + length
    return Times(by)


# --- Office hours and promises ----------------------------------------------------------------------------------------
def office() -> Office:
    """Where and when the desk works, as the program has set it."""
    hours = DeskHours.current()
    return Office(
        zone_of(Program.current().desk_time_zone),
        opens=hours.opens,
        closes=hours.closes,
        weekdays=frozenset(hours.weekdays),
        is_holiday=_Holidays(hours.country, hours.subdivision, frozenset(hours.days_off)),
    )


@lru_cache(maxsize=64)
def _public_holidays(country: str, subdivision: str, year: int) -> frozenset[date]:
    return frozenset(holidays.country_holidays(country, subdiv=subdivision or None, years=year))


@dataclass(frozen=True)
class _Holidays:
    """Days off: those of a country or its part, and the company's own."""

    country: str
    subdivision: str
    own: frozenset[date]

    def __call__(self, day: date) -> bool:
        if day in self.own:
            return True
        return bool(self.country) and day in _public_holidays(self.country, self.subdivision, day.year)


def promised_hours(team: StakeholderTeam | None, kind: OpportunityKind) -> int | None:
    """Office hours promised to a team for a kind: the most exact promise there is; None where nothing is promised."""
    fitting = Promise.objects.filter(Q(team=team) | Q(team__isnull=True), Q(kind=kind) | Q(kind__isnull=True))
    exact_first = fitting.order_by(F("kind").asc(nulls_last=True), F("team").asc(nulls_last=True))
    return exact_first.values_list("hours", flat=True).first()


@dataclass(frozen=True)
class Standing:
    """How a promise stands: office hours used, and when they will be used up if the desk's turn goes on, or were."""

    used: timedelta
    due_at: datetime | None
    broken_at: datetime | None


def standing(
    spans: Iterable[ClockSpan], *, hours: int | None, broken_at: datetime | None, desk: Office, at: datetime
) -> Standing:
    """Where the promise of a request stands; a promise once broken stays broken from the same moment on."""
    waits = [
        Wait(span.waiting_for == DESK, span.began_at, span.ended_at) for span in sorted(spans, key=lambda s: s.began_at)
    ]
    used = spent(waits, desk, at=at)
    if hours is None or broken_at is not None:
        return Standing(used, None, broken_at)
    moment = used_up(waits, desk, timedelta(hours=hours))
    if moment is not None and moment <= at:
        return Standing(used, None, moment)
    return Standing(used, moment, None)
