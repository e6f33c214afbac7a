"""``make demo``: services, migrations, the demo program, then web, worker, clock and mail catcher in the foreground.

Signals only set a flag; every wait looks at it. So an end is the same whenever it is asked for: each process group is
ended, then Valkey and PostgreSQL, and nothing stays behind. A start after a kill finds what the killed one left.
"""

import contextlib
import ctypes
import fcntl
import http.client
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import IO

from advocacy.local.processes import (
    Identity,
    Trouble,
    collect_dead,
    end_groups,
    free_port,
    group_lives,
    holder_of,
    last_lines,
    make_folder,
    port_is_free,
)
from advocacy.local.services import ROOT, Place

Say = Callable[[str], None]

SIGN_INS = (
    ("advocate@demo.test", "an advocate"),
    ("sales@demo.test", "sales: files requests"),
    ("manager@demo.test", "a reference manager"),
    ("moderator@demo.test", "community and newsletter"),
    ("lead@demo.test", "the program lead"),
    ("admin@demo.test", "the administrator"),
)
PASSWORD = "demo-portal"  # noqa: S105 - printed on purpose: the demo's data are invented
READY_SECONDS = 90
TRIES = 3  # a process that ends this often within a minute is not started again


@dataclass
class Child:
    """One process group of the portal."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    log: Path
    process: "subprocess.Popen[bytes] | None" = None
    ended_at: list[float] = field(default_factory=list)


def die_with_parent() -> None:
    """In the child: unblock signals, and ask Linux to end us when the supervisor is killed."""
    signal.pthread_sigmask(signal.SIG_SETMASK, set())
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(1, signal.SIGTERM, 0, 0, 0)  # PR_SET_PDEATHSIG


class Supervisor:
    def __init__(self, port: int, *, say: Say, root: Path = ROOT) -> None:
        self.port = port
        self.say = say
        self.root = root
        self.signals = 0
        self.place = Place(root, say=say, stop=self.asked_to_stop)
        self.children: list[Child] = []
        self.python = sys.executable
        self.environment: dict[str, str] = {}
        self.mail_page = ""

    # --- signals ------------------------------------------------------------------------------------------------
    def asked_to_stop(self) -> bool:
        return self.signals > 0

    def in_a_hurry(self) -> bool:
        return self.signals > 1

    def _signalled(self, _number: int, _frame: FrameType | None) -> None:
        self.signals += 1

    # --- processes ----------------------------------------------------------------------------------------------
    def spawn(self, child: Child) -> None:
        """Start a process group and write it down, with signals held back so that none is ever forgotten."""
        log: IO[bytes] = child.log.open("ab")
        held = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
        try:
            child.process = subprocess.Popen(  # noqa: S603 - our own commands
                list(child.command), cwd=self.root, env=dict(child.environment), stdin=subprocess.DEVNULL,
                stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
                preexec_fn=die_with_parent,
            )  # fmt: skip
            self.write_down()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, held)
            log.close()

    def write_down(self) -> None:
        record = {
            "supervisor": identity.as_dict() if (identity := Identity.of(os.getpid())) else None,
            "port": self.port,
            "mail": self.mail_page,
            "groups": [
                {"name": child.name, **identity.as_dict()}
                for child in self.children
                if child.process and (identity := Identity.of(child.process.pid))
            ],
        }
        file = self.place.run / "demo.json"
        fresh = file.with_suffix(".new")
        fresh.write_text(json.dumps(record))
        fresh.replace(file)

    def step(self, name: str, *command: str) -> None:
        """Run one command to its end; its output is kept, and shown when it fails."""
        child = Child(name, command, self.environment, self.fresh_log(name))
        self.children.append(child)
        started = time.monotonic()
        self.spawn(child)
        assert child.process is not None
        while child.process.poll() is None and not self.asked_to_stop():
            time.sleep(0.1)
        if self.asked_to_stop():
            return
        self.children.remove(child)
        if child.process.returncode:
            raise Trouble(f"`{' '.join(command[1:])}` failed. The end of {child.log}:\n{last_lines(child.log, 25)}")
        self.say(f"  {name} ({time.monotonic() - started:.0f} s)")

    def fresh_log(self, name: str) -> Path:
        log = self.place.logs / f"{name.replace(' ', '-')}.log"
        if log.exists():
            log.replace(log.with_suffix(".1.log"))
        log.touch()
        return log

    # --- the course ---------------------------------------------------------------------------------------------
    def run(self) -> int:
        clean_up_after_killed(self.place, say=self.say)  # what a killed demo left may well hold this very port
        if not port_is_free(self.port):
            holder = holder_of(self.port)
            other = free_port(range(self.port + 10, 65000, 10))
            raise Trouble(
                f"Port {self.port} is in use{f' by {holder}' if holder else ''}. "
                f"End that program, or choose another port: make demo PORT={other}"
            )
        before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
        for number in before:
            signal.signal(number, self._signalled)
        code = 1
        try:
            self.prepare()
            if not self.asked_to_stop():
                self.launch()
            if not self.asked_to_stop():
                self.wait_until_ready()
            if not self.asked_to_stop():
                self.greet()
            code = 0 if self.asked_to_stop() else self.watch()
        finally:
            self.end()
            for number, handler in before.items():
                signal.signal(number, handler)
        return code

    def prepare(self) -> None:
        mail_at = self.place.written().get("EMAIL_URL", "").rpartition(":")[2]
        wanted = {name: os.environ.get(name, "") for name in ("DATABASE_URL", "REDIS_URL", "EMAIL_URL")}
        self.say("Starting the portal's demo …")
        addresses = self.place.start(postgres=not wanted["DATABASE_URL"], valkey=not wanted["REDIS_URL"])
        if self.asked_to_stop():
            return
        smtp = free_port([int(mail_at)] if mail_at.isdigit() and int(mail_at) != self.port else [])
        page = free_port(range(self.port + 1, self.port + 9))
        if not wanted["EMAIL_URL"]:
            addresses["EMAIL_URL"] = f"smtp://127.0.0.1:{smtp}"
            self.mail_page = f"http://127.0.0.1:{page}/"
        site = f"http://127.0.0.1:{self.port}"
        metrics = self.place.run / "metrics"
        shutil.rmtree(metrics, ignore_errors=True)
        make_folder(metrics)
        written = self.place.write({**addresses, "SITE_URL": site})
        self.environment = {
            **{name: text for name, text in os.environ.items() if name not in {"MAKEFLAGS", "MFLAGS", "MAKELEVEL"}},
            **{name: text for name, text in addresses.items() if text},
            "SECRET_KEY": os.environ.get("SECRET_KEY") or written["SECRET_KEY"],
            "ADVOCACY_MODE": "demo",
            "SITE_URL": site,
            "DJANGO_SETTINGS_MODULE": "advocacy.settings",
            "PROMETHEUS_MULTIPROC_DIR": str(metrics),
            "PYTHONUNBUFFERED": "1",
            # Static files come from their sources here, and a demo may well run as root.
            "PYTHONWARNINGS": "ignore:No directory at,ignore:You're running the worker with superuser",
        }
        manage = (self.python, "manage.py")
        self.step("migrations", *manage, "migrate", "--no-input")
        if not self.asked_to_stop():
            self.step("demo program", *manage, "demo_seed")
        if self.mail_page and not self.asked_to_stop():
            self.add("mail catcher", "-m", "advocacy.local.mailcatcher", "--smtp", str(smtp), "--page", str(page),
                     "--folder", str(self.place.mail), "--site", site)  # fmt: skip

    def add(self, name: str, *arguments: str) -> None:
        child = Child(name, (self.python, *arguments), self.environment, self.fresh_log(name))
        self.children.append(child)
        self.spawn(child)

    def launch(self) -> None:
        for remains in self.place.run.glob("beat-*"):
            remains.unlink(missing_ok=True)
        self.add("web", "-m", "gunicorn", "advocacy.wsgi", "--bind", f"127.0.0.1:{self.port}", "--workers", "2",
                 "--threads", "8", "--graceful-timeout", "5")  # fmt: skip
        self.add("worker", "-m", "celery", "-A", "advocacy", "worker", "--concurrency", "2", "--loglevel", "WARNING",
                 "--without-gossip", "--without-mingle")  # fmt: skip
        # A schedule file of its own for each clock: two that share one would damage it.
        self.add("clock", "-m", "celery", "-A", "advocacy", "beat", "--loglevel", "WARNING", "--pidfile", "",
                 "--schedule", str(self.place.run / f"beat-{os.getpid()}"))  # fmt: skip

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + READY_SECONDS
        said = "no answer yet"
        while not self.asked_to_stop():
            for child in self.children:
                if child.process and child.process.poll() is not None:
                    raise Trouble(
                        f"The {child.name} ended while starting (exit code {child.process.returncode}). "
                        f"The end of {child.log}:\n{last_lines(child.log, 25)}"
                    )
            said = self.readiness()
            if said == "":
                return
            if time.monotonic() > deadline:
                raise Trouble(f"The portal did not get ready within {READY_SECONDS} seconds: {said}")
            time.sleep(0.2)

    def readiness(self) -> str:
        """Nothing when the portal is ready, otherwise what it says."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", "/readyz")
            answer = connection.getresponse()
            body = answer.read().decode("utf-8", "replace")
            return "" if answer.status == 200 else f"{answer.status} {body[:400]}"
        except (OSError, http.client.HTTPException) as problem:
            return str(problem)
        finally:
            connection.close()

    def greet(self) -> None:
        lines = [f"ready http://127.0.0.1:{self.port}/", "", f"Sign in at http://127.0.0.1:{self.port}/accounts/login/"]
        lines += [f"  {address:<22} {what}" for address, what in SIGN_INS]
        lines += [f"  password {PASSWORD}", ""]
        if self.mail_page:
            lines.append(f"Mail the portal sent: {self.mail_page}")
        lines.append("The data are kept in .local/. Ctrl-C ends the portal and its database.")
        sys.stdout.write("\n" + "\n".join(lines) + "\n")
        sys.stdout.flush()

    def watch(self) -> int:
        """Look after the processes until a signal comes; one that ends is named and started again."""
        while not self.asked_to_stop():
            for child in self.children:
                if child.process is None or child.process.poll() is None:
                    continue
                code = child.process.returncode
                end_groups([child.process.pid], patience=5)  # what it left behind
                now = time.monotonic()
                child.ended_at = [moment for moment in child.ended_at if now - moment < 60] + [now]
                if len(child.ended_at) >= TRIES:
                    self.say(
                        f"The {child.name} ended {TRIES} times within a minute (exit code {code}), so the demo ends. "
                        f"The end of {child.log}:\n{last_lines(child.log, 25)}"
                    )
                    return 1
                self.say(f"The {child.name} ended (exit code {code}); starting it again. Its log: {child.log}")
                self.spawn(child)
            self._look_after_services()
            time.sleep(0.5)
        return 0

    def _look_after_services(self) -> None:
        """Our own services can be killed, too; their data are on disk."""
        for name, variable, lives, start in (
            ("PostgreSQL", "DATABASE_URL", self.place.postgres.postmaster, self.place.postgres.start),
            ("Valkey", "REDIS_URL", self.place.valkey.identity, self.place.valkey.start),
        ):
            if os.environ.get(variable) or lives() is not None or self.asked_to_stop():
                continue
            self.say(f"{name} ended; starting it again.")
            with self.place.alone():
                start()

    def end(self) -> None:
        """End every process and the services; a second signal makes it quick."""
        if self.children or not self.asked_to_stop():
            self.say("\nEnding …")
        groups = [child.process.pid for child in self.children if child.process]
        end_groups(groups, hurry=self.in_a_hurry)
        place = Place(self.root, say=self.say)  # one that does not look at the flag
        if place.run.is_dir():
            place.stop()
            with contextlib.suppress(OSError):
                (place.run / "demo.json").unlink(missing_ok=True)
                for remains in place.run.glob("beat-*"):
                    remains.unlink(missing_ok=True)
                if place.env_file.exists():
                    place.write({"EMAIL_URL": "consolemail://"})
            self.say("Ended. The data stay in .local/.")


