"""An edition drafted and queued for a million readers, while the clock counts it and an editor watches how far it is.

``python -m tests.benchmarks.queueing [--readers N] [--keep DATABASE]`` makes a database of its own beside the one in
``DATABASE_URL``, fills it inside Postgres, drafts and queues an edition in one process as the clock does, and asks for
the edition's page (whole, and the progress alone) from a portal under gunicorn all the while. It prints JSON and leaves
with 1 when a figure misses its limit, or when a reader has no message, two, or one at another hour than theirs.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT))

from tests.benchmarks.board import _server  # noqa: E402
from tests.benchmarks.match import DEFAULTS, _connect, _rows, _run, _with_database  # noqa: E402

SECONDS_AT_MOST = 300.0
GROWTH_MB_AT_MOST = 10.0
PAGE_MS_AT_MOST = 100.0
COUNTED_EVERY = 15.0
FILL = """
SET session_replication_role = replica;  -- no triggers, no foreign keys looked up: the rows are right by construction
SET synchronous_commit = off;
INSERT INTO crm_account (source, external_id, facts_at, fingerprint, name, domain, industry, employees, currency,
    region, country, language, time_zone, products, use_cases, replaced_competitors,
    competes_with, owner_approves, readiness, readiness_reason)
SELECT 'bench', 'A-' || i, now(), '', 'Account ' || i, 'a' || i || '.test', 'Food', 900, 'EUR', 'Region ' || i % 4,
    'DE', 'en', 'UTC', '{{}}', '{{}}', '{{}}', '{{}}', false, 'ready', ''
FROM generate_series(1, {accounts}) i;
INSERT INTO crm_contact (source, external_id, facts_at, fingerprint, account_id, given_name, family_name, email, title,
    persona, language, country, time_zone, linkedin)
SELECT 'bench', 'C-' || i, now(), '', 1 + (i::bigint * 7919) % {accounts}, 'Given' || i % 997, 'Family' || i % 1009,
    'c' || i || '@bench.test', 'Head of Planning', 'champion', (ARRAY['en','de','en','fr'])[1 + i % 4], '',
    (ARRAY['Europe/Berlin','America/New_York','Asia/Singapore','America/Sao_Paulo','Australia/Sydney','UTC']
    )[1 + i % 6], ''
FROM generate_series(1, {people}) i;
INSERT INTO advocates_advocate (public_id, contact_id, status, joined_at, type, thanks, expertise, interests, wants,
    never, goals, about, valuable, prefers_private, ruled_out, stage, asks_in_year, created_at)
SELECT gen_random_uuid(), i, CASE WHEN i % 20 = 0 THEN 'left' ELSE 'member' END, now(), '', '', '{{}}', '{{}}', '{{}}',
    '{{}}', '', '', '', false, '{{}}', 2, 0, now()
