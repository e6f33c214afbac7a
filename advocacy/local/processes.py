"""Processes and ports: who runs, who is still ours after a crash, how to end a whole group."""

import contextlib
import os
import signal
import socket
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil


class Trouble(Exception):
    """Something a person has to know or do before it can go on; the text is that sentence."""


@dataclass(frozen=True)
class Identity:
    """A process that cannot be mistaken for a later one that was given the same number."""

    pid: int
    born: float

    @classmethod
    def of(cls, pid: int) -> "Identity | None":
        try:
            return cls(pid, round(psutil.Process(pid).create_time(), 1))
        except psutil.Error:
            return None

    def alive(self) -> bool:
        try:
            process = psutil.Process(self.pid)
            # The start time is derived from the boot time, which may be corrected by a fraction of a second.
            return abs(process.create_time() - self.born) < 2 and process.status() != psutil.STATUS_ZOMBIE
        except psutil.Error:
            return False

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def group_lives(group: int) -> bool:
    """Whether any process of this group still runs; a dead one that nobody has collected yet does not count."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, ProcessLookupError):
            if os.getpgid(process.pid) == group and process.status() != psutil.STATUS_ZOMBIE:
                return True
    return False


def end_groups(groups: Iterable[int], *, patience: float = 15.0, hurry: Callable[[], bool] = lambda: False) -> None:
    """Ask each process group to end, then make it; returns when none of them has a living process."""
    waiting = list(groups)
    for group in waiting:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGTERM)
    deadline = time.monotonic() + patience
    while waiting and time.monotonic() < deadline and not hurry():
        collect_dead()
        waiting = [group for group in waiting if group_lives(group)]
        if waiting:
            time.sleep(0.1)
    for group in waiting:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)
    deadline = time.monotonic() + 5
    while any(group_lives(group) for group in waiting) and time.monotonic() < deadline:
        collect_dead()
        time.sleep(0.05)


def collect_dead() -> None:
    """Collect children of ours that have ended, so that they do not look alive."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def end_process(identity: Identity, *, patience: float = 10.0) -> None:
    """End one process that may not be our child."""
    with contextlib.suppress(psutil.Error):
        if not identity.alive():
            return
        process = psutil.Process(identity.pid)
        process.terminate()
        try:
            process.wait(patience)
        except psutil.TimeoutExpired:
            process.kill()
            process.wait(5)


def port_is_free(port: int, host: str = "127.0.0.1") -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def free_port(wanted: Iterable[int] = ()) -> int:
    """The first free port of those wanted, or any free one."""
    for port in wanted:
        if 1024 <= port <= 65535 and port_is_free(port):
            return port
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def holder_of(port: int) -> str:
    """Who listens on a port, as far as the system tells us, for a sentence: ``python (process 123)`` or nothing."""
    with contextlib.suppress(psutil.Error, OSError):
        for connection in psutil.net_connections(kind="tcp"):
            if connection.status == psutil.CONN_LISTEN and connection.laddr and connection.laddr.port == port:
                if connection.pid is None:
                    return ""
                return f"{psutil.Process(connection.pid).name()} (process {connection.pid})"
    return ""


def make_folder(folder: Path, mode: int = 0o755) -> Path:
    """A folder that we can write to, or a sentence why not."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".can-write-{os.getpid()}"
        probe.touch()
        probe.unlink()
        if folder.stat().st_uid == os.geteuid() and folder.stat().st_mode & 0o777 != mode:
            folder.chmod(mode)
    except FileExistsError as problem:
        raise Trouble(f"{folder} is in the way: it must be a folder. Move it aside and start again.") from problem
    except OSError as problem:
        raise Trouble(
            f"The folder {folder} cannot be written to ({problem.strerror}). "
            "Put the project where you may write, or give yourself the right to, and start again."
        ) from problem
    return folder


def last_lines(file: Path, count: int = 12) -> str:
    try:
        with file.open("rb") as log:
            log.seek(max(0, file.stat().st_size - 16_384))
            text = log.read().decode("utf-8", "replace")
    except OSError:
        return ""
    return "\n".join(text.splitlines()[-count:])
