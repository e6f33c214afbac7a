"""``manage.py import_csv KIND FILE``: load a CSV file of accounts, contacts, deals …, as the page does."""

import json
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any, BinaryIO

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.translation import gettext as _

from advocacy.crm.importing import mapping, runs
from advocacy.crm.importing.kinds import all_kinds, kind_of
from advocacy.crm.importing.loading import Source
from advocacy.crm.importing.reading import BadFile
from advocacy.crm.models import ImportRow, ImportRun

SHOWN = 10
"""How many refused rows the command itself prints."""


class Command(BaseCommand):
    help = "Load a CSV file. The last line printed is JSON with the counts."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("kind", metavar="KIND", help=f"one of: {', '.join(kind.slug for kind in all_kinds())}")
        parser.add_argument("file", metavar="FILE", help="the CSV file")
        parser.add_argument("--map", metavar="MAP.toml", help="which column feeds which field (docs/importing.md)")
        parser.add_argument("--dry-run", action="store_true", help="say what loading would do, and load nothing")
        parser.add_argument("--rejects", metavar="FILE", help="where to write refused rows, to mend and load again")

    def handle(self, *_arguments: Any, **options: Any) -> None:
        kind = kind_of(options["kind"])
        if kind is None:
            known = ", ".join(kind.slug for kind in all_kinds())
            raise CommandError(
                _("“{kind}” cannot be imported. Kinds are: {known}.").format(kind=options["kind"], known=known),
                returncode=2,
            )
        path = Path(options["file"])
        if not path.is_file():
            raise CommandError(_("There is no file “{path}”.").format(path=path), returncode=2)
        map_ = self._map(kind, options["map"]) if options["map"] else None

        def opener() -> BinaryIO:
            return path.open("rb")

        try:
            source = Source.of(opener, encoding=map_.encoding if map_ else "", delimiter=map_.delimiter if map_ else "")
        except PermissionError:
            raise CommandError(_("“{path}” may not be read.").format(path=path), returncode=2) from None
        except BadFile as problem:
            self.stderr.write(str(problem))
            self._finish({"rows": 0, "created": 0, "updated": 0, "unchanged": 0, "rejected": 0}, loadable=False)
            return
        if map_ is None:
            # A file none of whose columns is known feeds nothing: then every row is refused for what it lacks.
            map_ = mapping.Map.lenient(kind, mapping.automatic(kind, source.header))
        rejects = self._rejects_file(options["rejects"]) if options["rejects"] else None
        plan = self._plan(source, map_)
        at = timezone.now()
        run = ImportRun.objects.create(
            kind=kind.slug, file_name=path.name[:255], map=dict(map_.data), dry_run=options["dry_run"], attempt=1,
            status=ImportRun.Status.RUNNING, created_at=at, started_at=at,
        )  # fmt: skip
        try:
            outcome = runs.perform(run, source, plan, at=at)
        except KeyboardInterrupt:
            runs.cancel(run, at=timezone.now())
            self.stderr.write(_("Cancelled; nothing was written."))
            sys.exit(130)
        if outcome is None:
            self.stderr.write(run.error or _("The import was cancelled; nothing was written."))
            self._finish(
                {"rows": run.rows_read, "created": 0, "updated": 0, "unchanged": 0, "rejected": 0}, loadable=False
            )
            return
        self._tell(run, plan, outcome)
        if rejects is not None:
            with rejects:
                for piece in runs.rejects(run):
                    rejects.write(piece)
        self._finish(outcome.counts, loadable=outcome.loadable)

    def _map(self, kind: Any, name: str) -> mapping.Map:
        path = Path(name)
        if not path.is_file():
            raise CommandError(_("There is no map “{path}”.").format(path=path), returncode=2)
        try:
            return mapping.from_toml(kind, path.read_bytes())
        except (mapping.BadMap, OSError) as problem:
            raise CommandError(f"{path}: {problem}", returncode=2) from None

    def _rejects_file(self, name: str) -> BinaryIO:
        try:
            return Path(name).open("wb")
        except OSError as problem:
            raise CommandError(
                _("Refused rows cannot be written to “{path}”: {reason}.").format(path=name, reason=problem.strerror),
                returncode=2,
            ) from None

    def _plan(self, source: Source, map_: mapping.Map) -> mapping.Plan:
        plan = mapping.Plan(map_, source.header, source.sample())
        found = source.found
        mark = {"\t": "tab"}.get(found.delimiter, found.delimiter)
        self.stdout.write(f"Encoding {found.encoding}, delimiter {mark}, source “{map_.source}”")
        for record in map_.records:
            fed = ", ".join(f"{name} ← {feed.shown}" for name, feed in record.feeds.items() if name in plan.given)
            self.stdout.write(f"  {fed}")
        for column, style in plan.styles.items():
            self.stdout.write(f"  dates of “{column}”: {style}")
        return plan

    def _tell(self, run: ImportRun, plan: mapping.Plan, outcome: Any) -> None:
        for warning in outcome.warnings:
            self.stdout.write(f"Warning: {warning}")
        for missing in plan.missing:
            self.stdout.write(missing)
        shown = ImportRow.objects.filter(run=run, result="rejected").order_by("line", "pk")[:SHOWN]
        for row in shown if not plan.missing else ():
            self.stdout.write(f"  row {row.line} {row.external_id}: {row.reason}")
        if outcome.rejected > SHOWN and not plan.missing:
            self.stdout.write(_("  … and {count} more refused rows").format(count=outcome.rejected - SHOWN))
        if run.dry_run:
            self.stdout.write(_("Dry run: nothing was written."))

    def _finish(self, counts: dict[str, int], *, loadable: bool) -> None:
        self.stdout.write(json.dumps(counts))
        self.stdout.flush()
        if not loadable:
            sys.exit(1)
