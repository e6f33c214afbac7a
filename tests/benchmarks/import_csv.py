"""Importing accounts: ``manage.py import_csv``, all of it, against a bare COPY of the same facts into the same table.

``python -m tests.benchmarks.import_csv [--accounts N] [--many N] [--runs N]`` makes a database of its own beside the
one in ``DATABASE_URL``, measures, prints JSON and drops it. It leaves with 1 when a limit is missed or when the two do
not leave the same rows. The command's time holds everything: its start, checks, comparison, history, each row's report.
"""

import argparse
import csv
import json
import os
import platform
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg2

ROOT = Path(__file__).resolve().parent.parent.parent
RATIO_AT_LEAST = 0.05
SECONDS_AT_MOST = 10.0
MORE_MEMORY_AT_MOST_MB = 50.0
BAD_EVERY = 100  # in the files for the memory figure, one row of these is refused

HEADER = [
    "account_id", "name", "domain", "industry", "employees", "annual_value", "currency", "region", "country",
    "language", "time_zone", "products", "use_cases", "contract_start", "contract_months", "renewal_date",
]  # fmt: skip
COMPARED = (
    "external_id, name, domain, industry, employees, annual_value, currency, region, country, language, time_zone,"
    " products, use_cases, contract_start, contract_months, renewal_on"
)
COPIED = (
    f"source, facts_at, fingerprint, {COMPARED}, replaced_competitors, competes_with, owner_approves, readiness,"
    " readiness_reason"
)


def _accounts(count: int, *, bad: bool) -> Iterator[list[str]]:
    dice = random.Random(20260310)
    industries = ["Food", "Retail", "Energy", "Health", "Finance", "Public sector", "Logistics"]
    zones = ["Europe/Berlin", "America/New_York", "Asia/Tokyo", "UTC"]
    for number in range(count):
        start = date(2019, 1, 1) + timedelta(days=dice.randrange(2_500))
        yield [
            f"A-{number:07d}", f"Company {number} & Söhne", f"company{number}.example", dice.choice(industries),
            "many" if bad and number % BAD_EVERY == 0 else str(dice.randrange(1, 90_000)),
            f"{dice.randrange(1_000, 900_000)}.{dice.randrange(100):02d}", "EUR", dice.choice(["Europe", "Americas"]),
            dice.choice(["DE", "FR", "US", "BR"]), dice.choice(["en", "de"]), dice.choice(zones), "planner;insights",
            "forecast", start.strftime("%d.%m.%Y"), "12", "2026-12-31",
        ]  # fmt: skip


def _write(path: Path, count: int, *, bad: bool = False) -> None:
    """As a CRM would export it: day-first dates, lists with semicolons."""
    with path.open("w", newline="", encoding="utf-8-sig") as file:
        writer = csv.writer(file)
        writer.writerow(HEADER)
        writer.writerows(_accounts(count, bad=bad))


