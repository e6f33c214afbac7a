"""Whose turn it was, and for how long (D4). Reads only; the spans are written by ``actions.desk``.

The desk's own clock runs only while the desk is the one who is waited for; every pause is a span of its own, and none
is edited later. Elapsed time, from filing to now or to the end, is shown beside it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from opportunities.models import ClockSpan, ReferenceRequest

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
