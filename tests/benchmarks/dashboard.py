"""The dashboards over a large program: 100,000 advocates, 1,000,000 activities, 150,000 asks, 20,000 requests.

``python tests/benchmarks/dashboard.py [--advocates N] [--keep DATABASE] [--explain]`` makes a database of its own
beside the one in ``DATABASE_URL``, fills it inside Postgres, opens the overview and each measure's page as a program
lead, prints JSON and drops it. It leaves with 1 when a page takes longer than its limit or shows other figures than SQL
written by hand.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT))

from tests.benchmarks.match import _connect, _rows, _run, _with_database  # noqa: E402

OVERVIEW_MS_AT_MOST = 300.0
MEASURE_MS_AT_MOST = 300.0

# Three years up to now, more of it lately; the same people are asked more often than others.
FILL = """
SET session_replication_role = replica;  -- no triggers, no foreign keys looked up: the rows are right by construction
SET synchronous_commit = off;
SELECT setseed(0.42);
INSERT INTO crm_account (source, external_id, facts_at, fingerprint, name, domain, industry, employees, currency,
    region, country, language, time_zone, products, use_cases, replaced_competitors,
    competes_with, owner_approves, readiness, readiness_reason)
SELECT 'bench', 'A-' || i, now(), '', 'Account ' || i, '', 'Industry ' || i % 40, 500, 'EUR', 'Region ' || i % 20, 'DE',
    'en', 'UTC', '{{}}', '{{}}', '{{}}', '{{}}', false, 'ready', ''
FROM generate_series(1, {accounts}) i;
INSERT INTO crm_contact (source, external_id, facts_at, fingerprint, account_id, given_name, family_name, email, title,
    persona, language, country, time_zone, linkedin)
SELECT 'bench', 'C-' || i, now(), '', 1 + (i::bigint * 7919) % {accounts}, 'Given' || i % 997, 'Family' || i % 1009,
    'c' || i || '@bench.test', '', 'user', '', '', 'UTC', ''
FROM generate_series(1, {advocates}) i;
INSERT INTO advocates_advocate (public_id, contact_id, status, joined_at, left_at, type, thanks, expertise, interests,
    wants, never, goals, about, valuable, prefers_private, ruled_out, stage, asks_in_year,
    created_at {advocate_columns})
SELECT gen_random_uuid(), i, CASE WHEN i % 10 = 0 THEN 'left' ELSE 'member' END,
    now() - interval '1 month' - random() * interval '3 years',
    CASE WHEN i % 10 = 0 THEN now() - random() * interval '1 month' END, '', '', '{{}}', '{{}}', '{{}}', '{{}}', '', '',
    '', false, '{{}}', 2 + least(4, floor(random() * random() * 6)), 0, now()
    {advocate_values}
FROM generate_series(1, {advocates}) i;
INSERT INTO crm_activity (contact_id, account_id, deed, at, recorded_at, source_type, source_id)
SELECT 1 + floor(random() * {advocates}), NULL,
    (ARRAY['mail_sent','mail_sent','mail_sent','mail_sent','mail_clicked','nominated','offered','claimed','posted',
    'replied','replied','thanked','verified','verified','feedback_given','review_written','talk_given','surveyed',
    'invited','attended'])[1 + floor(random() * 20)],
    now() - random() * random() * interval '3 years', now(), 'bench', i::text
FROM generate_series(1, {activities}) i;
INSERT INTO advocates_ask (channel, source_id, advocate_id, account_id, kind, asked_at, released_at, override_reason)
SELECT (ARRAY['desk','board','survey','newsletter'])[1 + floor(random() * 4)], i::text,
    1 + floor(random() * random() * {advocates}), 1 + floor(random() * {accounts}), '',
    now() - random() * random() * interval '3 years', CASE WHEN random() < .1 THEN now() END, ''
FROM generate_series(1, {asks}) i;
INSERT INTO users_user (password, is_superuser, email, name, title, language, time_zone, is_active, is_staff,
    date_joined)
VALUES ('', false, 'sam@bench.test', 'Sam', '', 'en', 'UTC', true, false, now());
INSERT INTO crm_deal (source, external_id, facts_at, fingerprint, name, prospect, industry, region, country, language,
    product, competitor, kind, stage, outcome, value, currency, opened_on, closed_on)
