"""The parts of a fault test: a slow mail server, processes to kill, visitors who come all at once."""

import asyncio
import contextlib
import os
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psutil
import requests
from aiosmtpd.controller import Controller
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.db import connection, connections

from advocacy.local.postgres import Postgres
from advocacy.local.processes import end_groups, free_port
from tests.services_plugin import new_folder

ROOT = Path(__file__).resolve().parent.parent.parent


def wait_until(true: Callable[[], Any], seconds: float = 20, *, every: float = 0.02, what: str = "") -> Any:
    """Wait for something to become true and return it; fail with a word when it does not."""
    deadline = time.monotonic() + seconds
    while True:
        answer = true()
        if answer:
            return answer
        assert time.monotonic() < deadline, f"Waited {seconds} s in vain{f' for {what}' if what else ''}."
        time.sleep(every)


def database_url(alias: str = "default") -> str:
    """The address of the database this test works on, for another process."""
    known = connections[alias].settings_dict
    options = {
        "host": known.get("HOST") or known["OPTIONS"].get("host", ""),
        "user": known.get("USER") or known["OPTIONS"].get("user", ""),
        "password": known.get("PASSWORD") or known["OPTIONS"].get("password", ""),
        "port": str(known.get("PORT") or known["OPTIONS"].get("port", "")),
    }
    asked = "&".join(f"{name}={quote(text, safe='/')}" for name, text in options.items() if text)
    return f"postgres:///{quote(known['NAME'])}?{asked}"


def copy_test_database(server: Postgres, name: str) -> None:
    """Fill a database with what the test database holds when no test runs: the schema and what migrations made."""
    known = connection.settings_dict
    host = known.get("HOST") or known["OPTIONS"].get("host", "")
    user = known.get("USER") or known["OPTIONS"].get("user", "postgres")
    dump = new_folder() / "portal.dump"
    for command in (
        ["pg_dump", "-h", host, "-U", user, "-Fc", "-f", str(dump), known["NAME"]],
        ["pg_restore", "-h", str(server.sockets), "-U", "postgres", "-d", name, "--no-owner", str(dump)],
    ):
        done = subprocess.run(
            [str(server.binaries / command[0]), *command[1:]], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr


# --- a mail server -------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Received:
    """One mail as the sink got it."""

    recipients: tuple[str, ...]
    message_id: str
    headers: Mapping[str, str]
    at: float
    peer_port: int


@dataclass
class Sink:
    """A real SMTP server, as slow and as unwilling as a test wants it.

    ``arrived`` holds every mail whose data came in whole, also when the sender died before it got its 250: the strict
    view for "nobody twice". ``answered`` holds those whose 250 was sent.
    """

    delay: float = 0.0
    refuse: Callable[[str], str | None] = lambda _recipient: None
    arrived: list[Received] = field(default_factory=list)
    answered: list[Received] = field(default_factory=list)
    in_hand: int = 0
    _controller: Any = None

    def start(self) -> "Sink":
        self._controller = Controller(self, hostname="127.0.0.1", port=free_port(), data_size_limit=20_000_000)
        self._controller.start()
        return self

    def stop(self) -> None:
        self._controller.stop(no_assert=True)

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self._controller.port}"

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:  # noqa: N802
        refusal = self.refuse(address)
        if refusal:
            return refusal
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        headers = _headers(envelope.content)
        mail = Received(
            tuple(envelope.rcpt_tos), headers.get("message-id", ""), headers, time.monotonic(), session.peer[1]
        )
        self.arrived.append(mail)
        self.in_hand += 1
        try:
            await asyncio.sleep(self.delay)
        finally:
            self.in_hand -= 1
        self.answered.append(mail)
        return "250 OK"

    def copies(self) -> Counter[str]:
        """How many mails each recipient got."""
        return Counter(recipient for mail in list(self.arrived) for recipient in mail.recipients)


def _headers(content: bytes) -> dict[str, str]:
    """The header lines, unfolded; a full parse would make the sink the slowest part of a benchmark."""
    head = content.split(b"\r\n\r\n", 1)[0].replace(b"\r\n ", b" ").replace(b"\r\n\t", b" ")
    found = {}
    for line in head.decode("utf-8", "replace").split("\r\n"):
        name, colon, text = line.partition(":")
        if colon:
            found[name.lower()] = text.strip()
    return found


