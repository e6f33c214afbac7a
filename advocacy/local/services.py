"""The services of one checkout: started, found again, written down for ``settings``, stopped."""

import contextlib
import fcntl
import os
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from advocacy.local.postgres import Postgres, never, silent
from advocacy.local.processes import Trouble, make_folder
from advocacy.local.valkey import Valkey

ROOT = Path(__file__).resolve().parent.parent.parent


class Place:
    """The folder ``.local`` of a checkout and what lies in it."""

    def __init__(
        self, root: Path = ROOT, *, say: Callable[[str], None] = silent, stop: Callable[[], bool] = never
    ) -> None:
        self.root = root
        self.folder = root / ".local"
        self.run = self.folder / "run"
        self.logs = self.folder / "log"
        self.mail = self.folder / "mail"
        self.env_file = self.folder / "env"
        self.postgres = Postgres(self.folder / "postgres", say=say, stop=stop)
        self.valkey = Valkey(self.folder / "valkey")
        self.asked_to_stop = stop

    def make(self) -> None:
        for folder in (self.folder, self.run, self.logs):
            make_folder(folder)

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Starts and stops in one checkout take turns."""
        self.make()
        with (self.run / "services.lock").open("w") as lock:
            deadline = time.monotonic() + 120
            while True:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError as problem:
                    if self.asked_to_stop() or time.monotonic() > deadline:
                        raise Trouble(
                            "Another command has been starting or stopping the services here for two minutes. "
                            "Wait for it, or end it."
                        ) from problem
                    time.sleep(0.1)
            yield

    def start(self, *, postgres: bool = True, valkey: bool = True) -> dict[str, str]:
        """Start what is wanted; returns the addresses as environment variables."""
        addresses: dict[str, str] = {}
        with self.alone():
            if postgres:
                self.postgres.start()
                if self.asked_to_stop():
                    return addresses
                self.postgres.ensure_database()
                addresses["DATABASE_URL"] = self.postgres.url()
            if valkey:
                self.valkey.start()
                addresses["REDIS_URL"] = self.valkey.url()
        return addresses

    def stop(self) -> None:
        with self.alone():
            self.valkey.stop()
            self.postgres.stop()

    def written(self) -> dict[str, str]:
        """What ``.local/env`` says."""
        found: dict[str, str] = {}
        with contextlib.suppress(OSError):
            for line in self.env_file.read_text().splitlines():
                name, equals, text = line.partition("=")
                if equals and not name.startswith("#"):
                    found[name.strip()] = text.strip()
        return found

    def write(self, values: Mapping[str, str]) -> dict[str, str]:
        """Bring ``.local/env`` up to date: values given win over those written, the secret key stays."""
        written = {
            "ADVOCACY_MODE": "demo",
            "SECRET_KEY": secrets.token_urlsafe(64),
            "EMAIL_URL": "consolemail://",
            **self.written(),
            **values,
        }
        text = "# Written by `make services` and `make demo`; the environment wins over it.\n"
        text += "".join(f"{name}={value}\n" for name, value in written.items())
        fresh = self.env_file.with_name(f"env.{os.getpid()}")
        fresh.touch(mode=0o600)
        fresh.write_text(text)
        fresh.replace(self.env_file)
        return written