FROM generate_series(1, {people}) i;
INSERT INTO crm_consententry (contact_id, purpose, given, scope, wording, at, recorded_at, source)
SELECT i, purpose, purpose <> 'newsletter' OR i % 19 <> 0, '', 'I agree.', now(), now(), 'bench'
FROM generate_series(1, {people}) i, unnest(ARRAY['reference_calls', 'newsletter', 'program_mail']) purpose;
INSERT INTO crm_consentstate (contact_id, purpose, given, scope, entry_id)
SELECT contact_id, purpose, given, '', id FROM crm_consententry;
INSERT INTO delivery_suppression (email, kind, reason, at)
SELECT 'C' || i || '@bench.test', 'newsletter', 'unsubscribed', now() + interval '1 minute'
FROM generate_series(1, {people}, 100) i;
RESET session_replication_role;
VACUUM (ANALYZE);
"""
FILLED = ["crm_account", "crm_contact", "advocates_advocate", "crm_consententry", "crm_consentstate",
          "delivery_suppression"]  # fmt: skip


def people_for(readers: int) -> int:
    """So many people that about this many of them are readers: some have left, some want none, some unsubscribed."""
    return int(readers / (0.95 * 18 / 19 * 0.99)) + 100


def is_reader(number: int) -> bool:
    return number % 20 != 0 and number % 19 != 0 and number % 100 != 1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--readers", type=int, default=1_000_000)
    parser.add_argument("--keep", metavar="DATABASE", help="use this database, filled earlier, and do not drop it")
    parser.add_argument("--queue", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.queue:
        return _queue()
    base = os.environ["DATABASE_URL"]
    name = given.keep or f"bench_queueing_{os.getpid()}"
    people = people_for(given.readers)
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
                for (statement,) in _rows(connection, DEFAULTS, [FILLED]):
                    _run(connection, statement)
                for statement in FILL.format(people=people, accounts=max(1, people // 5)).split(";\n"):
                    if statement.strip():
                        _run(connection, statement)
        import django

        django.setup()
        result = _measure(url, sum(map(is_reader, range(1, people + 1))))
        sys.stdout.write(json.dumps(result, indent=2) + "\n")
        return 0 if result["ok"] else 1
    finally:
        if not given.keep:
            from django.db import connections

            connections.close_all()
            with _connect(_with_database(base, "postgres")) as admin:
                _run(admin, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def _queue() -> int:
    """The clock's process: drafts, approves, begins, and queues everybody. A JSON line at each step worth telling."""
    import django

    django.setup()
    import psutil

    from advocacy.users.models import User
    from newsletter.actions import editions as actions

    def tell(**what: Any) -> None:
        sys.stdout.write(json.dumps(what) + "\n")
        sys.stdout.flush()

    process, began, at = psutil.Process(), time.perf_counter(), datetime.now(tz=UTC)
    edition = actions.draft(at.date() - timedelta(days=2), at=at)
    actions.approve(edition, by=User.objects.get(email="mo@bench.test"), at=at)
    edition.refresh_from_db()
    actions.begin(edition, at=at)
    tell(edition=str(edition.public_id), drafted_in_s=time.perf_counter() - began)
    steps = 0
    while actions.queue_some(edition, at=at):
        steps += 1
        if steps % 50 == 0:
            tell(mb=process.memory_info().rss / 2**20, seconds=time.perf_counter() - began)
    tell(mb=process.memory_info().rss / 2**20, seconds=time.perf_counter() - began)
    return 0


