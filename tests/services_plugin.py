"""Brings up PostgreSQL and Valkey for a test run before Django reads its settings; loaded by ``-p`` in pyproject.

With ``DATABASE_URL`` and ``REDIS_URL`` in the environment those are used. Otherwise embedded servers are started once,
by the process that was called (xdist's workers get the addresses through their environment), in a folder of their own,
and are gone at the end of the run, also after Ctrl-C.
"""

import atexit
import contextlib
import os
import secrets
import shutil
import signal
import sys
import tempfile
from pathlib import Path
from types import FrameType

import psutil

from advocacy.local.postgres import Postgres
from advocacy.local.processes import Trouble
from advocacy.local.valkey import Valkey

FAST = {"fsync": "off", "full_page_writes": "off", "autovacuum_naptime": "10s"}
PREFIX = "portal-tests-"
_running: list[Postgres | Valkey] = []


def session_folder() -> Path:
    """The folder of this run, shared with xdist's workers; its name says whose it is."""
    named = os.environ.get("PORTAL_TESTS_FOLDER", "")
    if not named or not Path(named).is_dir():
        named = tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-")
        os.environ["PORTAL_TESTS_FOLDER"] = named
        Path(named).chmod(0o755)
        atexit.register(clear_away, Path(named), os.getpid())
    return Path(named)


def new_folder() -> Path:
    """A folder that the plain user who owns PostgreSQL's data can enter, unlike pytest's ``tmp_path``."""
    folder = Path(tempfile.mkdtemp(dir=session_folder(), prefix=""))
    folder.chmod(0o755)
    return folder


def clear_away(folder: Path, maker: int) -> None:
    """Remove a run's folder, and end what still runs in it: a test that was cut short could not."""
    if maker != os.getpid() and psutil.pid_exists(maker):
        return  # a forked child, or a run that goes on
    stop_services()
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if Path(process.cwd()).is_relative_to(folder) or f"{folder}/" in " ".join(process.cmdline()):
                process.kill()
    shutil.rmtree(folder, ignore_errors=True)


def clear_away_killed_runs() -> None:
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*-*"):
        maker = folder.name.removeprefix(PREFIX).partition("-")[0]
        if maker.isdigit() and folder.stat().st_uid == os.geteuid() and not psutil.pid_exists(int(maker)):
            clear_away(folder, int(maker))


def stop_services() -> None:
    while _running:
        _running.pop().stop()


def _ended(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt  # which pytest answers by ending in good order


def _start_services() -> None:
    clear_away_killed_runs()
    folder = new_folder()
    if not os.environ.get("DATABASE_URL"):
        postgres = Postgres(folder / "postgres", settings=FAST)
        _running.append(postgres)
        postgres.start()
        postgres.ensure_database()
        os.environ["DATABASE_URL"] = postgres.url()
    if not os.environ.get("REDIS_URL"):
        valkey = Valkey(folder / "valkey", settings={"save": '""'})
        _running.append(valkey)
        valkey.start()
        os.environ["REDIS_URL"] = valkey.url()


def _settings_environment() -> None:
    """What settings must find, whatever ``.local/env`` says."""
    os.environ["ADVOCACY_MODE"] = "test"
    os.environ.setdefault("SECRET_KEY", secrets.token_urlsafe(64))
    os.environ["EMAIL_URL"] = "memorymail://"
    os.environ["SITE_URL"] = "http://testserver"
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    if worker.startswith("gw") and not os.environ.get("PORTAL_TESTS_WORKER"):
        # Each worker its own Redis database; the name is noted so that a process started by a test keeps it.
        os.environ["PORTAL_TESTS_WORKER"] = worker
        base, _slash, _number = os.environ["REDIS_URL"].rpartition("/")
        os.environ["REDIS_URL"] = f"{base}/{(int(worker[2:]) + 1) % 16}"


_asks_only = {"--version", "-V", "--help", "-h", "--markers", "--fixtures"} & set(sys.argv[1:])
if not _asks_only and not (os.environ.get("DATABASE_URL") and os.environ.get("REDIS_URL")):
    signal.signal(signal.SIGTERM, _ended)
    try:
        _start_services()
    except Trouble as trouble:
        stop_services()
        sys.stderr.write(f"{trouble}\n")
        sys.exit(3)
_settings_environment()


def pytest_unconfigure() -> None:
    stop_services()
