"""Counting the people a cohort describes, among a million advocates: about 1 %, 10 % and 60 % of them.

``python -m tests.benchmarks.segments [--advocates N] [--keep DATABASE] [--explain]`` fills a database of its own as the
benchmark of matching does, with half a million signals besides, counts each segment, by itself and as the page does
while it is being written, compares the number with SQL written by hand, prints JSON and drops the database. It leaves
with 1 when a count takes a second or is wrong.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from typing import Any

from tests.benchmarks.match import AT, FILLED, ROOT, _connect, _fill, _rows, _run, _with_database

MS_AT_MOST = 1000.0
SIGNALS = """
SET session_replication_role = replica;
INSERT INTO crm_signal (source, external_id, facts_at, fingerprint, kind, account_id, occurrence, occurred_at,
    received_at)
SELECT 'bench', 'S-' || i, now(), '', (ARRAY['renewed', 'upgraded', 'nps', 'onboarding_closed'])[1 + i % 4],
    1 + (i::bigint * 6007) % {accounts}, 'S-' || i, timestamptz '{at}' - random() * interval '900 days', now()
FROM generate_series(1, {signals}) i;
RESET session_replication_role;
VACUUM (ANALYZE) crm_signal;
"""
WORKS = (
    "FROM crm_contact c JOIN crm_account k ON k.id = c.account_id LEFT JOIN advocates_advocate a ON a.contact_id = c.id"
)
SEGMENTS: dict[str, tuple[dict[str, Any], str]] = {
    "1 %": (
        {
            "all": [
                {"fact": "account.region", "value": ["region 2"]},
                {"fact": "contact.persona", "value": "champion"},
            ]
        },
        "k.region = 'Region 2' AND c.persona = 'champion'",
    ),
    "10 %": (
        {
            "all": [{"fact": "program.status", "value": "member"}],
            "any": [
                {"fact": "signal.renewed", "value": 180},
                {"fact": "account.replaced", "value": ["Rival 1"]},
            ],
        },
        "a.status = 'member' AND (k.id IN (SELECT account_id FROM crm_signal WHERE kind = 'renewed' AND occurred_at >"
        " timestamptz '2026-03-10 12:00Z' - interval '180 days' AND occurred_at <= '2026-03-10 12:00Z')"
        " OR 'rival 1' = ANY(k.replaced_competitors))",
    ),
    "60 %": (
        {
            "all": [
                {"fact": "program.status", "value": "member"},
                {"fact": "program.consent", "value": "newsletter"},
            ],
            "exclude": [{"fact": "account.region", "value": ["Region 1", "Region 2"]}],
        },
        "a.status = 'member'"
        " AND c.id IN (SELECT contact_id FROM crm_consentstate WHERE purpose = 'newsletter' AND given)"
        " AND k.region NOT IN ('Region 1', 'Region 2')",
    ),
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--advocates", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--keep", metavar="DATABASE", help="use this database, filled earlier, and do not drop it")
    parser.add_argument("--explain", action="store_true", help="also print the plans, to the error output")
    given = parser.parse_args()
    base = os.environ["DATABASE_URL"]
    name = given.keep or f"bench_segments_{os.getpid()}"
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
            FILLED.append("crm_signal")
            _fill(url, given.advocates)
            values = {
                "accounts": max(1, given.advocates * 2 // 5), "signals": given.advocates // 2, "at": AT.isoformat()
            }  # fmt: skip
            with _connect(url) as connection:
                for statement in SIGNALS.format(**values).split(";\n"):
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
    from advocates import segments

    told: dict[str, Any] = {}
    with _connect(url) as connection:
        for word, (definition, by_hand) in SEGMENTS.items():
            segment = segments.Segment.read(definition)
            expected = _rows(
                connection,
                f"SELECT count(*) {WORKS} WHERE c.erased_at IS NULL AND c.left_on IS NULL AND {by_hand}",
            )[0][0]
            if explain:
                sys.stderr.write(f"\n{word}\n{segment.people(at=AT).explain(analyze=True, buffers=True)}\n")
            told[word] = {"people": expected}
            for what, call in (
                ("count", lambda segment=segment: segment.people(at=AT).count()),
                ("page", lambda segment=segment: segment.counts(at=AT).total),
            ):
                found = [call(), call()]
                took = []
                for _number in range(runs):
                    began = time.perf_counter()
                    found.append(call())
                    took.append((time.perf_counter() - began) * 1000)
                told[word][what] = {
                    "median_ms": round(statistics.median(took), 1), "least_ms": round(min(took), 1),
                    "most_ms": round(max(took), 1), "right": set(found) == {expected},
                }  # fmt: skip
    return {
        "name": "segments",
        "machine": {"python": platform.python_version(), "cpus": os.cpu_count(), "system": platform.platform()},
        "segments": told,
        "median_ms_at_most": MS_AT_MOST,
        "ok": all(
            one[what]["right"] and one[what]["median_ms"] <= MS_AT_MOST
            for one in told.values()
            for what in ("count", "page")
        ),
    }


if __name__ == "__main__":
    sys.exit(main())