# --- processes ---------------------------------------------------------------------------------------------------
@dataclass
class Process:
    """One process group of the portal."""

    name: str
    handle: "subprocess.Popen[bytes]"
    log: Path

    @property
    def pid(self) -> int:
        return self.handle.pid

    @property
    def output(self) -> str:
        return self.log.read_text(errors="replace")

    def lives(self) -> bool:
        return self.handle.poll() is None

    def kill(self) -> None:
        """kill -9 of the whole group: no handler runs, nothing is put in order."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self.handle.wait(10)

    def freeze(self) -> None:
        os.killpg(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        os.killpg(self.pid, signal.SIGCONT)

    def end(self) -> int:
        """Ask it to end, as an operator would; its exit code."""
        end_groups([self.pid], patience=20)
        return self.handle.wait(10)

    def finish(self, seconds: float = 120) -> int:
        """Wait until it ends by itself; its exit code."""
        return self.handle.wait(seconds)


class Portal:
    """The portal's processes on the test's database, each started when a test asks for it."""

    def __init__(self, folder: Path, *, database: str, redis: str, email: str) -> None:
        self.folder = folder
        self.processes: list[Process] = []
        self.environment = {
            **{name: text for name, text in os.environ.items() if not name.startswith(("PYTEST", "COV_"))},
            "DATABASE_URL": database,
            "REDIS_URL": redis,
            "EMAIL_URL": email,
            "ADVOCACY_MODE": "test",
            "SECRET_KEY": settings.SECRET_KEY,
            "DJANGO_SETTINGS_MODULE": "advocacy.settings",
            "SITE_URL": "http://127.0.0.1",
            "PYTHONUNBUFFERED": "1",
            "PYTHONWARNINGS": "ignore",
            "LOG_LEVEL": "INFO",
        }
        self.url = ""

    def start(self, name: str, *arguments: str, **environment: str) -> Process:
        """Start ``python <arguments>`` in a process group of its own."""
        log = self.folder / f"{name}-{len(self.processes)}.log"
        with log.open("wb") as out:
            handle = subprocess.Popen(
                [sys.executable, *arguments], cwd=ROOT, env={**self.environment, **environment},
                stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        process = Process(name, handle, log)
        self.processes.append(process)
        return process

    def manage(self, *arguments: str, **environment: str) -> Process:
        """A management command, in the background."""
        return self.start(arguments[0], "manage.py", *arguments, **environment)

    def run(self, *arguments: str, seconds: float = 120, **environment: str) -> str:
        """A management command to its end; what it printed. Fails when the command fails."""
        process = self.manage(*arguments, **environment)
        code = process.finish(seconds)
        assert code == 0, f"{' '.join(arguments)} ended with {code}:\n{process.output[-4000:]}"
        return process.output

    def web(self, *, workers: int = 2, threads: int = 8, **environment: str) -> str:
        """gunicorn, as in production; returns the address once it answers."""
        port = free_port()
        process = self.start(
            "web", "-m", "gunicorn", "advocacy.wsgi", "--bind", f"127.0.0.1:{port}", "--workers", str(workers),
            "--threads", str(threads), "--backlog", "2048", **environment,
        )  # fmt: skip
        self.url = f"http://127.0.0.1:{port}"

        def answers() -> bool:
            assert process.lives(), f"gunicorn ended:\n{process.output[-4000:]}"
            with contextlib.suppress(requests.RequestException):
                return requests.get(f"{self.url}/healthz", timeout=5).status_code == 200
            return False

        wait_until(answers, 60, every=0.1, what="gunicorn")
        return self.url

    def worker(self, *, concurrency: int = 2, **environment: str) -> Process:
        process = self.start(
            "worker", "-m", "celery", "-A", "advocacy", "worker", "--concurrency", str(concurrency),
            "--loglevel", "INFO", "--without-gossip", "--without-mingle", "--hostname", f"{secrets.token_hex(4)}@test",
            **environment,
        )  # fmt: skip
        wait_until(lambda: "ready" in process.output or not process.lives(), 60, every=0.1, what="the worker")
        assert process.lives(), process.output[-4000:]
        return process

    def beat(self, **environment: str) -> Process:
        """Celery's beat with a schedule file of its own."""
        schedule = self.folder / f"beat-{secrets.token_hex(4)}"
        return self.start(
            "beat", "-m", "celery", "-A", "advocacy", "beat", "--loglevel", "INFO", "--pidfile", "",
            "--schedule", str(schedule), **environment,
        )  # fmt: skip

    def clock(self, **environment: str) -> Process:
        """The clock without Celery."""
        return self.manage("clock", **environment)

    def sender(self, *arguments: str, **environment: str) -> Process:
        """A sender process of its own."""
        return self.manage("sender", *arguments, **environment)

    def end(self) -> None:
        end_groups([process.pid for process in self.processes], patience=5)
        for process in self.processes:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.handle.wait(5)


def signed_in(user: Any) -> requests.Session:
    """A visitor with this user's session, who passes the check against forged requests."""
    kept = SessionStore()
    kept[SESSION_KEY] = str(user.pk)
    kept[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[-1]
    kept[HASH_SESSION_KEY] = user.get_session_auth_hash()
    kept.create()
    token = secrets.token_hex(16)
    visitor = requests.Session()
    visitor.cookies.set(settings.SESSION_COOKIE_NAME, kept.session_key)
    visitor.cookies.set(settings.CSRF_COOKIE_NAME, token)
    visitor.headers["X-CSRFToken"] = token
    return visitor


def kill_postmaster(server: Postgres) -> None:
    """End a Postgres as a crash of the machine's memory would: kill -9 of its first process."""
    identity = server.postmaster()
    assert identity is not None
    psutil.Process(identity.pid).kill()
    wait_until(lambda: not identity.alive(), 10)


def end_other_sessions() -> None:
    """What killed processes left open would keep the test database from being emptied."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name = ''"
        )


class Crowd:
    """Many visitors at the same moment: each call runs in a thread of its own, all let go together."""

    def __init__(self, calls: list[Callable[[], Any]]) -> None:
        self.calls = calls

    def go(self, seconds: float = 120) -> list[Any]:
        answers: list[Any] = [None] * len(self.calls)
        gate = threading.Barrier(len(self.calls))

        def one(number: int) -> None:
            try:
                gate.wait(30)
                answers[number] = self.calls[number]()
            except Exception as problem:
                answers[number] = problem
            finally:
                connections.close_all()

        threads = [threading.Thread(target=one, args=(number,), daemon=True) for number in range(len(self.calls))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(seconds)
        return answers
