"""``make bench``: run every benchmark of this folder and collect what they print into one JSON.

Each file here is a script of its own that prints one JSON object and leaves with an error when a figure misses its
limit or when the content it produced is wrong. ``python -m tests.benchmarks board match`` runs only those.
"""

import argparse
import json
import os
import platform
import secrets
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

from advocacy.local.postgres import Postgres
from advocacy.local.processes import Trouble
from advocacy.local.valkey import Valkey

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent


def names() -> list[str]:
    return sorted(file.stem for file in HERE.glob("*.py") if not file.stem.startswith("_"))


def machine() -> dict[str, Any]:
    model = ""
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
                break
    except OSError:
        model = platform.processor()
    return {
        "system": platform.platform(),
        "processor": model,
        "cores": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 2**30, 1),
        "python": platform.python_version(),
    }


def commit() -> str:
    done = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return done.stdout.strip()


def last_json(text: str) -> Any:
    """The last JSON object a script printed, on one line or on many; None when there is none."""
    decoder = json.JSONDecoder()
    found, position = None, 0
    while (start := text.find("{", position)) != -1:
        if start and text[start - 1] != "\n":
            position = start + 1
            continue
        try:
            found, position = decoder.raw_decode(text, start)
        except ValueError:
            position = start + 1
    return found


def run(name: str, environment: dict[str, str]) -> dict[str, Any]:
    sys.stderr.write(f"{name} …\n")
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", f"tests.benchmarks.{name}"], cwd=ROOT, env=environment, stdout=subprocess.PIPE,
        text=True, stdin=subprocess.DEVNULL, check=False,
    )  # fmt: skip
    seconds = round(time.monotonic() - began, 1)
    figures = last_json(done.stdout)
    result: dict[str, Any] = {"passed": done.returncode == 0, "seconds": seconds, "figures": figures}
    if result["figures"] is None:
        result["passed"] = False
        result["output"] = done.stdout[-2000:]
    sys.stderr.write(f"{name} {'passed' if result['passed'] else 'FAILED'} after {seconds} s\n")
    return result


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(names())}; all without one")
    parser.add_argument("--output", type=Path, help="also write the JSON to this file")
    chosen = parser.parse_args()
    unknown = sorted(set(chosen.names) - set(names()))
    if unknown:
        parser.error(f"there is no benchmark {', '.join(unknown)}; there are {', '.join(names())}")
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "advocacy.settings", "PYTHONWARNINGS": "ignore"}
    environment.setdefault("ADVOCACY_MODE", "test")
    environment.setdefault("SECRET_KEY", secrets.token_urlsafe(64))
    with tempfile.TemporaryDirectory(prefix="portal-bench-") as made:
        folder = Path(made)
        folder.chmod(0o755)
        postgres, valkey = Postgres(folder / "postgres", settings={"shared_buffers": "1GB"}), Valkey(folder / "valkey")
        try:
            if not environment.get("DATABASE_URL"):
                postgres.start()
                postgres.ensure_database()
                environment["DATABASE_URL"] = postgres.url()
            if not environment.get("REDIS_URL"):
                valkey.start()
                environment["REDIS_URL"] = valkey.url()
            results = {name: run(name, environment) for name in (chosen.names or names())}
        except Trouble as trouble:
            sys.stderr.write(f"{trouble}\n")
            return 1
        finally:
            postgres.stop()
            valkey.stop()
    report = {
        "machine": machine(), "commit": commit(), "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "benchmarks": results,
    }  # fmt: skip
    text = json.dumps(report, indent=2)
    sys.stdout.write(f"{text}\n")
    if chosen.output:
        chosen.output.write_text(f"{text}\n")
    return 0 if all(result["passed"] for result in results.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
