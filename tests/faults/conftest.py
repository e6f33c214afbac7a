"""What fault tests need: processes to kill, a Valkey to empty, a Postgres to restart, a mail server that is slow.

Processes of the portal (web, worker, beat, clock, sender) run on the test's own database, with a Valkey of their own
that a test may empty or kill. A test that restarts Postgres takes ``own_postgres``, a server with a copy of the schema.
The parts, and helpers such as ``wait_until``, ``signed_in`` and ``Crowd``, are in ``tests.faults.plant``.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from advocacy.local.postgres import Postgres
from advocacy.local.valkey import Valkey
from tests.faults.plant import Portal, Sink, copy_test_database, database_url, end_other_sessions
from tests.services_plugin import FAST, new_folder


@pytest.fixture
def folder() -> Path:
    return new_folder()


@pytest.fixture
def sink() -> Iterator[Sink]:
    one = Sink().start()
    yield one
    one.stop()


@pytest.fixture
def own_valkey(folder: Path) -> Iterator[Valkey]:
    """A Valkey that a test may empty (``client().flushall()``), kill, stop and start."""
    valkey = Valkey(folder / "valkey", settings={"save": '""'})
    valkey.start()
    yield valkey
    valkey.stop()


@pytest.fixture
def portal(transactional_db: None, folder: Path, own_valkey: Valkey, sink: Sink) -> Iterator[Portal]:
    """The portal's processes on the test's own database, a Valkey of their own and the sink."""
    one = Portal(folder, database=database_url(), redis=own_valkey.url(), email=sink.url)
    yield one
    one.end()
    end_other_sessions()


@pytest.fixture
def own_postgres(django_db_setup: None, folder: Path) -> Iterator[Postgres]:
    """A Postgres that a test may kill and start, with a copy of the test database (its schema and first rows)."""
    server = Postgres(folder / "postgres", settings={**FAST, "shared_buffers": "64MB"})
    server.start()
    server.ensure_database("portal")
    copy_test_database(server, "portal")
    yield server
    server.stop()


@pytest.fixture
def portal_of_its_own(own_postgres: Postgres, own_valkey: Valkey, sink: Sink, folder: Path) -> Iterator[Portal]:
    """The portal's processes on ``own_postgres``: the test works on it through commands, not through the ORM."""
    one = Portal(folder, database=own_postgres.url("portal"), redis=own_valkey.url(), email=sink.url)
    yield one
    one.end()
