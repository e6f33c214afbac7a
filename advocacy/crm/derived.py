"""Signals nobody sends: they follow from subscriptions, use, webinars and renewals, and are worked out daily (P16).

One statement for each kind and no loop over accounts. Each finds every occurrence there has been, whenever its data
came in, and adds those not known yet: a day the clock missed, or use that arrives late, costs nothing. An occurrence is
named by its natural date, so the same one twice is one signal. What is found long after it occurred stays useful to
dry runs but leads to nothing (``came_too_late``): history never fires a rule.

What no longer follows, because use was corrected, a contract's start was moved or accounts were merged, is withdrawn.
Where something was done on its strength it stays on record, marked (``untrue_since``).
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, models, transaction

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
)
SELECT 'six_months_use:' || account_id || ':' || begun AS external_id, account_id, NULL::bigint AS contact_id,
    'six_months:' || begun AS occurrence, m6::timestamp AT TIME ZONE 'UTC' AS occurred_at
FROM used""",  # noqa: S608 - our own words only
    "nine_months": """
WITH contract AS (
    SELECT account_id, min(started_on) AS begun FROM crm_subscription GROUP BY account_id
)
SELECT 'nine_months:' || account_id || ':' || begun AS external_id, account_id, NULL::bigint AS contact_id,
    'nine_months:' || begun AS occurrence, (begun + interval '9 months') AT TIME ZONE 'UTC' AS occurred_at
FROM contract WHERE begun + interval '9 months' <= %(today)s
  AND EXISTS (  -- somebody who left before is not nine months in
    SELECT 1 FROM crm_subscription still
    WHERE still.account_id = contract.account_id AND still.started_on <= contract.begun + interval '9 months'
      AND (still.ended_on IS NULL OR still.ended_on >= contract.begun + interval '9 months')
  )""",
    # Webinars are told apart by their occurrence: one that two sources tell of is attended once.
    "two_webinars": """
WITH attended AS (
    SELECT DISTINCT ON (contact_id, occurrence) contact_id, occurrence, account_id, occurred_at
    FROM crm_signal
    WHERE kind = 'attended_webinar' AND contact_id IS NOT NULL AND occurred_at <= %(at)s
    ORDER BY contact_id, occurrence, occurred_at, id
), counted AS (
    SELECT *, row_number() OVER (PARTITION BY contact_id ORDER BY occurred_at, occurrence) AS place FROM attended
)
SELECT 'two_webinars:' || contact_id AS external_id, account_id, contact_id, 'two_webinars' AS occurrence, occurred_at
FROM counted WHERE place = 2""",
    "renewal_ahead": f"""
SELECT 'renewal_ahead:' || id || ':' || renewal_on AS external_id, id AS account_id, NULL::bigint AS contact_id,
    'renewal:' || renewal_on AS occurrence, (renewal_on - {AHEAD})::timestamp AT TIME ZONE 'UTC' AS occurred_at
FROM crm_account WHERE merged_into_id IS NULL AND renewal_on - {AHEAD} <= %(today)s""",  # noqa: S608
}

# Only names of renewals read as a day, and a plan may look at others first.
_RENEWS = "(CASE WHEN s.kind = 'renewal_ahead' THEN substring(s.occurrence from 9)::date END)"
HALF_A_YEAR = 180

STANDS: dict[str, str] = {
    # A renewal whose day is over, or that took place early, was ahead. A day moved by more than half a year is that of
    # the next renewal.
    "renewal_ahead": f"""(
        {_RENEWS} <= %(today)s
        OR EXISTS (SELECT 1 FROM crm_signal r
            WHERE r.account_id = s.account_id AND r.kind = 'renewed' AND r.occurred_at > s.occurred_at)
        OR EXISTS (SELECT 1 FROM crm_account a WHERE a.id = s.account_id AND a.renewal_on > {_RENEWS} + {HALF_A_YEAR})
    )""",  # noqa: S608
}
"""When a signal (``s``) that no longer follows from today's data was true all the same."""

_relied_on: list[tuple[str, str]] = []


def relied_on_by(model: type[models.Model], name: str) -> None:
    """Rows of this model say by this reference that something was done on the strength of a signal."""
    field = model._meta.get_field(name)
    assert isinstance(field, models.ForeignKey)
    _relied_on.append((model._meta.db_table, field.column))


def derive(*, at: datetime) -> dict[str, int]:
    """Add every derived signal that has occurred and is not known yet, and withdraw what no longer follows.

    Returns how many of each kind are new.
    """
    values: dict[str, Any] = {
        "at": at,
        "today": at.astimezone(UTC).date(),
        "source": SOURCE,
        "minutes": MINUTES_A_MONTH,
    }
    return {kind: _derive(kind, statement, values | {"kind": kind}) for kind, statement in STATEMENTS.items()}


@transaction.atomic
def _derive(kind: str, statement: str, values: dict[str, Any]) -> int:
    relied = " OR ".join(
        f"EXISTS (SELECT 1 FROM {table} r WHERE r.{column} = s.id)"  # noqa: S608 - our own words only
        for table, column in _relied_on
    )  # fmt: skip
    theirs = "s.source = %(source)s AND s.kind = %(kind)s AND s.occurred_at <= %(at)s"
    known = "EXISTS (SELECT 1 FROM pg_temp.follows f WHERE f.external_id = s.external_id)"
    # An account that went into another brings its signals along, under the names they had.
    same = (
        "EXISTS (SELECT 1 FROM pg_temp.follows f WHERE f.account_id = s.account_id AND f.occurrence = s.occurrence"
        " AND f.contact_id IS NOT DISTINCT FROM s.contact_id)"
    )
    stands = STANDS.get(kind, "false")
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TEMPORARY TABLE follows AS {statement}", values)
        cursor.execute("ANALYZE pg_temp.follows")
        # What is known already is found by its key. Leaving it out beforehand saves little, and a plan made before the
        # table was analyzed can take an hour over it.
        cursor.execute(
            "INSERT INTO crm_signal (source, external_id, facts_at, fingerprint, kind, account_id, contact_id,"
            " occurrence, occurred_at, received_at)"
            " SELECT %(source)s, external_id, %(at)s, '', %(kind)s, account_id, contact_id, occurrence, occurred_at,"
            " %(at)s FROM pg_temp.follows ON CONFLICT (source, external_id) DO NOTHING",
            values,
        )
        new = cursor.rowcount
        cursor.execute(
            f"DELETE FROM crm_signal s WHERE {theirs} AND NOT {known} AND NOT {stands} AND NOT ({relied or 'false'})",  # noqa: S608
            values,
        )
        cursor.execute(
            f"UPDATE crm_signal s SET untrue_since = %(at)s WHERE {theirs} AND untrue_since IS NULL"  # noqa: S608
            f" AND NOT {known} AND NOT {same} AND NOT {stands}",
            values,
        )
        cursor.execute(
            f"UPDATE crm_signal s SET untrue_since = NULL WHERE {theirs} AND untrue_since IS NOT NULL"  # noqa: S608
            f" AND ({known} OR {same} OR {stands})",
            values,
        )
        cursor.execute("DROP TABLE pg_temp.follows")
    return new
