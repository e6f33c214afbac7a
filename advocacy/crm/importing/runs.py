"""The course of an import: where its file lies, who runs it, how far it is, how it is stopped and taken up again.

Progress is written on a second connection, for the load itself is one transaction that nobody can look into. Its last
statement says ``done`` under the condition that nobody has cancelled it or taken it over: then facts and report stand
together, or neither does.
"""

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import Any, BinaryIO, cast
from uuid import uuid4

import structlog
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import UploadedFile
from django.db import DatabaseError, connection, transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from advocacy.crm import derived
from advocacy.crm.importing.kinds import Kind, kind_of
from advocacy.crm.importing.loading import RUN_LOCK, Cancelled, Outcome, Source, load, plan_for, said_of
from advocacy.crm.importing.mapping import REASON_COLUMN, BadMap, Map, Plan, automatic
from advocacy.crm.importing.reading import BadFile, Found, Opener
from advocacy.crm.importing.recipes import fitting
from advocacy.crm.importing.values import defuse
from advocacy.crm.models import ImportRow, ImportRun, SavedMap
from advocacy.lib.jobs import nudge
from advocacy.lib.lifecycle import Refused

logger = structlog.get_logger(__name__)

BEAT_EVERY = 0.5  # seconds between two lines of progress
FOLDER = "imports"
LARGEST_FILE = 1 << 30
KEEP_FILES = timedelta(days=7)
KEEP_RESULTS = timedelta(days=90)
UNDER_WAY = (ImportRun.Status.QUEUED, ImportRun.Status.RUNNING)
OVER = (ImportRun.Status.DONE, ImportRun.Status.FAILED, ImportRun.Status.CANCELLED)


# --- Files ------------------------------------------------------------------------------------------------------------
def opener_of(run: ImportRun) -> Opener:
    def opened() -> BinaryIO:
        return cast(BinaryIO, default_storage.open(run.stored_as, "rb").file)

    return opened


def has_file(run: ImportRun) -> bool:
    return bool(run.stored_as) and default_storage.exists(run.stored_as)


def source_of(run: ImportRun) -> Source:
    """The stored file of a run; raises ``BadFile`` when it has gone or cannot be read."""
    if not has_file(run):
        raise BadFile(_("The file is no longer kept here. Upload it again."))
    encoding, delimiter = _reading(run)
    known = run.report.get("found")
    if known and (known["asked"] == [encoding, delimiter]):
        # One look through a large file is enough; what it found is kept with the run.
        found = Found(**{name: known[name] for name in known if name not in ("asked", "header")})
        return Source(opener_of(run), found, known["header"])
    source = Source.of(opener_of(run), encoding=encoding, delimiter=delimiter)
    run.report = {**run.report, "found": _kept(source, [encoding, delimiter])}
    return source


def _reading(run: ImportRun) -> tuple[str, str]:
    """What the run's map says about how the file is read, as far as it can be understood."""
    try:
        map_ = map_of(run)
    except BadMap:
        return "", ""
    return map_.encoding, map_.delimiter


def _kept(source: Source, asked: list[str]) -> dict[str, Any]:
    return {**asdict(source.found), "header": source.header, "asked": asked}


def map_of(run: ImportRun) -> Map:
    kind = kind_of(run.kind)
    if kind is None:
        raise BadMap(_("Nothing here imports “{kind}”.").format(kind=run.kind))
    return Map.lenient(kind, run.map)


def keep_upload(kind: Kind, upload: UploadedFile, *, by: Any, at: datetime, map_: Map | None = None) -> ImportRun:
    """Store an uploaded file with a first map; nothing is loaded before somebody says so."""
    if not upload.size:
        raise Refused(_("The file is empty."))
    if upload.size > LARGEST_FILE:
        raise Refused(_("The file is larger than {size} MB. Split it, or load it with manage.py import_csv.").format(
            size=LARGEST_FILE >> 20))  # fmt: skip
    name = Path(upload.name or "import.csv").name[:255]
    stored = default_storage.save(f"{FOLDER}/{uuid4().hex}.csv", upload)
    run = ImportRun(
        kind=kind.slug, file_name=name, stored_as=stored, map=dict(map_.data) if map_ else {}, started_by=by,
        created_at=at,
    )  # fmt: skip
    try:
        source = source_of(run)
    except BadFile as problem:
        default_storage.delete(stored)
        raise Refused(str(problem)) from None
    if map_ is None:
        kept = saved_for(kind, source.header)
        run.map = dict(kept.map) if kept else _map_of_last_time(kind, source.header) or automatic(kind, source.header)
        if kept:
            run.report = {**run.report, "saved_map": kept.name}
    run.save()
    return run


