"""A long export killed half-way is begun anew by another worker: each row is in the file once, and noted once."""

import csv
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.files.storage import default_storage
from django.test import Client
from django.utils import timezone

from advocacy.crm.models import Account
from advocacy.lib import export
from advocacy.lib.models import Export, LongExport
from advocacy.users import exporting
from advocacy.users.models import Role
from tests.factories import make_user
from tests.faults.plant import database_url, end_other_sessions, wait_until

pytestmark = [pytest.mark.fault, pytest.mark.django_db(transaction=True)]

ROWS = 6_000
WORKER = """
import sys, time, django
django.setup()
from advocacy.users import exporting
real = exporting._mine
def slowly(wanted):
    time.sleep(0.3)
    return real(wanted)
exporting._mine, exporting.BEAT_EVERY = slowly, 0.0
exporting.carry_out(int(sys.argv[1]))
"""


@pytest.fixture(autouse=True)
def a_list_too_long_to_wait_for(monkeypatch: pytest.MonkeyPatch, settings: Any, tmp_path: Path) -> Iterator[None]:
    settings.MEDIA_ROOT = tmp_path
    monkeypatch.setattr(export, "AT_ONCE", {"csv": 100, "xlsx": 100})
    monkeypatch.setattr(exporting, "nudge", lambda *_a: None)
    Account.objects.bulk_create(
        Account(source="crm", external_id=f"A-{number}", name=f"Company {number:05}") for number in range(ROWS)
    )
    yield
    end_other_sessions()


def test_a_killed_export_is_taken_up_and_holds_each_row_once(client: Client) -> None:
    client.force_login(make_user("Rita Morgan", Role.MANAGER))
    client.get("/customers/", {"as": "csv"})
    made = LongExport.objects.get()
    environment = os.environ | {
        "DATABASE_URL": database_url(), "ADVOCACY_MODE": "test", "SECRET_KEY": settings.SECRET_KEY,
        "MEDIA_ROOT": str(settings.MEDIA_ROOT), "DJANGO_SETTINGS_MODULE": "advocacy.settings",
    }  # fmt: skip
    worker = subprocess.Popen([sys.executable, "-c", WORKER, str(made.pk)], env=environment, cwd=settings.BASE_DIR)
    try:
        wait_until(lambda: LongExport.objects.get(pk=made.pk).rows, 60, what="the first rows")
    finally:
        worker.kill()
        worker.wait(10)
    made.refresh_from_db()
    assert made.status == "running"
    assert 0 < made.rows < ROWS
    Account.objects.create(source="crm", external_id="late", name="AAA, who came meanwhile")
    later = timezone.now() + exporting.DEAD_AFTER + timedelta(seconds=1)
    assert exporting.waiting(at=timezone.now()) == [], "somebody may still be at it"
    assert exporting.waiting(at=later) == [made.pk]
    exporting.carry_out(made.pk, at=later)
    made.refresh_from_db()
    with default_storage.open(made.stored_as) as file:
        names = [row[1] for row in csv.reader(file.read().decode("utf-8-sig").splitlines())][1:]
    assert (made.status, made.rows, len(names), len(set(names))) == ("done", ROWS + 1, ROWS + 1, ROWS + 1)
    assert Export.objects.get().rows == ROWS + 1
