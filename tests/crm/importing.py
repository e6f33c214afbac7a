"""Loading a file in a test, as the command does: what it printed, counted and refused."""

import csv
import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.core.management.base import CommandError


@dataclass
class Loaded:
    """What one run of the command said."""

    code: int
    out: str
    counts: dict[str, int]
    refused: list[dict[str, str]] = field(default_factory=list)

    @property
    def reasons(self) -> list[str]:
        return [row["import_error"] for row in self.refused]


Load = Callable[..., Loaded]


def loader(folder: Path) -> Load:
    """A function that writes a file, loads it and says what came of it."""

    def load(kind: str, content: str | bytes, *, map: str = "", dry_run: bool = False) -> Loaded:
        path, rejects = folder / "file.csv", folder / "rejects.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        options: dict[str, Any] = {"dry_run": dry_run, "rejects": str(rejects)}
        if map:
            (folder / "map.toml").write_text(map)
            options["map"] = str(folder / "map.toml")
        return run_command(kind, str(path), rejects=rejects, options=options)

    return load


def run_command(kind: str, path: str, *, rejects: Path | None = None, options: Mapping[str, Any]) -> Loaded:
    out, code = io.StringIO(), 0
    try:
        call_command("import_csv", kind, path, stdout=out, stderr=out, **options)
    except SystemExit as end:
        code = int(end.code or 0)
    except CommandError as error:
        return Loaded(error.returncode, f"{out.getvalue()}{error}", {})
    text = out.getvalue()
    refused: list[dict[str, str]] = []
    if rejects is not None and rejects.exists():
        said = rejects.read_text("utf-8-sig")
        mark = max(",;\t|", key=said.partition("\n")[0].count)
        refused = list(csv.DictReader(io.StringIO(said), delimiter=mark))
    return Loaded(code, text, json.loads(text.strip().splitlines()[-1]), refused)
