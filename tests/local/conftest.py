"""A checkout of its own for each test: the same code, another ``.local``."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from advocacy.local.services import ROOT, Place
from tests.services_plugin import new_folder

PARTS = (
    "advocacy", "advocates", "opportunities", "community", "newsletter", "templates", "static", "manage.py",
    "gunicorn.conf.py", "Makefile", "requirements.lock",
)  # fmt: skip


class Checkout:
    """A copy of the project in which commands are run as a person would."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.place = Place(root)
        self.running: list[subprocess.Popen[str]] = []
        ours = {"DATABASE_URL", "REDIS_URL", "EMAIL_URL", "SECRET_KEY", "ADVOCACY_MODE", "SITE_URL"}
        self.environment = {
            name: text for name, text in os.environ.items() if name not in ours and not name.startswith("PYTEST")
        }
        self.environment["PYTHONDONTWRITEBYTECODE"] = "1"

    def run(self, *arguments: str, seconds: float = 120, **environment: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "advocacy.local", *arguments], cwd=self.root, capture_output=True, text=True,
            env={**self.environment, **environment}, timeout=seconds, check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip

    def python(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, *arguments], cwd=self.root, capture_output=True, text=True, env=self.environment,
            timeout=120, check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip

    def demo(self, port: int, **environment: str) -> "Demo":
        with (self.root / "demo.out").open("w") as out:
            process = subprocess.Popen(
                [sys.executable, "-m", "advocacy.local", "demo", "--port", str(port)], cwd=self.root, stdout=out,
                stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, start_new_session=True, text=True,
                env={**self.environment, **environment},
            )  # fmt: skip
        self.running.append(process)
        return Demo(self, process, port)

    def processes(self) -> list[psutil.Process]:
        """Everything that runs from this checkout, by its folder or its command line."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error, OSError):
                if process.status() == psutil.STATUS_ZOMBIE or process.pid == os.getpid():
                    continue
                if str(self.root) in " ".join(process.cmdline()) or Path(process.cwd()).is_relative_to(self.root):
                    found.append(process)
        return found

    def clear_away(self) -> None:
        for process in self.running:
            process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(40)
        for left in self.processes():
            with contextlib.suppress(psutil.Error):
                left.kill()
        outside = self.root / ".local" / "postgres"
        if outside.is_symlink():
            shutil.rmtree(outside.resolve().parent, ignore_errors=True)


class Demo:
    """``make demo`` in a checkout."""

    def __init__(self, checkout: Checkout, process: "subprocess.Popen[str]", port: int) -> None:
        self.checkout = checkout
        self.process = process
        self.port = port

    @property
    def output(self) -> str:
        return (self.checkout.root / "demo.out").read_text()

    def wait_for(self, words: str, seconds: float = 180) -> None:
        self.wait(lambda: words in self.output, seconds, words)

    def wait(self, true: Callable[[], bool], seconds: float, what: str) -> None:
        deadline = time.monotonic() + seconds
        while not true():
            assert self.process.poll() is None, f"The demo ended before “{what}”:\n{self.output}"
            assert time.monotonic() < deadline, f"Waited {seconds} s for “{what}”:\n{self.output}"
            time.sleep(0.1)

    def ended(self, seconds: float = 60) -> int:
        return self.process.wait(seconds)


@pytest.fixture
def checkout() -> Iterator[Checkout]:
    root = new_folder()
    for part in PARTS:
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(source, root / part, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
        elif source.exists():
            shutil.copy2(source, root / part)
    one = Checkout(root)
    yield one
    one.clear_away()