# --- what another start left, or still does ---------------------------------------------------------------------------
def read_record(place: Place) -> dict[str, object]:
    try:
        record = json.loads((place.run / "demo.json").read_text())
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


def identity_in(entry: object) -> Identity | None:
    if isinstance(entry, dict) and isinstance(entry.get("pid"), int):
        return Identity(entry["pid"], float(entry.get("born") or 0))
    return None


def clean_up_after_killed(place: Place, *, say: Say) -> None:
    """End the processes that a killed supervisor left. PostgreSQL and Valkey are taken over when they start."""
    record = read_record(place)
    entries = record.get("groups")
    left = [
        identity.pid
        for entry in (entries if isinstance(entries, list) else [])
        if (identity := identity_in(entry)) and (identity.alive() or orphaned_group(identity))
    ]
    if left:
        say("An earlier demo was killed here; ending what it left running.")
        end_groups(left)
    with contextlib.suppress(OSError):
        (place.run / "demo.json").unlink(missing_ok=True)


def orphaned_group(identity: Identity) -> bool:
    """The leader is gone but its workers are not; nobody can have been given the number of a living group."""
    return Identity.of(identity.pid) is None and group_lives(identity.pid)


@contextlib.contextmanager
def only_one(place: Place) -> Iterator[None]:
    """One demo for each checkout: the lock goes with the process, however it ends."""
    place.make()
    with (place.run / "demo.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as problem:
            port = read_record(place).get("port")
            where = f" at http://127.0.0.1:{port}/" if port else ""
            raise Trouble(
                f"The demo already runs from this folder{where}. End it first (Ctrl-C there, or make stop)."
            ) from problem
        yield


def end_running_demo(place: Place, *, say: Say) -> None:
    """For ``make stop``: end a demo that runs in another terminal, or the remains of a killed one."""
    supervisor = identity_in(read_record(place).get("supervisor"))
    if supervisor is not None and supervisor.alive() and supervisor.pid != os.getpid():
        say("Ending the demo that runs from this folder …")
        with contextlib.suppress(ProcessLookupError):
            os.kill(supervisor.pid, signal.SIGTERM)
        deadline = time.monotonic() + 60
        while supervisor.alive() and time.monotonic() < deadline:
            collect_dead()
            time.sleep(0.1)
    clean_up_after_killed(place, say=say)


def demo(port_text: str, *, say: Say) -> int:
    try:
        port = int(port_text)
    except ValueError:
        port = 0
    if not 1024 <= port <= 65500:
        raise Trouble(f"PORT={port_text} is not a port from 1024 to 65500. For example: make demo PORT=8000")
    with only_one(Place(say=say)):
        return Supervisor(port, say=say).run()
