"""``make demo`` for real: ready, one process lost, Ctrl-C, killed, started again; and what is in its way (X7)."""

import json
import os
import re
import shutil
import signal
import smtplib
import socket
import subprocess
import sys
import time
from email.message import EmailMessage
from pathlib import Path

import psutil
import psycopg2
import pytest
import requests

from advocacy.local.processes import Identity, Trouble, free_port, port_is_free
from advocacy.local.services import ROOT
from advocacy.local.supervisor import Supervisor
from tests.faults.plant import copy_test_database
from tests.local.conftest import Checkout, Demo

ADDRESSES = ("advocate", "sales", "manager", "moderator", "lead", "admin")


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def prepared(checkout: Checkout, django_db_setup: None) -> Checkout:
    """A checkout that was started before: migrated, with a program, so that a start takes seconds."""
    assert checkout.run("services").returncode == 0
    copy_test_database(checkout.place.postgres, "advocacy")
    code = (
        "from django.utils import timezone\n"
        "from advocacy.crm.models import Account\n"
        "from advocacy.local import company\n"
        "Account.objects.create(source=company.SOURCE, external_id='kept', name='Kept Foods')"
    )
    done = checkout.python("manage.py", "shell", "-c", code)
    assert done.returncode == 0, done.stderr
    assert checkout.run("stop").returncode == 0
    return checkout


def status(port: int, path: str) -> int:
    return requests.get(f"http://127.0.0.1:{port}{path}", timeout=10).status_code


def one_of(checkout: Checkout, name: str) -> psutil.Process:
    record = json.loads((checkout.place.run / "demo.json").read_text())
    return psutil.Process(next(entry["pid"] for entry in record["groups"] if entry["name"] == name))


def everything_works(demo: Demo) -> None:
    assert status(demo.port, "/healthz") == 200
    assert status(demo.port, "/readyz") == 200
    assert status(demo.port, "/accounts/login/") == 200
    assert f"\nready http://127.0.0.1:{demo.port}/\n" in demo.output
    for name in ADDRESSES:
        assert f"{name}@demo.test" in demo.output
    assert "demo-portal" in demo.output


@pytest.mark.fault
class TestTheDemo:
    def test_lives_loses_a_process_ends_is_killed_and_comes_back(self, prepared: Checkout, port: int) -> None:
        demo = prepared.demo(port)
        demo.wait_for("Ctrl-C ends")
        everything_works(demo)
        _mail_is_caught(demo)

        second = prepared.run("demo", "--port", str(free_port()))
        assert (second.returncode, "already runs from this folder" in second.stderr) == (1, True)

        web = one_of(prepared, "web")
        web.kill()
        demo.wait_for("The web ended (exit code -9); starting it again.")
        demo.wait(lambda: _answers(port), 60, "web again")
        prepared.place.valkey.kill()
        demo.wait_for("Valkey ended; starting it again.")

        os.killpg(demo.process.pid, signal.SIGINT)  # Ctrl-C reaches the whole foreground group
        assert demo.ended() == 0
        assert prepared.processes() == []
        assert prepared.place.written()["EMAIL_URL"] == "consolemail://"

        again = prepared.demo(port)
        again.wait_for("Ctrl-C ends")
        os.kill(again.process.pid, signal.SIGKILL)
        again.process.wait()
        third = prepared.demo(port)
        third.wait_for("Ctrl-C ends")
        everything_works(third)
        assert _kept(prepared) == "Kept Foods"
        third.process.send_signal(signal.SIGTERM)
        assert third.ended() == 0
        assert prepared.processes() == []

    def test_a_signal_while_it_starts_ends_it_as_well(self, prepared: Checkout, port: int) -> None:
        demo = prepared.demo(port)
        demo.wait_for("Starting the portal's demo")
        demo.wait(lambda: (prepared.place.logs / "migrations.log").exists(), 30, "migrations")
        demo.process.send_signal(signal.SIGTERM)
        assert demo.ended() == 0
        assert prepared.processes() == []
        assert "ready" not in demo.output

    @pytest.mark.soak
    def test_from_nothing(self, checkout: Checkout, port: int) -> None:
        demo = checkout.demo(port)
        demo.wait_for("Ctrl-C ends", 300)
        everything_works(demo)
        assert checkout.run("stop").returncode == 0
        assert demo.ended() == 0
        assert checkout.processes() == []


def _answers(port: int) -> bool:
    try:
        return status(port, "/readyz") == 200
    except requests.RequestException:
        return False


def _kept(checkout: Checkout) -> str:
    connection = psycopg2.connect(host=str(checkout.place.postgres.sockets), user="postgres", dbname="advocacy")
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM crm_account WHERE external_id = 'kept'")
        return str(cursor.fetchone()[0])


