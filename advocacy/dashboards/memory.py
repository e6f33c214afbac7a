"""What is past is remembered for a while: the figure a period is held against need not be counted at every visit.

Only the headline of a period that is over is kept, and only for comparison; what a page shows of its own period, with
its rows behind it, is always counted anew.
"""

from datetime import datetime, timedelta

from django.core.cache import cache

from advocacy.dashboards.filters import Filters
from advocacy.dashboards.periods import Period
from advocacy.dashboards.registry import Measure, Value

KEPT_FOR = timedelta(minutes=10)


def headline(measure: Measure, period: Period, filters: Filters, *, at: datetime) -> Value:
    """The figure of an earlier period, without its series, parts and details."""
    if period.until > at:
        return measure.value(period, filters)
    key = "|".join(
        (
            "dashboards",
            measure.key,
            period.first.isoformat(),
            period.last.isoformat(),
            period.zone,
            # Texts of the address: told apart by their length, so that no two sets of filters share a key.
            *(f"{len(text)}:{text.encode().hex()}" for text in (filters.region, filters.team, filters.industry)),
        )
    )
    kept = cache.get(key)
    if kept is None:
        found = measure.value(period, filters)
        kept = (found.value, found.numerator, found.denominator, found.n)
        cache.set(key, kept, KEPT_FOR.total_seconds())
    value, numerator, denominator, n = kept
    return Value(value, numerator, denominator, n=n)