SELECT 'bench', 'D-' || i, now(), '', 'Deal ' || i, 'Prospect ' || i, 'Industry ' || i % 40, 'Region ' || i % 20, 'DE',
    'en', '', '', 'new', '', o, 1000 + (i % 500) * 100, 'EUR', current_date - 400,
    CASE WHEN o <> 'open' THEN current_date - floor(random() * random() * 1000)::int END
FROM generate_series(1, {deals}) i, LATERAL (SELECT (ARRAY['won','won','lost','open'])[1 + i % 4] o) x;
INSERT INTO opportunities_referencerequest (public_id, requester_id, kind_id, deal_id, wanted, needed_by, prospect,
    prospect_domain, industry, region, country, language, prospect_person, prospect_role, product, use_case, competitor,
    depth, questions, required, status, waiting_for, filed_at, first_yes_at, fulfilled_at, closed_at, close_reason)
SELECT gen_random_uuid(), (SELECT min(id) FROM users_user), (SELECT min(id) FROM opportunities_opportunitykind),
    1 + floor(random() * {deals}), 1, current_date, 'Prospect', '', 'Industry ' || i % 40, 'Region ' || i % 20, 'DE',
    'en', '', '', '', '', '', '', '', '{{}}', s, 'nobody', f, f + random() * interval '3 days',
    CASE WHEN s = 'fulfilled' THEN least(now(), f + random() * interval '12 days') END,
    CASE WHEN s <> 'new' THEN least(now(), f + random() * interval '12 days') END, ''
FROM generate_series(1, {requests}) i,
    LATERAL (SELECT (ARRAY['fulfilled','fulfilled','fulfilled','unfilled','withdrawn','deflected','new'])[1 + i % 7] s,
        now() - random() * random() * interval '3 years' - interval '1 hour' f) x;
INSERT INTO opportunities_opportunity (public_id, kind_id, title, summary, what, gain, effort, is_public, points,
    incentive, audience, regions, industries, topics, is_remote, place, language, request_id, status, opened_at,
    created_at {more_columns})
SELECT gen_random_uuid(), kind_id, 'Call', '', '', '', '', false, 0, '', '{{}}', '{{}}', '{{}}', '{{}}', true, '', '',
    id, 'closed', now(), now() {more_values}
FROM opportunities_referencerequest WHERE status = 'fulfilled';
INSERT INTO opportunities_claim (public_id, opportunity_id, advocate_id, status, answers, claimed_at, sequence,
    verified_at, reason {claim_columns})
SELECT gen_random_uuid(), o.id, 1 + (o.id * 7919) % {advocates}, 'verified', '{{}}', now(), 0, now(), '' {claim_values}
FROM opportunities_opportunity o WHERE o.request_id IS NOT NULL;
INSERT INTO opportunities_nomination (public_id, request_id, advocate_id, status, why, score, asked_at, answer_by,
    answered_at, decline_reason, claim_id {nomination_columns})
SELECT gen_random_uuid(), o.request_id, c.advocate_id, 'accepted', '', '{{}}', now(), now(), now(), '', c.id
    {nomination_values}