def _mail_is_caught(demo: Demo) -> None:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "Rita <rita@company.test>", "ines@customer.test", "Would you call Lyon?"
    mail.set_content("Hello Inês")
    mail.add_alternative("<p>Hello <b>Inês</b></p><script>alert(1)</script>", subtype="html")
    smtp = demo.checkout.place.written()["EMAIL_URL"].rpartition(":")[2]
    with smtplib.SMTP("127.0.0.1", int(smtp)) as server:
        server.send_message(mail)
    found = re.search(r"Mail the portal sent: (\S+)", demo.output)
    assert found
    listed = requests.get(found[1], timeout=10)
    assert "unsafe" not in listed.headers["Content-Security-Policy"]
    assert "Would you call Lyon?" in listed.text
    link = re.search(r"/mail/[\w-]+", listed.text)
    assert link
    shown = requests.get(f"{found[1].rstrip('/')}{link[0]}/body", timeout=10)
    policy = shown.headers["Content-Security-Policy"]
    assert policy.startswith("sandbox ")
    assert "allow-scripts" not in policy
    assert "default-src 'none'" in policy
    stranger = requests.get(found[1], headers={"Host": "elsewhere.example"}, timeout=10)
    assert stranger.status_code == 403


class TestWhatIsInItsWay:
    def test_a_port_in_use(self, checkout: Checkout, port: int) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", port))
            taken.listen()
            done = checkout.run("demo", "--port", str(port))
        assert done.returncode == 1
        assert f"Port {port} is in use" in done.stderr
        assert "make demo PORT=" in done.stderr
        assert checkout.processes() == []

    @pytest.mark.parametrize("wrong", ["abc", "80", "70000", ""])
    def test_a_port_that_is_none(self, checkout: Checkout, wrong: str) -> None:
        done = checkout.run("demo", "--port", wrong)
        assert (done.returncode, "is not a port from 1024 to 65500" in done.stderr) == (1, True)

    def test_a_folder_that_cannot_be_written(self, checkout: Checkout) -> None:
        (checkout.root / ".local").write_text("a file where a folder belongs")
        done = checkout.run("demo", "--port", "8000")
        assert (done.returncode, "is in the way" in done.stderr) == (1, True)

    def test_a_port_that_a_killed_demo_still_holds_is_its_own(self, tmp_path: Path, port: int) -> None:
        demo = Supervisor(port, say=lambda _words: None, root=tmp_path)
        demo.place.make()
        left = subprocess.Popen(
            [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1"],
            start_new_session=True,
            stderr=subprocess.DEVNULL,
        )
        try:
            deadline = time.monotonic() + 20
            while port_is_free(port) and time.monotonic() < deadline:
                time.sleep(0.05)
            identity = Identity.of(left.pid)
            assert identity
            record = {"groups": [{"name": "web", **identity.as_dict()}]}
            (demo.place.run / "demo.json").write_text(json.dumps(record))

            def prepare() -> None:
                raise Trouble("It went on.")

            demo.prepare = prepare  # type: ignore[method-assign]
            with pytest.raises(Trouble, match="It went on"):
                demo.run()
            assert port_is_free(port)
        finally:
            left.kill()
            left.wait()


class TestTheEnvironment:
    """What ``make`` says before there is a Python to say it."""

    def make(self, checkout: Checkout, path: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            ["/usr/bin/make", "services", *arguments], cwd=checkout.root, capture_output=True, text=True, check=False,
            env={"PATH": path, "HOME": str(checkout.root)}, stdin=subprocess.DEVNULL,
        )  # fmt: skip

    def fake(self, folder: Path, name: str, body: str) -> None:
        folder.mkdir(exist_ok=True)
        program = folder / name
        program.write_text(f"#!/bin/sh\n{body}\n")
        program.chmod(0o755)

    @pytest.fixture(autouse=True)
    def _needs_make(self) -> None:
        if not Path("/usr/bin/make").exists():
            pytest.skip("make is not installed at /usr/bin/make.")

    @pytest.fixture
    def tools(self, checkout: Checkout) -> Path:
        """A PATH with the shell's tools and no Python at all."""
        folder = checkout.root / "tools"
        folder.mkdir()
        for name in ("sh", "cmp", "cp", "mkdir", "touch", "rm", "env"):
            (folder / name).symlink_to(str(shutil.which(name)))
        return folder

    def test_no_python(self, checkout: Checkout, tools: Path) -> None:
        done = self.make(checkout, str(tools))
        assert done.returncode != 0
        assert "needs Python 3.11 or newer, and there is no python3" in done.stderr

    def test_an_old_python(self, checkout: Checkout, tools: Path) -> None:
        self.fake(tools, "python3", 'if [ "$1" = -V ]; then echo Python 3.9.2; else exit 1; fi')
        done = self.make(checkout, str(tools))
        assert "needs Python 3.11 or newer; python3 here is Python 3.9.2" in done.stderr
        assert not (checkout.root / ".venv").exists()

    def test_a_python_without_venv(self, checkout: Checkout, tools: Path) -> None:
        body = 'case "$2" in *ensurepip*) exit 1;; *print*) echo 3.12; exit 0;; *version_info*) exit 0;; esac; exit 0'
        self.fake(tools, "python3", body)
        done = self.make(checkout, str(tools))
        assert done.returncode != 0
        assert "apt install python3.12-venv" in done.stderr
        assert not (checkout.root / ".venv").exists()

    def test_the_lock_names_no_registry(self) -> None:
        assert "://" not in (ROOT / "requirements.lock").read_text()