# --- Maps that are kept -----------------------------------------------------------------------------------------------
def saved_for(kind: Kind, header: list[str]) -> SavedMap | None:
    """The map kept last for a file with these columns, whatever their order; refused rows have one column more."""
    columns = {column.strip() for column in header} - {REASON_COLUMN}
    for kept in SavedMap.objects.filter(kind=kind.slug).order_by("-at", "-pk"):
        if {str(column).strip() for column in kept.header} - {REASON_COLUMN} == columns:
            return kept
    return None


def keep_map(run: ImportRun, name: str, *, by: Any, at: datetime) -> SavedMap:
    """Keep what a file's columns mean under a name; the same name again replaces what it stood for."""
    header = source_of(run).header
    kept, _new = SavedMap.objects.update_or_create(
        kind=run.kind, name=name, defaults={"map": run.map, "header": header, "by": by, "at": at}
    )
    return kept


def use_map(run: ImportRun, kept: SavedMap | None) -> None:
    """Put a kept map on a file that waits; without one the columns are guessed anew."""
    kind = kind_of(run.kind)
    if kind is None or run.status != ImportRun.Status.UPLOADED:
        raise Refused(_("This import has been started; its columns cannot be changed any more."))
    run.map = dict(kept.map) if kept else {}
    source = source_of(run)
    if kept is None:
        run.map = automatic(kind, source.header)
    run.report = {**run.report, "saved_map": kept.name if kept else ""}
    ImportRun.objects.filter(pk=run.pk, status=ImportRun.Status.UPLOADED).update(map=run.map, report=run.report)


def _map_of_last_time(kind: Kind, header: list[str]) -> dict[str, Any] | None:
    """The map under which a file with this header was loaded last; a file of refused rows has one column more."""
    headers = [header, header[:-1]] if header[-1:] == [REASON_COLUMN] else [header]
    done = ImportRun.objects.filter(kind=kind.slug, status=ImportRun.Status.DONE, report__header__in=headers)
    last = done.order_by("-pk").first()
    if last is None:
        return None
    styles = {style for style in last.report.get("dates", {}).values() if style != "iso"}
    # A few mended rows may not show any more in which order their dates are written.
    return dict(last.map) | ({"dates": styles.pop()} if len(styles) == 1 and not last.map.get("dates") else {})


def use_recipe(run: ImportRun, slug: str) -> None:
    """Read a file that waits by one of the maps that come with the portal; several records may come of a row."""
    kind = kind_of(run.kind)
    if kind is None or run.status != ImportRun.Status.UPLOADED:
        raise Refused(_("This import has been started; its columns cannot be changed any more."))
    header = source_of(run).header
    recipe = next((one for one in fitting(kind, header) if one.slug == slug), None)
    made = recipe.map_for(header) if recipe else None
    if recipe is None or made is None:
        raise Refused(_("The columns of this file do not fit that. Choose another, or say what they mean below."))
    # How the file is read stays as somebody has said it.
    said = {key: run.map[key] for key in ("source", "dates", "encoding", "delimiter") if key in run.map}
    run.map = {**said, **made}
    run.report = {**run.report, "saved_map": str(recipe.title)}
    ImportRun.objects.filter(pk=run.pk, status=ImportRun.Status.UPLOADED).update(map=run.map, report=run.report)


# --- Its course -------------------------------------------------------------------------------------------------------
@transaction.atomic
def start(run: ImportRun, *, dry_run: bool, by: Any, at: datetime) -> ImportRun:
    """Queue an uploaded file for loading, or for saying what loading would do. Returns the run to watch.

    A file that was tried before is loaded under a run of its own, so that both reports can be read.
    """
    run = ImportRun.objects.select_for_update().get(pk=run.pk)
    if run.status in UNDER_WAY:
        raise Refused(_("This import is already under way."))
    if not has_file(run):
        raise Refused(_("The file is no longer kept here. Upload it again."))
    if run.status in OVER:
        report = {"found": run.report["found"]} if "found" in run.report else {}
        run = ImportRun(
            kind=run.kind, file_name=run.file_name, stored_as=run.stored_as, map=run.map, report=report, created_at=at
        )
    run.dry_run, run.started_by, run.status, run.error = dry_run, by, ImportRun.Status.QUEUED, ""
    run.save()
    return run


def loaded_by(run: ImportRun) -> ImportRun | None:
    """The run that loads, or has loaded, the file this one only tried."""
    if not run.stored_as:
        return None
    others = ImportRun.objects.filter(stored_as=run.stored_as, dry_run=False, pk__gt=run.pk)
    return others.filter(status__in=[ImportRun.Status.DONE, *UNDER_WAY]).order_by("pk").first()


