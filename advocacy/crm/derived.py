"""Signals nobody sends: they follow from subscriptions, use, webinars and renewals, and are worked out daily (P16).

One statement for each kind and no loop over accounts. Each finds every occurrence there has been, whenever its data
came in, and adds those not known yet: a day the clock missed, or use that arrives late, costs nothing. An occurrence is
named by its natural date, so the same one twice is one signal. What is found long after it occurred stays useful to
dry runs but leads to nothing (``came_too_late``): history never fires a rule.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection

from advocacy.crm.catalogue import SIGNAL_KINDS

SOURCE = "derived"
MINUTES_A_MONTH = 30
FED_BY = frozenset({"accounts", "subscriptions", "usage", "signals"})
"""Kinds of imports something can follow from."""
AHEAD = 90
"""Days before its renewal that an account is looked at."""


def late() -> timedelta:
    """How long after an occurrence its data may come in and still lead to something."""
    return timedelta(days=settings.LATE_DATA_DAYS)


def came_too_late(kind: str, *, occurred_at: datetime, received_at: datetime) -> bool:
    """Whether a derived signal was found so late that acting on it would make no sense any more."""
    return SIGNAL_KINDS[kind].derived and received_at > occurred_at + late()


_INTO = """
INSERT INTO crm_signal
    (source, external_id, facts_at, fingerprint, kind, account_id, contact_id, occurrence, occurred_at, received_at)
"""
# What is known already is found by its key. Leaving it out beforehand saves little, and a plan made before the table
# was analyzed can take an hour over it.
_ONCE = " ON CONFLICT (source, external_id) DO NOTHING"

# A month later is the same day of the next month or, where it has none, its last; each is counted from the start, so
# that 31 January leads to 28 February and then to 31 March.
_MONTHS = ", ".join(f"(begun + interval '{month} months')::date AS m{month}" for month in range(1, 7))
_EACH_MONTH = " AND ".join(
    f"sum(u.minutes) FILTER (WHERE u.day >= {first} AND u.day < m{month}) >= %(minutes)s"
    for month, first in enumerate(["begun", "m1", "m2", "m3", "m4", "m5"], start=1)
)

STATEMENTS: dict[str, str] = {
    "six_months_use": f"""
WITH contract AS (
    SELECT account_id, min(started_on) AS begun FROM crm_subscription GROUP BY account_id
), due AS (
    SELECT account_id, begun, {_MONTHS} FROM contract
    WHERE begun + interval '6 months' <= %(today)s
), used AS (
    SELECT u.account_id, due.begun, due.m6
    FROM due JOIN crm_usage u ON u.account_id = due.account_id AND u.day >= due.begun AND u.day < due.m6
    GROUP BY u.account_id, due.begun, due.m1, due.m2, due.m3, due.m4, due.m5, due.m6
    HAVING {_EACH_MONTH}
){_INTO}
SELECT %(source)s, 'six_months_use:' || account_id || ':' || begun, %(at)s, '', 'six_months_use', account_id, NULL,
    'six_months:' || begun, m6::timestamp AT TIME ZONE 'UTC', %(at)s
FROM used{_ONCE}""",  # noqa: S608 - our own words only
    "nine_months": f"""
WITH contract AS (
    SELECT account_id, min(started_on) AS begun FROM crm_subscription GROUP BY account_id
){_INTO}
SELECT %(source)s, 'nine_months:' || account_id || ':' || begun, %(at)s, '', 'nine_months', account_id, NULL,
    'nine_months:' || begun, (begun + interval '9 months') AT TIME ZONE 'UTC', %(at)s
FROM contract WHERE begun + interval '9 months' <= %(today)s
  AND EXISTS (  -- somebody who left before is not nine months in
    SELECT 1 FROM crm_subscription still
    WHERE still.account_id = contract.account_id AND still.started_on <= contract.begun + interval '9 months'
      AND (still.ended_on IS NULL OR still.ended_on >= contract.begun + interval '9 months')
  ){_ONCE}""",  # noqa: S608
    # Webinars are told apart by their occurrence: one that two sources tell of is attended once.
    "two_webinars": f"""
WITH attended AS (
    SELECT DISTINCT ON (contact_id, occurrence) contact_id, occurrence, account_id, occurred_at
    FROM crm_signal
    WHERE kind = 'attended_webinar' AND contact_id IS NOT NULL AND occurred_at <= %(at)s
    ORDER BY contact_id, occurrence, occurred_at, id
), counted AS (
    SELECT *, row_number() OVER (PARTITION BY contact_id ORDER BY occurred_at, occurrence) AS place FROM attended
){_INTO}
SELECT %(source)s, 'two_webinars:' || contact_id, %(at)s, '', 'two_webinars', account_id, contact_id, 'two_webinars',
    occurred_at, %(at)s
FROM counted WHERE place = 2{_ONCE}""",  # noqa: S608
    "renewal_ahead": f"""{_INTO}
SELECT %(source)s, 'renewal_ahead:' || id || ':' || renewal_on, %(at)s, '', 'renewal_ahead', id, NULL,
    'renewal:' || renewal_on, (renewal_on - {AHEAD})::timestamp AT TIME ZONE 'UTC', %(at)s
FROM crm_account WHERE merged_into_id IS NULL AND renewal_on - {AHEAD} <= %(today)s{_ONCE}""",  # noqa: S608
}


def derive(*, at: datetime) -> dict[str, int]:
    """Add every derived signal that has occurred and is not known yet; returns how many of each kind are new."""
    values: dict[str, Any] = {
        "at": at,
        "today": at.astimezone(UTC).date(),
        "source": SOURCE,
        "minutes": MINUTES_A_MONTH,
    }
    new = {}
    for kind, statement in STATEMENTS.items():
        with connection.cursor() as cursor:
            cursor.execute(statement, values)
            new[kind] = cursor.rowcount
    return new
