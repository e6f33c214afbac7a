"""The migrated schema of the test database, kept in ``.local`` between runs.

Going through every migration takes most of the time of a run of a few tests. What comes out depends on the migrations
and the installed packages alone, so a dump of it is kept under their fingerprint and restored; Django then finds
nothing left to migrate. A run without the dump, such as every first one, goes the whole way.
"""

import contextlib
import hashlib
import os
import subprocess
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db.backends.postgresql.creation import DatabaseCreation

from advocacy.local.postgres import Postgres

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / ".local"


def fingerprint(root: Path = ROOT) -> str:
    """Changes with any migration and any installed package."""
    seen = hashlib.blake2b(digest_size=12)
    migrations = {*root.glob("*/migrations/*.py"), *root.glob("advocacy/*/migrations/*.py")}
    for path in [root / "requirements.lock", root / "advocacy" / "settings.py", *sorted(migrations)]:
        seen.update(f"{path.relative_to(root)}\n".encode() + path.read_bytes())
    return seen.hexdigest()


def _tool(name: str, database: str, known: dict[str, Any], *arguments: str) -> bool:
    """Run one of PostgreSQL's own programs on a database; False where it is not there or cannot."""
    address = {
        "PGHOST": known.get("HOST") or known["OPTIONS"].get("host", ""),
        "PGPORT": str(known.get("PORT") or known["OPTIONS"].get("port", "")),
        "PGUSER": known.get("USER") or known["OPTIONS"].get("user", "postgres"),
        "PGPASSWORD": known.get("PASSWORD") or known["OPTIONS"].get("password", ""),
    }
    environment = {**os.environ, **{key: text for key, text in address.items() if text}}
    with contextlib.suppress(OSError):
        program = str(Postgres(FOLDER / "none").binaries / name)
        done = subprocess.run([program, "-d", database, *arguments], env=environment, capture_output=True, check=False)
        return done.returncode == 0
    return False


@pytest.hookimpl(wrapper=True)
def pytest_runtestloop() -> Generator[None, Any, Any]:
    """Around everything: a fixture would come too late for tests that begin with a live server."""
    with _kept():
        return (yield)


@contextlib.contextmanager
def _kept() -> Iterator[None]:
    kept = FOLDER / f"test-schema-{fingerprint()}.dump"
    made, finished = DatabaseCreation._execute_create_test_db, DatabaseCreation.create_test_db

    def with_what_was_kept(self: Any, cursor: Any, parameters: Any, keepdb: bool = False) -> None:
        made(self, cursor, parameters, keepdb)
        if not keepdb and kept.exists():
            name = parameters["dbname"].strip('"')
            if not _tool("pg_restore", name, self.connection.settings_dict, "--no-owner", "-1", str(kept)):
                kept.unlink(missing_ok=True)

    def and_keep_it(self: Any, *arguments: Any, **more: Any) -> str:
        name: str = finished(self, *arguments, **more)
        if not kept.exists():
            FOLDER.mkdir(exist_ok=True)
            fresh = kept.with_suffix(f".{os.getpid()}")
            if _tool("pg_dump", name, self.connection.settings_dict, "-Fc", "-f", str(fresh)):
                for old in FOLDER.glob("test-schema-*.dump"):
                    old.unlink(missing_ok=True)
                fresh.rename(kept)
            fresh.unlink(missing_ok=True)
        return name

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(DatabaseCreation, "_execute_create_test_db", with_what_was_kept)
        patched.setattr(DatabaseCreation, "create_test_db", and_keep_it)
        yield
