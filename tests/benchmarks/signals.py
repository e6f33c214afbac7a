"""Working out the derived signals of 100,000 accounts with 2.4 million rows of use, from nothing and once more.

``python -m tests.benchmarks.signals [--accounts N] [--keep DATABASE]`` fills a database of its own, derives, compares
the accounts with six months of use with SQL written month by month, prints JSON and drops the database. It leaves with
1 when a run takes a minute, when the second one finds something new, or when the number is wrong.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from datetime import UTC, datetime
from typing import Any

from tests.benchmarks.match import ROOT, _connect, _rows, _run, _with_database

SECONDS_AT_MOST = 60.0
AT = datetime(2026, 3, 10, 4, 0, tzinfo=UTC)
FILL = """
SET session_replication_role = replica;
INSERT INTO crm_account (id, source, external_id, facts_at, fingerprint, name, domain, industry, currency, region,
    country, language, time_zone, products, use_cases, replaced_competitors, competes_with, renewal_on, owner_approves,
    readiness, readiness_reason)
SELECT i, 'bench', 'A-' || i, now(), '', 'Account ' || i, '', '', 'EUR', '', '', '', '', '{{}}', '{{}}', '{{}}', '{{}}',
    date '2026-01-01' + (i % 400)::int, false, 'ready', ''
FROM generate_series(1, {accounts}) i;
INSERT INTO crm_subscription (source, external_id, facts_at, fingerprint, account_id, product, started_on, currency,
    is_trial)
SELECT 'bench', 'S-' || i, now(), '', 1 + i % {accounts}, '', date '2024-01-31' + ((i * 37) % 800)::int, 'EUR', false
FROM generate_series(1, {accounts} * 3 / 2) i;
INSERT INTO crm_usage (source, external_id, facts_at, fingerprint, account_id, feature, day, minutes)
SELECT 'bench', 'U-' || i, now(), '', a.account_id, 'feature ' || i % 5, a.begun + (i / {accounts} * 8)::int,
    5 + (i::bigint * 7919) % 40
FROM generate_series(0, {accounts} * 24 - 1) i
JOIN (SELECT account_id, min(started_on) AS begun FROM crm_subscription GROUP BY account_id) a
  ON a.account_id = 1 + i % {accounts};
INSERT INTO crm_contact (id, source, external_id, facts_at, fingerprint, account_id, given_name, family_name, email,
    title, persona, language, country, time_zone, linkedin)
SELECT i, 'bench', 'C-' || i, now(), '', i, 'C', 'C', '', '', 'user', '', '', '', ''
FROM generate_series(1, {accounts}) i;
INSERT INTO crm_signal (source, external_id, facts_at, fingerprint, kind, account_id, contact_id, occurrence,
    occurred_at, received_at)
SELECT 'bench', 'W-' || i, now(), '', 'attended_webinar', 1 + (i * 7) % {accounts}, 1 + (i * 7) % {accounts},
    'webinar ' || i % 51, timestamptz '2026-03-01' - random() * interval '700 days', now()
FROM generate_series(1, {accounts} * 2) i;
RESET session_replication_role;
VACUUM (ANALYZE) crm_account;
VACUUM (ANALYZE) crm_subscription;
VACUUM (ANALYZE) crm_usage;
VACUUM (ANALYZE) crm_signal;
"""
BY_HAND = """
SELECT count(*) FROM (SELECT account_id, min(started_on) AS begun FROM crm_subscription GROUP BY account_id) c
WHERE c.begun + interval '6 months' <= date '2026-03-10' AND NOT EXISTS (
    SELECT 1 FROM generate_series(0, 5) month
    WHERE coalesce((
        SELECT sum(minutes) FROM crm_usage u WHERE u.account_id = c.account_id
        AND u.day >= c.begun + make_interval(months => month) AND u.day < c.begun + make_interval(months => month + 1)
    ), 0) < 30)
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--accounts", type=int, default=100_000)
    parser.add_argument("--keep", metavar="DATABASE", help="use this database, and do not drop it")
    given = parser.parse_args()
    base = os.environ["DATABASE_URL"]
    name = given.keep or f"bench_signals_{os.getpid()}"
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
                for statement in FILL.format(accounts=given.accounts).split(";\n"):
                    if statement.strip():
                        _run(connection, statement)
        result = _measure(url)
        sys.stdout.write(json.dumps(result, indent=2) + "\n")
        return 0 if result["ok"] else 1
    finally:
        if not given.keep:
            from django.db import connections

            connections.close_all()
            with _connect(_with_database(base, "postgres")) as admin:
                _run(admin, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def _measure(url: str) -> dict[str, Any]:
    import django

    django.setup()
    from advocacy.crm import derived

    with _connect(url) as connection:
        rows = {
            table: _rows(connection, f"SELECT count(*) FROM crm_{table}")[0][0]  # noqa: S608
            for table in ("account", "subscription", "usage", "signal")
        }
        _run(connection, "DELETE FROM crm_signal WHERE source = 'derived'")
        took, found = [], []
        for _each in range(2):
            began = time.perf_counter()
            found.append(derived.derive(at=AT))
            took.append(round(time.perf_counter() - began, 2))
        expected = _rows(connection, BY_HAND)[0][0]
    right = found[0]["six_months_use"] == expected and not any(found[1].values())
    return {
        "name": "signals",
        "machine": {"python": platform.python_version(), "cpus": os.cpu_count(), "system": platform.platform()},
        "rows": rows,
        "found": found[0],
        "first_seconds": took[0],
        "again_seconds": took[1],
        "right": right,
        "seconds_at_most": SECONDS_AT_MOST,
        "ok": right and max(took) <= SECONDS_AT_MOST,
    }


if __name__ == "__main__":
    sys.exit(main())