def _measure(url: str, readers: int) -> dict[str, Any]:
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.backends.db import SessionStore
    from django.db import connections
    from django.utils import timezone

    from advocacy.crm.models import Program
    from advocacy.delivery import progress
    from advocacy.delivery.models import Batch, Message
    from advocacy.users.models import Role, User
    from newsletter.models import Edition
    from tests.factories import make_kind, make_opportunity, make_user

    Program.current()
    Message.objects.all().delete()
    Edition.objects.all().delete()
    Batch.objects.all().delete()
    editor = User.objects.filter(email="mo@bench.test").first()
    if editor is None:
        editor = make_user("Mo", Role.MODERATOR)
        User.objects.filter(pk=editor.pk).update(email="mo@bench.test")
        kind, now = make_kind("webinar"), timezone.now()
        for number in range(30):
            make_opportunity(f"Opportunity {number}", kind=kind, closes_at=now + timedelta(days=20))
    session = SessionStore()
    session[SESSION_KEY] = str(editor.pk)
    session[BACKEND_SESSION_KEY] = "advocacy.users.backends.SignInBackend"
    session[HASH_SESSION_KEY] = editor.get_session_auth_hash()
    session.create()
    cookie = f"sessionid={session.session_key}"

    over = threading.Event()

    def count() -> None:
        """What the clock does every few seconds."""
        while not over.wait(COUNTED_EVERY):
            progress.count_runs(at=timezone.now())
        connections.close_all()

    took: dict[str, list[float]] = {"progress": [], "page": []}
    wrong: list[str] = []
    with _server(url) as port:
        queueing = subprocess.Popen(
            [sys.executable, "-m", "tests.benchmarks.queueing", "--queue"], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        assert queueing.stdout is not None
        drafted = json.loads(queueing.stdout.readline())
        address = f"/newsletter/edit/{drafted['edition']}/"
        counting = threading.Thread(target=count)
        counting.start()

        def watch() -> None:
            for number in range(1_000_000):
                if over.wait(0.2):
                    break
                what = "page" if number % 5 == 4 else "progress"
                began = time.perf_counter()
                body = _ask(port, address, cookie, fragment=what == "progress")
                if number >= 5:  # warmed up
                    took[what].append((time.perf_counter() - began) * 1000)
                if "progress" not in body:
                    wrong.append(f"the {what} says nothing of how far it is")

        watching = threading.Thread(target=watch)
        watching.start()
        steps = [json.loads(line) for line in queueing.stdout]
        code = queueing.wait()
        over.set()
        watching.join()
        counting.join()
    if code:
        wrong.append(f"the queueing process ended with {code}")
    wrong += _faults(readers)
    growth = steps[-1]["mb"] - steps[0]["mb"]
    seconds = steps[-1]["seconds"]
    pages = {what: _of(times) for what, times in took.items()}
    return {
        "benchmark": "queueing",
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        "sizes": {"readers": readers, "looks_at_the_progress": len(took["progress"])},
        "drafted_in_s": round(drafted["drafted_in_s"], 2),
        "drafted_and_queued_in_s": round(seconds, 1),
        "seconds_at_most": SECONDS_AT_MOST,
        "readers_a_second": round(readers / seconds),
        "memory_mb": {"after_50000": round(steps[0]["mb"], 1), "at_the_end": round(steps[-1]["mb"], 1)},
        "growth_mb_at_most": GROWTH_MB_AT_MOST,
        "ms": pages,
        "page_ms_at_most": PAGE_MS_AT_MOST,
        "wrong": wrong[:5],
        "ok": not wrong
        and seconds <= SECONDS_AT_MOST
        and growth <= GROWTH_MB_AT_MOST
        and all(one["p95"] <= PAGE_MS_AT_MOST for one in pages.values()),
    }


def _of(times: list[float]) -> dict[str, float]:
    cut = statistics.quantiles(times, n=20)
    return {"median": round(statistics.median(times), 1), "p95": round(cut[-1], 1), "most": round(max(times), 1)}


def _ask(port: int, path: str, cookie: str, *, fragment: bool) -> str:
    import socket

    more = "HX-Request: true\r\n" if fragment else ""
    with socket.create_connection(("127.0.0.1", port), 60) as link:
        said = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{more}Cookie: {cookie}\r\nConnection: close\r\n\r\n"
        link.sendall(said.encode())
        parts = []
        while part := link.recv(1 << 16):
            parts.append(part)
    answer = b"".join(parts).decode()
    assert answer.startswith("HTTP/1.1 200"), answer[:200]
    return answer


def _faults(readers: int) -> list[str]:
    """Everybody who reads has one message, nobody else has any, and each is due at nine where its reader is."""
    from django.db import connection

    from newsletter.models import Edition

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*), count(DISTINCT m.contact_id), count(*) FILTER (WHERE c.i % 20 = 0 OR c.i % 19 = 0"
            " OR c.i % 100 = 1), count(*) FILTER (WHERE m.time_zone <> c.time_zone) FROM delivery_message m"
            " JOIN (SELECT id, time_zone, substr(external_id, 3)::int AS i FROM crm_contact) c ON c.id = m.contact_id"
            " WHERE m.kind = 'newsletter'"
        )
        rows, people, strangers, elsewhere = cursor.fetchone()
    wrong = []
    if not rows == people == readers:
        wrong.append(f"{rows} messages for {people} of {readers} readers")
    if strangers or elsewhere:
        wrong.append(f"{strangers} messages to people who want none, {elsewhere} in another zone")
    if (told := Edition.objects.get().readers) != readers:
        wrong.append(f"the edition says it has {told} readers")
    return wrong


if __name__ == "__main__":
    sys.exit(main())