def _write_for_copy(path: Path, count: int) -> None:
    """The same facts as COPY takes them into the table itself, every column that must not be empty included."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, quoting=csv.QUOTE_MINIMAL)
        for row in _accounts(count, bad=False):
            day, month, year = row[13].split(".")
            lists = ["{insights,planner}", "{forecast}", f"{year}-{month}-{day}"]
            writer.writerow(["crm", "2026-03-10", "0" * 32, *row[:11], *lists, *row[14:], "{}", "{}", "f", "ready", ""])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--accounts", type=int, default=100_000)
    parser.add_argument("--many", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=5)
    given = parser.parse_args()
    base, name = os.environ["DATABASE_URL"], f"bench_import_{os.getpid()}"
    with _Connected(_with_database(base, "postgres")) as admin:
        admin.run(f'CREATE DATABASE "{name}"')
    os.environ["DATABASE_URL"] = url = _with_database(base, name)
    try:
        with tempfile.TemporaryDirectory(prefix="portal-bench-") as made:
            subprocess.run(
                [sys.executable, "manage.py", "migrate", "--skip-checks", "-v0"], cwd=ROOT, check=True, timeout=600
            )
            result = _measure(url, Path(made), given)
        sys.stdout.write(json.dumps(result, indent=2) + "\n")
        return 0 if result["ok"] else 1
    finally:
        with _Connected(_with_database(base, "postgres")) as admin:
            admin.run(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def _measure(url: str, folder: Path, given: argparse.Namespace) -> dict[str, Any]:
    _write(folder / "ours.csv", given.accounts)
    _write_for_copy(folder / "copy.csv", given.accounts)
    ours, copied, contents, counted = [], [], set(), []
    with _Connected(url) as there:
        version = there.rows("SHOW server_version")[0][0]
        for _run_number in range(given.runs):
            there.empty()
            copied.append(there.copy(folder / "copy.csv"))
            contents.add(there.content())
            there.empty()
            seconds, _peak, counts = _import(folder / "ours.csv")
            ours.append(seconds)
            counted.append(counts == {"rows": given.accounts, "created": given.accounts, "updated": 0, "unchanged": 0,
                                      "rejected": 0})  # fmt: skip
            contents.add(there.content())
        again = _import(folder / "ours.csv")
        counted.append(again[2]["unchanged"] == given.accounts)
        history = there.rows("SELECT count(*) FROM crm_accountevent")[0][0]
        peaks, speeds = {}, {}
        for size in (given.accounts, given.many):
            _write(folder / "bad.csv", size, bad=True)
            there.empty()
            seconds, peaks[size], counts = _import(folder / "bad.csv")
            speeds[size] = round(size / seconds)
            refused = len(range(0, size, BAD_EVERY))
            counted.append((counts["created"], counts["rejected"]) == (size - refused, refused))
            kept = there.rows("SELECT count(*) FROM crm_importrow WHERE result = 'rejected' AND raw IS NOT NULL")
            counted.append(kept[0][0] == refused)
    ratio = statistics.median(copied) / statistics.median(ours)
    more = peaks[given.many] - peaks[given.accounts]
    right = {
        "same_rows_as_copy": len(contents) == 1, "counts": all(counted), "history": history == given.accounts
    }  # fmt: skip
    whole = all(right.values())
    return {
        "name": "import_csv",
        "machine": {"python": platform.python_version(), "cpus": os.cpu_count(), "system": platform.platform(),
                    "postgres": version},
        "sizes": {"accounts": given.accounts, "many": given.many, "runs": given.runs},
        "import_s": _spread(ours),
        "copy_s": _spread(copied),
        "same_file_again_s": round(again[0], 2),
        "ratio_to_copy": round(ratio, 3),
        "ratio_at_least": RATIO_AT_LEAST,
        "import_s_at_most": SECONDS_AT_MOST,
        "peak_mb": {str(size): round(peak, 1) for size, peak in peaks.items()},
        "more_at_many_mb": round(more, 1),
        "more_at_most_mb": MORE_MEMORY_AT_MOST_MB,
        "rows_a_second": {str(size): speed for size, speed in speeds.items()},
        "content_right": right,
        "within_ten_seconds": statistics.median(ours) <= SECONDS_AT_MOST,
        "ok": whole and ratio >= RATIO_AT_LEAST and more <= MORE_MEMORY_AT_MOST_MB,
    }  # fmt: skip


def _import(path: Path) -> tuple[float, float, dict[str, int]]:
    """The command as a person calls it: seconds, peak memory in MB, and the counts on its last line."""
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "manage.py", "import_csv", "accounts", str(path), "--skip-checks"], cwd=ROOT,
        stdout=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    said = process.stdout.read()
    _pid, status, used = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    process.stdout.close()
    assert process.returncode == 0, said.decode()[-2000:]
    return seconds, used.ru_maxrss / 1024, json.loads(said.decode().strip().splitlines()[-1])


def _spread(seconds: list[float]) -> dict[str, float]:
    return {
        "median": round(statistics.median(seconds), 3), "least": round(min(seconds), 3), "most": round(max(seconds), 3)
    }  # fmt: skip


def _with_database(url: str, name: str) -> str:
    parts = urlsplit(url)
    # Put together by hand: the host may be empty (a socket), and urlunsplit would drop its slashes.
    return f"{parts.scheme}://{parts.netloc}/{name}" + (f"?{parts.query}" if parts.query else "")


class _Connected:
    """An autocommit connection that is closed at the end."""

    def __init__(self, url: str) -> None:
        self.connection = psycopg2.connect(url.replace("postgres://", "postgresql://", 1))
        self.connection.autocommit = True

    def __enter__(self) -> "_Connected":
        return self

    def __exit__(self, *_problem: object) -> None:
        self.connection.close()

    def run(self, statement: str) -> None:
        with self.connection.cursor() as cursor:
            cursor.execute(statement)

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        with self.connection.cursor() as cursor:
            cursor.execute(statement)
            return [tuple(row) for row in cursor.fetchall()]

    def empty(self) -> None:
        self.run("TRUNCATE crm_account, crm_accountevent, crm_importrun, crm_importrow CASCADE")
        self.run("CHECKPOINT")

    def copy(self, path: Path) -> float:
        """COPY into the table with its indexes, its triggers and references switched off."""
        self.run("SET session_replication_role = replica")
        began = time.perf_counter()
        with path.open("rb") as file, self.connection.cursor() as cursor:
            statement = f"COPY crm_account ({COPIED}) FROM STDIN WITH (FORMAT csv, FORCE_NOT_NULL (readiness_reason))"
            cursor.copy_expert(statement, file)
        seconds = time.perf_counter() - began
        self.run("SET session_replication_role = origin")
        return seconds

    def content(self) -> tuple[Any, ...]:
        """All facts of all accounts in one number, to see that both ways brought the same."""
        facts = f"count(*), md5(string_agg(({COMPARED})::text, '|' ORDER BY external_id))"
        return self.rows(f"SELECT {facts} FROM crm_account")[0]  # noqa: S608 - our own column names


if __name__ == "__main__":
    sys.exit(main())