@transaction.atomic
def prepare_again(run: ImportRun, *, by: Any, at: datetime) -> ImportRun:
    """The same file once more before loading, to say differently what its columns mean."""
    if run.status == ImportRun.Status.UPLOADED:
        return run
    if run.status in UNDER_WAY:
        raise Refused(_("This import is already under way."))
    if not has_file(run):
        raise Refused(_("The file is no longer kept here. Upload it again."))
    report = {"found": run.report["found"]} if "found" in run.report else {}
    return ImportRun.objects.create(
        kind=run.kind, file_name=run.file_name, stored_as=run.stored_as, map=run.map, report=report, started_by=by,
        created_at=at,
    )  # fmt: skip


def cancel(run: ImportRun, *, at: datetime) -> None:
    """Stop an import that waits or runs; the runner notices within a moment and takes everything back."""
    stopped = ImportRun.objects.filter(pk=run.pk, status__in=[ImportRun.Status.UPLOADED, *UNDER_WAY]).update(
        status=ImportRun.Status.CANCELLED, finished_at=at
    )
    if not stopped:
        raise Refused(_("This import is already over."))


def waiting(*, at: datetime) -> list[int]:
    """Runs that nobody works at: queued, or begun by somebody who is no longer there."""
    found = list(ImportRun.objects.filter(status=ImportRun.Status.QUEUED).order_by("pk").values_list("pk", flat=True))
    begun = ImportRun.objects.filter(status=ImportRun.Status.RUNNING, started_at__lt=at - timedelta(seconds=15))
    return found + [pk for pk in begun.order_by("pk").values_list("pk", flat=True) if not _alive(pk)]


def is_interrupted(run: ImportRun, *, at: datetime) -> bool:
    """Whether a running import has lost its runner: the lock its transaction holds is free."""
    if run.status != ImportRun.Status.RUNNING or run.started_at is None:
        return False
    return run.started_at < at - timedelta(seconds=15) and not _alive(run.pk)


def _alive(pk: int) -> bool:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", [RUN_LOCK, pk])
        return not cursor.fetchone()[0]


def claim(pk: int, *, at: datetime) -> ImportRun | None:
    """Take a waiting run; None when it has been cancelled or somebody else has it."""
    run = ImportRun.objects.filter(pk=pk).first()
    if run is None or not (run.status == ImportRun.Status.QUEUED or is_interrupted(run, at=at)):
        return None
    taken = ImportRun.objects.filter(pk=pk, status=run.status, attempt=run.attempt).update(
        status=ImportRun.Status.RUNNING, attempt=F("attempt") + 1, started_at=at, phase="reading", rows_read=0
    )
    return ImportRun.objects.get(pk=pk) if taken else None


def carry_out(pk: int, *, at: datetime | None = None) -> ImportRun | None:
    """Run a waiting import to its end, whatever that is. Returns None when there was nothing to run."""
    at = at or timezone.now()
    run = claim(pk, at=at)
    if run is None:
        return None
    if not run.stored_as:
        _end(run, ImportRun.Status.FAILED, _("It was interrupted; nothing was written. Start the command again."))
        return run
    try:
        source = source_of(run)
        plan = plan_for(source, map_of(run))
    except (BadFile, BadMap) as problem:
        _end(run, ImportRun.Status.FAILED, str(problem))
        return run
    perform(run, source, plan, at=at)
    return run


def perform(run: ImportRun, source: Source, plan: Plan, *, at: datetime) -> Outcome | None:
    """Load a file under a claimed run. None when it was cancelled or could not be loaded; the run says why."""
    with _Progress(run, estimate=max(source.found.lines - 1, 0)) as progress:
        try:
            outcome = load(
                source, plan, at=at, dry_run=run.dry_run, run=run.pk, by=run.started_by_id, beat=progress.beat,
                finish=_finisher(run, source, plan),
            )  # fmt: skip
        except Cancelled:
            ImportRun.objects.filter(pk=run.pk, attempt=run.attempt).update(finished_at=timezone.now())
            run.refresh_from_db()
            return None
        except BadFile as problem:
            _end(run, ImportRun.Status.FAILED, str(problem))
            return None
        except DatabaseError as problem:
            _end(run, ImportRun.Status.FAILED, said_of(problem))
            return None
    run.refresh_from_db()
    if run.pk in fed(since=run.finished_at or at):
        from advocacy.crm.tasks import derive_signals

        nudge(derive_signals)  # whoever loads a file need not wait for what follows from it
    return outcome


def fed(*, since: datetime) -> list[int]:
    """Imports that ended since then and may have led to signals that follow from facts."""
    rows = ImportRun.objects.filter(status=ImportRun.Status.DONE, dry_run=False, kind__in=derived.FED_BY)
    return list(rows.filter(finished_at__gte=since).values_list("pk", flat=True))


