"""A lifecycle rule over a million signals: ticks of the clock, and dry runs of a year, of a page and of what waits.

``python -m tests.benchmarks.rules [--signals N] [--runs N] [--keep DATABASE] [--explain]`` fills a database of its own,
runs each once to warm up and then several times, each in a transaction that is rolled back, compares what came of it
with SQL written by hand, prints JSON and drops the database. It leaves with 1 when a median misses its limit or when
what came of it is wrong.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.benchmarks.match import ROOT, _connect, _rows, _run, _with_database

AT = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)
FRESH = 400
"""Signals of the rule's kind that came in within the last hour."""
LIMITS: dict[str, float] = {
    "tick_nothing_new": 200, "tick_fresh": 20_000, "mark_lost": 60_000, "dry_page": 300, "dry_500": 1_000,
    "dry_year": 30_000,
}  # fmt: skip
"""Milliseconds a median may take."""
FILL = """
SET session_replication_role = replica;
INSERT INTO crm_account (id, source, external_id, facts_at, fingerprint, name, domain, industry, currency, region,
    country, language, time_zone, products, use_cases, replaced_competitors, competes_with, owner_approves, readiness,
    readiness_reason)
SELECT i, 'bench', 'A-' || i, now(), '', 'Account ' || i, '', '', 'EUR', 'Region ' || i % 5, 'DE', 'en', '', '{{}}',
    '{{}}', '{{}}', '{{}}', false, 'ready', ''
FROM generate_series(1, {signals} / 10) i;
INSERT INTO crm_contact (id, source, external_id, facts_at, fingerprint, account_id, given_name, family_name, email,
    title, persona, language, country, time_zone, linkedin)
SELECT i, 'bench', 'C-' || i, now(), '', 1 + i % ({signals} / 10), 'C', 'C' || i, 'c' || i || '@customer.test', '',
    (ARRAY['champion', 'admin', 'user'])[1 + i % 3], 'en', '', '', ''
FROM generate_series(1, {signals} / 5) i;
INSERT INTO crm_signal (source, external_id, facts_at, fingerprint, kind, account_id, occurrence, occurred_at,
    received_at)
SELECT 'bench', 'S-' || i, now(), '', (ARRAY['onboarding_closed', 'renewed', 'upgraded', 'contract_signed',
    'bought_services', 'onboarding_kickoff', 'onboarding_checkin', 'feature_adopted', 'adoption_landmark',
    'upsell_won'])[1 + i % 10], 1 + (i::bigint * 6007) % ({signals} / 10), 'S-' || i, moment, moment
FROM generate_series(1, {signals}) i, LATERAL (
    SELECT timestamptz '{at}' - interval '2 hours' - (i::bigint * 7919 % {signals})::float8 / {signals}
        * interval '730 days' AS moment) s;
INSERT INTO crm_signal (source, external_id, facts_at, fingerprint, kind, account_id, occurrence, occurred_at,
    received_at)
SELECT 'bench', 'F-' || i, now(), '', 'onboarding_closed', i, 'F-' || i, timestamptz '{at}' - interval '1 hour',
    timestamptz '{at}' - interval '30 minutes'
FROM generate_series(1, {fresh}) i;
INSERT INTO crm_pause (account_id, cause, key, reason, release, began_at)
SELECT 1 + i * 20, 'by_hand', 'bench', 'A hard quarter', 'by_hand', timestamptz '{at}' - interval '100 days'
FROM generate_series(1, {signals} / 200) i;
SELECT setval(pg_get_serial_sequence('crm_account', 'id'), {signals});
SELECT setval(pg_get_serial_sequence('crm_contact', 'id'), {signals});
RESET session_replication_role;
VACUUM (ANALYZE);
"""
LINES = """
SELECT s.account_id, s.occurred_at,
    (SELECT count(*) FROM crm_contact c WHERE c.account_id = s.account_id AND c.persona IN ('champion', 'admin')),
    EXISTS (SELECT 1 FROM crm_pause p WHERE p.account_id = s.account_id AND p.began_at <= s.occurred_at)
FROM crm_signal s WHERE s.kind = 'onboarding_closed' AND {where} ORDER BY s.occurred_at, s.id LIMIT {most}
"""
"""Each signal of a period: how many can be reached at its account, and whether asks rested there on the day."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--signals", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--keep", metavar="DATABASE", help="use this database, filled earlier, and do not drop it")
    parser.add_argument("--explain", action="store_true", help="also print the plan of the main query")
    given = parser.parse_args()
    base = os.environ["DATABASE_URL"]
    name = given.keep or f"bench_rules_{os.getpid()}"
    with _connect(_with_database(base, "postgres")) as admin:
        known = bool(_rows(admin, "SELECT 1 FROM pg_database WHERE datname = %s", [name]))
        if not known:
            _run(admin, f'CREATE DATABASE "{name}"')
    os.environ["DATABASE_URL"] = url = _with_database(base, name)
    try:
        if not known:
            subprocess.run(
                [sys.executable, "manage.py", "migrate", "--skip-checks", "-v0"], cwd=ROOT, check=True, timeout=600
            )
            with _connect(url) as connection:
                for statement in FILL.format(signals=given.signals, fresh=FRESH, at=AT.isoformat()).split(";\n"):
                    if statement.strip():
                        _run(connection, statement)
        result = _measure(url, given.runs, given.explain)
        sys.stdout.write(json.dumps(result, indent=2) + "\n")
        return 0 if result["ok"] else 1
    finally:
        if not given.keep:
            from django.db import connections

            connections.close_all()
            with _connect(_with_database(base, "postgres")) as admin:
                _run(admin, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def _measure(url: str, runs: int, explain: bool) -> dict[str, Any]:
    import django

    django.setup()
    from django.db import transaction

    from advocacy.crm.models import Program, Signal
    from advocates.actions import lifecycle
    from advocates.models import Firing, InvitationTemplate, LifecycleRule, Watermark

    LifecycleRule.objects.update(enabled=False)
    InvitationTemplate.objects.get_or_create(
        region="", language="en", defaults={"subject": "Join {program}", "body": "Hello", "basis": "Interest"}
    )
    since = AT - 730 * DAY
    rule = LifecycleRule.objects.update_or_create(
        name="Bench: onboarding closed",
        defaults={
            "signal": "onboarding_closed", "effect": "invite", "enabled": True, "enabled_from": since, "delay_days": 0,
            "whom": "champion,admin", "reentry": True,
        },
    )[0]  # fmt: skip
    told: dict[str, Any] = {}

    def timed(name: str, call: Callable[[], Any], expected: Any, *, mark: datetime | None = AT) -> None:
        took, found = [], []
        for number in range(runs + 1):
            with transaction.atomic():
                if mark is not None:
                    for one in ("pauses", lifecycle._mark_of(rule)):
                        Watermark.objects.update_or_create(name=one, defaults={"at": mark})
                began = time.perf_counter()
                found.append(call())
                if number:  # the first one warms up
                    took.append((time.perf_counter() - began) * 1000)
                transaction.set_rollback(True)
        told[name] = {
            "median_ms": round(statistics.median(took), 1), "least_ms": round(min(took), 1),
            "most_ms": round(max(took), 1), "ms_at_most": LIMITS[name], "found": found[0],
            "right": all(one == expected for one in found),
        }  # fmt: skip

    def tick() -> list[int]:
        lifecycle.follow_signals(at=AT)
        return [Firing.objects.count(), Firing.objects.filter(status="done").count()]

    def tried(**how: Any) -> list[int]:
        lines = [one.fires for one in lifecycle.dry_run(rule, at=AT, **how)]
        return [len(lines), sum(lines)]

    with _connect(url) as connection:

        def counted(where: str, most: int | None = None) -> list[int]:
            """How many signals there are, and at how many of them somebody would be invited."""
            rows = _rows(connection, LINES.format(where=where, most=most or "ALL"))
            return [len(rows), _invited(rows, timedelta(days=Program.current().invitation_valid_days))]

        fresh = counted(f"s.occurrence LIKE 'F-%' AND s.account_id <= {lifecycle.AT_ONCE}")
        timed("tick_nothing_new", tick, [0, 0])
        timed("tick_fresh", tick, [FRESH, fresh[1]], mark=AT - timedelta(hours=1))
        everything = counted(f"s.occurred_at >= '{since.isoformat()}'")
        timed("mark_lost", lambda: lifecycle.consider(rule, at=AT), everything[0], mark=None)
        year = {"start": AT - 365 * DAY, "end": AT}
        in_year = f"s.occurred_at >= '{year['start'].isoformat()}' AND s.occurred_at < '{AT.isoformat()}'"
        timed("dry_page", lambda: tried(**year, most=50), counted(in_year, 50))
        timed("dry_500", lambda: tried(**year, most=500), counted(in_year, 500))
        timed("dry_year", lambda: tried(**year), counted(in_year))
        signals = _rows(connection, "SELECT count(*) FROM crm_signal")[0][0]
        if explain:
            rows = Signal.objects.filter(kind=rule.signal, occurred_at__gte=year["start"], occurred_at__lt=AT)
            first = rows.select_related("account").order_by("occurred_at", "pk")[: lifecycle.BATCH]
            sys.stderr.write(f"\n{first.explain(analyze=True, buffers=True)}\n")
    return {
        "name": "rules",
        "machine": {"python": platform.python_version(), "cpus": os.cpu_count(), "system": platform.platform()},
        "signals": signals,
        "rules": told,
        "ok": all(one["right"] and one["median_ms"] <= one["ms_at_most"] for one in told.values()),
    }


def _invited(rows: list[tuple[int, datetime, int, bool]], valid: timedelta) -> int:
    """One person is invited at a time, and again no sooner than an invitation is over; nobody while asks rest."""
    until: dict[int, list[datetime]] = {}
    invited = 0
    for account, moment, people, rests in rows:
        free = until.setdefault(account, [moment] * people)
        place = next((place for place, day in enumerate(free) if day <= moment), None)
        if place is not None and not rests:
            free[place], invited = moment + valid, invited + 1
    return invited


if __name__ == "__main__":
    sys.exit(main())
