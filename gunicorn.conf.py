"""Gunicorn's settings, for `make demo` and the container alike; the command line and the environment win over them."""

import os
import shutil
from pathlib import Path
from typing import Any

bind = os.environ.get("BIND", "127.0.0.1:8000")
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
# Threads wait for Postgres at little cost. Each keeps one connection: workers × threads is what Postgres must allow.
threads = int(os.environ.get("WEB_THREADS", "8"))
timeout = 60
graceful_timeout = 20
keepalive = 15
control_socket_disable = True  # its default lies in the home folder, where two portals would meet
max_requests = 20_000
max_requests_jitter = 2_000
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 - a heartbeat must not wait for a disk
forwarded_allow_ips = os.environ.get("FORWARDED_ALLOW_IPS", "127.0.0.1,::1")

_figures = os.environ.get("PROMETHEUS_MULTIPROC_DIR", "")


def on_starting(server: Any) -> None:
    """The figures of the last run are not those of this one."""
    if _figures:
        shutil.rmtree(_figures, ignore_errors=True)
        Path(_figures).mkdir(parents=True, exist_ok=True)


def child_exit(server: Any, worker: Any) -> None:
    """What an ended worker measured as of now no longer counts."""
    if _figures:
        from prometheus_client import multiprocess

        multiprocess.mark_process_dead(worker.pid)