FROM opportunities_claim c JOIN opportunities_opportunity o ON o.id = c.opportunity_id;
RESET session_replication_role;
VACUUM (ANALYZE);
"""

BY_HAND = {
    "requests": "SELECT count(*) FROM opportunities_referencerequest"
    " WHERE filed_at >= %(since)s AND filed_at < %(until)s",
    "requests_fulfilled": "SELECT count(*) FROM opportunities_referencerequest WHERE status = 'fulfilled'"
    " AND fulfilled_at >= %(since)s AND fulfilled_at < %(until)s",
    "members": "SELECT count(*) FROM advocates_advocate WHERE joined_at < %(until)s"
    " AND (left_at IS NULL OR left_at >= %(until)s OR left_at < joined_at)",
    "active_share": "SELECT count(DISTINCT a.contact_id)::float / (SELECT count(*) FROM advocates_advocate WHERE"
    " joined_at < %(until)s AND (left_at IS NULL OR left_at >= %(until)s OR left_at < joined_at))"
    " FROM crm_activity a JOIN advocates_advocate v ON v.contact_id = a.contact_id WHERE a.deed IN ('verified',"
    " 'review_written', 'talk_given') AND a.at >= %(since)s AND a.at < %(until)s AND v.joined_at < %(until)s"
    " AND (v.left_at IS NULL OR v.left_at >= %(until)s OR v.left_at < v.joined_at)",
    "influenced_revenue": "SELECT sum(value) FROM (SELECT DISTINCT d.id, d.value FROM crm_deal d"
    " JOIN opportunities_referencerequest r ON r.deal_id = d.id WHERE d.outcome = 'won' AND d.closed_on BETWEEN"
    " %(first)s AND %(last)s AND (r.fulfilled_at AT TIME ZONE 'UTC')::date <= d.closed_on) once",
    "ask_concentration": "SELECT (SELECT sum(n) FROM (SELECT count(*) n FROM advocates_ask WHERE released_at IS NULL"
    " AND asked_at >= %(since)s AND asked_at < %(until)s GROUP BY advocate_id ORDER BY n DESC LIMIT 3) t)::float"
    " / count(*) FROM advocates_ask WHERE released_at IS NULL AND asked_at >= %(since)s AND asked_at < %(until)s",
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--advocates", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--keep", metavar="DATABASE", help="use this database, filled earlier, and do not drop it")
    parser.add_argument("--explain", action="store_true", help="print the plans of the slowest queries of the overview")
    given = parser.parse_args()
    base = os.environ["DATABASE_URL"]
    name = given.keep or f"bench_dashboard_{os.getpid()}"
    with _connect(_with_database(base, "postgres")) as admin:
        known = bool(_rows(admin, "SELECT 1 FROM pg_database WHERE datname = %s", [name]))
        if not known:
            _run(admin, f'CREATE DATABASE "{name}"')
    os.environ["DATABASE_URL"] = url = _with_database(base, name)
    try:
        seconds = 0.0
        if not known:
            subprocess.run(
                [sys.executable, "manage.py", "migrate", "--skip-checks", "-v0"], cwd=ROOT, check=True, timeout=600
            )
            seconds = _fill(url, given.advocates)
        result = _measure(url, given.advocates, given.runs, explain=given.explain)
        result["filled_in_s"] = round(seconds, 1)
        sys.stdout.write(json.dumps(result, indent=2) + "\n")
        return 0 if result["ok"] else 1
    finally:
        if not given.keep:
            from django.db import connections

            connections.close_all()
            with _connect(_with_database(base, "postgres")) as admin:
                _run(admin, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def _sizes(advocates: int) -> dict[str, int]:
    return {
        "advocates": advocates, "accounts": advocates * 2 // 5, "activities": advocates * 10,
        "asks": advocates * 3 // 2, "requests": advocates // 5, "deals": advocates // 5,
    }  # fmt: skip


def _fill(url: str, advocates: int) -> float:
    began = time.perf_counter()
    with _connect(url) as connection:
        values: dict[str, Any] = dict(_sizes(advocates))
        for place, table in (
            ("", "opportunities_opportunity"),
            ("claim_", "opportunities_claim"),
            ("nomination_", "opportunities_nomination"),
            ("advocate_", "advocates_advocate"),
        ):
            columns, given = _required_later(connection, table)
            values[f"{place}columns" if place else "more_columns"] = columns
            values[f"{place}values" if place else "more_values"] = given
        for statement in FILL.format(**values).split(";\n"):
            if statement.strip():
                _run(connection, statement)
    return time.perf_counter() - began


KNOWN = """
public_id kind_id title summary what gain effort is_public points incentive audience regions industries topics is_remote
place language request_id status opened_at created_at opportunity_id advocate_id answers claimed_at sequence verified_at
reason why score asked_at answer_by answered_at decline_reason claim_id id contact_id joined_at left_at type thanks
expertise interests wants never goals about valuable prefers_private ruled_out stage asks_in_year
"""
EMPTY = {
    "boolean": "false",
    "jsonb": "'{}'",
    "ARRAY": "'{}'",
    "uuid": "gen_random_uuid()",
    "timestamp with time zone": "now()",
}


def _required_later(connection: Any, table: str) -> tuple[str, str]:
    """Columns a table demands beyond those named here, with something harmless in them: a new one breaks no fill."""
    found = _rows(
        connection,
        "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = %s AND is_nullable = 'NO'"
        " AND column_default IS NULL AND is_identity = 'NO' AND is_generated = 'NEVER'",
        [table],
    )
    more = [(column, kind) for column, kind in found if column not in KNOWN.split()]
    numbers = ("integer", "bigint", "smallint", "numeric", "double precision")
    values = [EMPTY.get(kind, "0" if kind in numbers else "''") for _column, kind in more]
    return "".join(f", {column}" for column, _kind in more), "".join(f", {value}" for value in values)


def _measure(url: str, advocates: int, runs: int, *, explain: bool) -> dict[str, Any]:
    import django

    django.setup()
    from django.db import connection as db
    from django.test import Client
    from django.test.utils import CaptureQueriesContext
    from django.urls import reverse
    from django.utils import timezone

    from advocacy.dashboards import periods, registry
    from advocacy.dashboards.filters import Filters
    from advocacy.users.actions import set_roles
    from advocacy.users.models import Role, User

    lena = User.objects.filter(email="lena@bench.test").first() or User.objects.create_user("lena@bench.test", "x")
    set_roles(lena, [Role.LEAD])
    client = Client()
    client.force_login(User.objects.get(pk=lena.pk))
    pages = {"overview": reverse("dashboards:overview")}
    pages |= {one.key: reverse("dashboards:measure", args=[one.key]) for one in registry.every()}
    timed: dict[str, Any] = {}
    for key, address in pages.items():
        took = []
        for turn in range(runs + 2):
            began = time.perf_counter()
            answer = client.get(address)
            if turn >= 2:
                took.append((time.perf_counter() - began) * 1000)
            assert answer.status_code == 200, (key, answer.status_code)
        with CaptureQueriesContext(db) as captured:
            answer = client.get(address)
        timed[key] = {
            "median_ms": round(statistics.median(took), 1), "least_ms": round(min(took), 1),
            "most_ms": round(max(took), 1), "queries": len(captured),
            "in_postgres_ms": round(sum(float(one["time"]) for one in captured) * 1000, 1),
        }  # fmt: skip
        if explain:
            for one in sorted(captured, key=lambda one: -float(one["time"]))[:3]:
                sys.stderr.write(f"{key} {one['time']} s: {one['sql'][:600]}\n\n")
    equal = {}
    with _connect(url) as connection:
        period = periods.read({}, timezone.now().date(), "UTC")
        values = {"since": period.since, "until": period.until, "first": period.first, "last": period.last}
        for key, sql in BY_HAND.items():
            by_hand = _rows(connection, sql, values)[0][0]
            equal[key] = (
                abs(float(by_hand) - float(registry.find(key).value(period, Filters()).value)) < 1e-9
                and float(by_hand) > 0
            )
        version = _rows(connection, "SHOW server_version")[0][0]
        rows = {
            table: _rows(connection, "SELECT count(*) FROM " + table)[0][0]  # noqa: S608
            for table in (
                "advocates_advocate",
                "crm_activity",
                "advocates_ask",
                "opportunities_referencerequest",
                "crm_deal",
            )
        }
    slowest = max(one["median_ms"] for key, one in timed.items() if key != "overview")
    return {
        "name": "dashboard",
        "machine": {"python": platform.python_version(), "cpus": os.cpu_count(), "system": platform.platform(),
                    "postgres": version},
        "sizes": {**rows, "runs": runs},
        "pages": timed,
        "overview_ms_at_most": OVERVIEW_MS_AT_MOST,
        "measure_ms_at_most": MEASURE_MS_AT_MOST,
        "equal_figures": equal,
        "ok": all(equal.values()) and timed["overview"]["median_ms"] <= OVERVIEW_MS_AT_MOST
        and slowest <= MEASURE_MS_AT_MOST,
    }  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
