"""An import killed half-way leaves nothing half-written; started again, it ends as if nothing had happened."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from time import monotonic, sleep

import pytest
from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection
from django.utils import timezone

from advocacy.crm.importing import runs
from advocacy.crm.models import Account, ImportRow, ImportRun
from tests.crm.importing import run_command
from tests.faults.plant import database_url, wait_until

pytestmark = [pytest.mark.fault, pytest.mark.django_db(transaction=True)]

ROWS = 60_000
PHASES = ["reading", "matching", "writing"]


@pytest.fixture(scope="module")
def big_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("import") / "accounts.csv"
    with path.open("w") as file:
        file.write("account_id,name,industry,employees,country,renewal_date\n")
        for number in range(ROWS):
            file.write(f"A-{number:06d},Company {number},Food,{number % 5000},DE,2026-12-{number % 28 + 1:02d}\n")
    return path


@pytest.fixture
def started() -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Starts a Python of its own on the test's database; whatever still runs at the end is ended."""
    running: list[subprocess.Popen[bytes]] = []

    def start(*arguments: str) -> subprocess.Popen[bytes]:
        environment = os.environ | {
            "DATABASE_URL": database_url(), "ADVOCACY_MODE": "test",
            "SECRET_KEY": settings.SECRET_KEY, "MEDIA_ROOT": str(settings.MEDIA_ROOT),
        }  # fmt: skip
        process = subprocess.Popen(
            [sys.executable, *arguments], env=environment, cwd=settings.BASE_DIR, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )  # fmt: skip
        running.append(process)
        return process

    yield start
    for process in running:
        if process.poll() is None:
            process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def kill_in(phase: str, process: subprocess.Popen[bytes]) -> ImportRun:
    """Kill -9 as soon as the run is seen in this phase; fails when the kill came too late to prove anything."""
    end = monotonic() + 60
    while monotonic() < end:
        run = ImportRun.objects.filter(status="running", phase=phase).exclude(rows_read=0).first()
        if run is not None:
            break
        assert process.poll() is None, process.communicate()[0].decode()[-2000:]
        sleep(0.005)
    else:
        pytest.fail(f"The import was never seen {phase}.")
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    wait_until(lambda: not runs._alive(run.pk))
    run.refresh_from_db()
    assert run.status == "running", "The kill landed after the end."
    return run


@pytest.mark.parametrize("phase", PHASES)
def test_killed_while(phase: str, big_file: Path, started: Callable[..., subprocess.Popen[bytes]]) -> None:
    killed = kill_in(phase, started("manage.py", "import_csv", "accounts", str(big_file)))
    assert not Account.objects.exists()
    assert not ImportRow.objects.exists()
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM crm_accountevent")
        assert cursor.fetchone() == (0,)
    assert runs.is_interrupted(killed, at=timezone.now() + timedelta(minutes=1))

    again = run_command("accounts", str(big_file), options={})
    assert again.counts == {"rows": ROWS, "created": ROWS, "updated": 0, "unchanged": 0, "rejected": 0}
    assert Account.objects.count() == ROWS


def test_the_same_file_twice_makes_no_duplicate(big_file: Path) -> None:
    run_command("accounts", str(big_file), options={})
    twice = run_command("accounts", str(big_file), options={})
    assert twice.counts == {"rows": ROWS, "created": 0, "updated": 0, "unchanged": ROWS, "rejected": 0}
    assert Account.objects.count() == ROWS


def test_two_at_the_same_time_make_no_duplicate(
    big_file: Path, started: Callable[..., subprocess.Popen[bytes]]
) -> None:
    both = [started("manage.py", "import_csv", "accounts", str(big_file)) for _number in range(2)]
    said = [process.communicate()[0].decode().strip().splitlines()[-1] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert Account.objects.count() == ROWS
    assert sorted(f'"created": {ROWS}' in line for line in said) == [False, True]
    assert sorted(f'"unchanged": {ROWS}' in line for line in said) == [False, True]


def test_a_worker_killed_with_an_upload_is_followed_by_another(
    big_file: Path, started: Callable[..., subprocess.Popen[bytes]]
) -> None:
    stored = default_storage.save("imports/killed.csv", ContentFile(big_file.read_bytes()))
    fields = {"external_id": "account_id", "name": "name", "industry": "industry"}
    run = ImportRun.objects.create(
        kind="accounts", file_name="big.csv", stored_as=stored, status="queued", map={"fields": fields}
    )
    carry_out = f"import django; django.setup(); from advocacy.crm.importing import runs; runs.carry_out({run.pk})"
    try:
        kill_in("reading", started("-c", carry_out))
        assert runs.waiting(at=timezone.now()) == []  # a moment's patience: it may only just have begun
        later = timezone.now() + timedelta(minutes=1)
        assert runs.waiting(at=later) == [run.pk]
        runs.carry_out(run.pk, at=later)
        run.refresh_from_db()
        assert (run.status, run.created, run.attempt) == ("done", ROWS, 2)
        assert Account.objects.count() == ROWS
        assert runs.waiting(at=later) == []
        assert runs.carry_out(run.pk) is None
    finally:
        default_storage.delete(stored)