def _finisher(run: ImportRun, source: Source, plan: Plan) -> Callable[[Outcome], None]:
    def finish(outcome: Outcome) -> None:
        report = {
            "header": source.header,
            "encoding": source.found.encoding,
            "delimiter": source.found.delimiter,
            "dates": outcome.styles,
            "source": plan.source,
            "missing": plan.missing,
            "warnings": outcome.warnings,
            "superseded": outcome.superseded,
            "warned": outcome.warned,
        }
        done = ImportRun.objects.filter(pk=run.pk, status=ImportRun.Status.RUNNING, attempt=run.attempt).update(
            status=ImportRun.Status.DONE if outcome.loadable else ImportRun.Status.FAILED,
            error="" if outcome.loadable else _("Nothing in this file could be loaded."),
            finished_at=timezone.now(),
            rows_read=outcome.rows,
            phase="",
            report=run.report | report,
            **outcome.counts,
        )
        if not done:
            raise Cancelled

    return finish


def _end(run: ImportRun, status: str, error: str) -> None:
    ImportRun.objects.filter(pk=run.pk, status=ImportRun.Status.RUNNING, attempt=run.attempt).update(
        status=status, error=error[:500], finished_at=timezone.now(), phase=""
    )
    run.refresh_from_db()


class _Progress:
    """How far an import is, on a connection beside its transaction; there it also learns that it was cancelled."""

    def __init__(self, run: ImportRun, *, estimate: int) -> None:
        self._run = run
        self._estimate = estimate
        self._phase = ""
        self._last = 0.0
        self._beside: Any = None

    def __enter__(self) -> "_Progress":
        # In a test's own transaction the run cannot be seen from beside; then there is nobody to tell either.
        if not connection.in_atomic_block:
            self._beside = connection.copy()
        return self

    def __exit__(self, *_raised: object) -> None:
        if self._beside is not None:
            self._beside.close()

    def beat(self, phase: str, rows: int) -> None:
        if self._beside is None or (phase == self._phase and monotonic() - self._last < BEAT_EVERY):
            return
        self._phase, self._last = phase, monotonic()
        with self._beside.cursor() as cursor:
            cursor.execute(
                "UPDATE crm_importrun SET phase = %s, rows_read = %s, rows = greatest(%s, %s)"
                " WHERE id = %s AND status = 'running' AND attempt = %s",
                [phase, rows, rows, self._estimate, self._run.pk, self._run.attempt],
            )
            if not cursor.rowcount:
                raise Cancelled


def forget(*, at: datetime) -> None:
    """Files and refused rows hold people's data: they are kept as long as mending them may take, no longer."""
    old = ImportRun.objects.exclude(status__in=UNDER_WAY)
    in_use = set(
        ImportRun.objects.exclude(stored_as="")
        .exclude(status__in=[*OVER, ImportRun.Status.UPLOADED], created_at__lt=at - KEEP_FILES)
        .values_list("stored_as", flat=True)
    )
    for run in old.exclude(stored_as="").filter(created_at__lt=at - KEEP_FILES):
        if run.stored_as not in in_use:
            default_storage.delete(run.stored_as)
        ImportRun.objects.filter(pk=run.pk).update(stored_as="")
    ImportRow.objects.filter(run__in=old.filter(created_at__lt=at - KEEP_RESULTS)).delete()


# --- Refused rows, to mend and bring back -----------------------------------------------------------------------------
def rejects(run: ImportRun) -> Iterator[bytes]:
    """The refused rows as a CSV file in pieces: the file's own columns, and the reason in one more."""
    buffer = io.StringIO()
    delimiter = run.report.get("delimiter") or ","
    writer = csv.writer(buffer, delimiter=delimiter)
    header: Sequence[str] = run.report.get("header") or []
    again = bool(header) and header[-1] == REASON_COLUMN
    width = len(header) - again
    writer.writerow([*map(defuse, header[:width]), REASON_COLUMN])
    yield b"\xef\xbb\xbf" + _taken(buffer)
    refused = ImportRow.objects.filter(run=run, result="rejected").order_by("line", "pk")
    for count, row in enumerate(refused.values_list("raw", "reason").iterator(chunk_size=2_000), start=1):
        raw, reason = row
        cells = [*map(defuse, raw or [])][: width or None]
        writer.writerow([*cells, *[""] * (width - len(cells)), reason])
        if count % 500 == 0:
            yield _taken(buffer)
    if buffer.tell():
        yield _taken(buffer)


def _taken(buffer: io.StringIO) -> bytes:
    text = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return text.encode()
