"""The board over 10,000 open opportunities against a page of one query, through gunicorn with one sync worker.

``python -m tests.benchmarks.board [--opportunities N] [--runs N] [--keep DATABASE] [--explain]`` makes a database of
its own beside the one in ``DATABASE_URL``, fills it, measures requests a second of both pages in turn, prints JSON and
drops it. It leaves with 1 when the ratio or the number of queries misses its limit, or when a page shows the wrong
cards.
"""

import argparse
import contextlib
import json
import os
import platform
import re
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT))

from tests.benchmarks.match import _connect, _rows, _run, _with_database  # noqa: E402

RATIO_AT_LEAST = 0.065
QUERIES_AT_MOST = 8
BOARD = "/opportunities/?where=anywhere&privacy=private"  # two filters
ONE_QUERY = "/one-query/"
PAGE = 20
SECONDS_A_RUN = 4.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--opportunities", type=int, default=10_000)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--keep", metavar="DATABASE", help="use this database, filled earlier, and do not drop it")
    parser.add_argument("--explain", action="store_true", help="print the queries of the page and the slowest's plan")
    given = parser.parse_args()
    base = os.environ["DATABASE_URL"]
    name = given.keep or f"bench_board_{os.getpid()}"
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
        import django

        django.setup()
        if not known:
            _fill(url, given.opportunities)
        result = _measure(url, given.opportunities, given.runs, explain=given.explain)
        sys.stdout.write(json.dumps(result, indent=2) + "\n")
        return 0 if result["ok"] else 1
    finally:
        if not given.keep:
            from django.db import connections

            connections.close_all()
            with _connect(_with_database(base, "postgres")) as admin:
                _run(admin, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def _fill(url: str, count: int) -> None:
    """A board of every kind, with seats, closing times, audiences and claims of others; and one advocate who looks."""
    from opportunities.models import Claim, Opportunity, OpportunityKind
    from tests.factories import make_account, make_advocate

    now = datetime.now(tz=UTC)
    kinds = list(OpportunityKind.objects.all())
    topics = ["cold chain", "stock-outs", "replenishment", "forecast", "waste", "alerts", "rollout", "month-end"]
    regions, industries = ["Europe", "Asia", "Africa", "America"], ["Food", "Steel", "Retail", "Energy", "Health"]
    audiences: list[dict[str, list[str]]] = [
        {}, {}, {}, {}, {}, {}, {"all": ["region:Europe"]}, {"any": ["industry:food", "industry:steel"]},
        {"exclude": ["persona:user"]}, {"all": ["region:Asia"]},
    ]  # fmt: skip
    Opportunity.objects.bulk_create(
        [
            Opportunity(
                kind=kinds[number % len(kinds)], title=f"Opportunity {number:05}",
                summary=f"In a sentence: number {number} of many, about {topics[number % 8]}.",
                what="What is asked, at some length. " * 12, gain="What they get from it. " * 6,
                minutes=(number % 9 + 1) * 10, is_public=number % 3 == 0, points=number % 5 * 40,
                incentive="A ticket" if number % 11 == 0 else "", seats=number % 4 or None,
                closes_at=now + timedelta(days=number % 60 + 1) if number % 2 else None,
                audience=audiences[number % 10], regions=[regions[number % 4]] if number % 3 else [],
                industries=[industries[number % 5]] if number % 5 else [], topics=[topics[number % 8]],
                is_remote=number % 6 != 0, place="" if number % 6 else "Porto", language="",
                status=Opportunity.Status.OPEN, opened_at=now - timedelta(hours=number % 2000), created_at=now,
            )
            for number in range(count)
        ],
        batch_size=1000,
    )  # fmt: skip
    account = make_account("Brightwater", region="Europe", industry="Food")
    others = [make_advocate(f"Other{number}", account, user=False, consents=()) for number in range(20)]
    ids = list(Opportunity.objects.order_by("pk").values_list("pk", flat=True))
    Claim.objects.bulk_create(
        [
            Claim(
                opportunity_id=pk,
                advocate=others[number % 20],
                claimed_at=now,
                status="claimed" if number % 3 else "verified",
                verified_at=None if number % 3 else now,
            )
            for place, pk in enumerate(ids)
            for number in range(place % 3)
        ],
        batch_size=2000,
    )  # fmt: skip
    ines = make_advocate(
        "Ines", make_account("Harbor", region="Europe", industry="Food"), wants=["mentoring", "webinar"],
        expertise=["cold chain", "rollout"], never=["survey"],
    )  # fmt: skip
    Claim.objects.bulk_create(
        [Claim(opportunity_id=pk, advocate=ines, claimed_at=now) for pk in ids[7:700:70]], batch_size=500
    )
    with _connect(url) as connection:
        _run(connection, "VACUUM (ANALYZE)")


def _measure(url: str, count: int, runs: int, *, explain: bool) -> dict[str, Any]:
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.backends.db import SessionStore
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext, override_settings

    from advocates.models import Advocate
    from opportunities import board as rules
    from opportunities.eligibility import who
    from opportunities.models import BoardVisit

    ines = Advocate.objects.select_related("user").get(contact__given_name="Ines")
    assert ines.user is not None
    # In the midst of a visit, with something new since the last one: the page then costs the most it ever does.
    now = datetime.now(tz=UTC)
    BoardVisit.objects.update_or_create(advocate=ines, defaults={"since": now - timedelta(days=2), "seen_at": now})
    client = Client()
    client.force_login(ines.user)
    with override_settings(ALLOWED_HOSTS=["*"]):
        client.get(BOARD)
        with CaptureQueriesContext(connection) as captured:
            answer = client.get(BOARD)
    assert answer.status_code == 200
    queries = len(captured)
    if explain:
        _explain(captured.captured_queries)

    session = SessionStore()
    session[SESSION_KEY] = str(ines.user.pk)
    session[BACKEND_SESSION_KEY] = "advocacy.users.backends.SignInBackend"
    session[HASH_SESSION_KEY] = ines.user.get_session_auth_hash()
    session.create()
    cookie = f"sessionid={session.session_key}"

    # What must stand on the page, worked out by hand from the rules: eligible, filtered, in order.
    person = who(ines, at=now)
    day = person.day(now)
    rows = rules.in_order(rules.open_for(person, at=now), person, "", day=day)
    right = [
        row.title for row in rows.select_related("kind").defer("search") if row.is_remote and not row.is_public
    ]  # fmt: skip
    eligible = len(right)
    with _server(url) as port:
        took: dict[str, list[float]] = {"board": [], "one_query": []}
        for path in (BOARD, ONE_QUERY):
            for _warm in range(5):
                _get(port, path, cookie)
        page = _get(port, BOARD, cookie)
        first = re.findall(r"<h3><a [^>]*>([^<]+)</a></h3>", page)
        same = first == right[:PAGE] and "Show more" in page and "new since your last visit" in page
        one = _get(port, ONE_QUERY, cookie)
        same = same and one.endswith("Opportunity 00000")
        for _number in range(runs):
            took["one_query"].append(_requests_a_second(port, ONE_QUERY, cookie, lambda body: "Opportunity" in body))
            took["board"].append(_requests_a_second(port, BOARD, cookie, lambda body: body.count("<h3>") == PAGE))
    ratios = [board / other for board, other in zip(took["board"], took["one_query"], strict=True)]
    ratio = statistics.median(ratios)
    with _connect(url) as admin:
        version = _rows(admin, "SHOW server_version")[0][0]
    return {
        "name": "board",
        "machine": {"python": platform.python_version(), "cpus": os.cpu_count(), "system": platform.platform(),
                    "postgres": version},
        "sizes": {"opportunities": count, "eligible_and_filtered": eligible, "on_a_page": PAGE, "runs": runs,
                  "seconds_a_run": SECONDS_A_RUN, "workers": 1},
        "queries": queries,
        "queries_at_most": QUERIES_AT_MOST,
        "requests_a_second": {name: {"median": round(statistics.median(rates), 2), "least": round(min(rates), 2),
                                     "most": round(max(rates), 2)} for name, rates in took.items()},
        "ratio": round(ratio, 4),
        "ratio_spread": [round(min(ratios), 4), round(max(ratios), 4)],
        "ratio_at_least": RATIO_AT_LEAST,
        "right_content": same,
        "ok": same and queries <= QUERIES_AT_MOST and ratio >= RATIO_AT_LEAST,
    }  # fmt: skip


@contextlib.contextmanager
def _server(url: str) -> Iterator[int]:
    """gunicorn with one sync worker, its own settings only."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    environment = {
        **os.environ, "DATABASE_URL": url, "WEB_CONCURRENCY": "1", "WEB_THREADS": "1", "PYTHONWARNINGS": "ignore",
        "LOG_LEVEL": "ERROR",
    }  # fmt: skip
    command = [
        sys.executable, "-m", "gunicorn", "tests.benchmarks._one_query:application", "--bind", f"127.0.0.1:{port}",
        "--workers", "1", "--threads", "1", "--worker-class", "sync", "--log-level", "error",
    ]  # fmt: skip
    process = subprocess.Popen(command, cwd=ROOT, env=environment)
    try:
        until = time.monotonic() + 60
        while True:
            assert process.poll() is None, "gunicorn ended at once"
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            assert time.monotonic() < until, "gunicorn did not come up"
            time.sleep(0.1)
        yield port
    finally:
        process.terminate()
        process.wait(20)


def _get(port: int, path: str, cookie: str) -> str:
    """One request by hand: a client library would cost as much as the smaller page."""
    with socket.create_connection(("127.0.0.1", port), 60) as link:
        link.sendall(
            f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: {cookie}\r\nConnection: close\r\n\r\n".encode()
        )
        parts = []
        while part := link.recv(1 << 16):
            parts.append(part)
    answer = b"".join(parts).decode()
    assert answer.startswith("HTTP/1.1 200"), answer[:200]
    return answer


def _requests_a_second(port: int, path: str, cookie: str, right: Callable[[str], bool]) -> float:
    """How many requests the one worker answers while two visitors keep it busy; every answer is looked at."""
    done, until = [0, 0], time.perf_counter() + SECONDS_A_RUN

    def visitor(number: int) -> None:
        while time.perf_counter() < until:
            assert right(_get(port, path, cookie))
            done[number] += 1

    began = time.perf_counter()
    threads = [threading.Thread(target=visitor, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(done), "a visitor got nothing"
    return sum(done) / (time.perf_counter() - began)


def _explain(queries: list[dict[str, str]]) -> None:
    from django.db import connection

    for query in queries:
        sys.stderr.write(f"{query['time']} {query['sql'][:110]}\n")
    slowest = max(queries, key=lambda query: float(query["time"]))
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS) {slowest['sql']}")
        sys.stderr.write("\n".join(row[0] for row in cursor.fetchall()) + "\n")


if __name__ == "__main__":
    sys.exit(main())
