"""Long exports (P26, X11): a worker opens the very list somebody asked for, as them, and keeps what it would show.

So the rows are those their rights leave them when it is written, and the rights are asked for once more when it is
fetched. A worker may be killed at any moment: whoever comes next begins the file anew.
"""

import tempfile
from collections.abc import Iterator
from datetime import datetime, timedelta
from time import monotonic
from typing import Any

import structlog
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.files.base import File
from django.core.files.storage import default_storage
from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.http import Http404, HttpRequest, QueryDict
from django.urls import resolve, reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from advocacy.lib import export
from advocacy.lib.jobs import nudge
from advocacy.lib.lifecycle import Refused
from advocacy.lib.models import LongExport
from advocacy.users import tasks
from advocacy.users.models import User
from advocacy.users.saving import may_open

logger = structlog.get_logger(__name__)

Status = LongExport.Status
UNDER_WAY = (Status.QUEUED, Status.RUNNING)
FOLDER = "exports"
KEEP_FILES = timedelta(hours=24)
KEEP_ROWS = timedelta(days=30)
LONGEST_FILTER = 2_000
"""Bytes of an address; the index that keeps a double click one export holds no more than this."""
DEAD_AFTER = timedelta(seconds=60)
"""Without a sign of life a worker is taken for dead."""
TRIES = 3
BEAT_EVERY = 0.5  # seconds between two notes of progress


class Stopped(Exception):
    """It was cancelled, or another worker has it."""


# --- Asking -----------------------------------------------------------------------------------------------------------
def begin(request: HttpRequest, what: str, kind: str, count: int) -> str:
    """Note down that this list is wanted, once however often the button is pressed; returns the page to wait on."""
    query = export.filter_of(request)
    if len(query.encode()) > LONGEST_FILTER:
        messages.warning(request, _("This filter is too long for a list of this length. Take some of it away."))
        return f"{request.path}?{query}"
    user: Any = request.user
    facts = {"by": user, "path": request.path, "query": query, "kind": kind}
    try:
        with transaction.atomic():
            made = LongExport.objects.create(
                **facts, what=what[:80], about=count, asked_at=timezone.now(),
                language=translation.get_language() or "en", time_zone=timezone.get_current_timezone_name(),
            )  # fmt: skip
    except IntegrityError:
        made = LongExport.objects.get(**facts, status__in=UNDER_WAY)
    nudge(tasks.write_export, made.pk)
    return reverse("people:export", args=[made.public_id])


def cancel(wanted: LongExport, *, at: datetime) -> None:
    """The worker notices at its next note of progress."""
    if not LongExport.objects.filter(pk=wanted.pk, status__in=UNDER_WAY).update(
        status=Status.CANCELLED, finished_at=at
    ):
        raise Refused(_("This export is over already."))


def again(wanted: LongExport, *, at: datetime) -> LongExport:
    """The same list once more, as it is now."""
    facts = {"by": wanted.by, "path": wanted.path, "query": wanted.query, "kind": wanted.kind}
    try:
        with transaction.atomic():
            made = LongExport.objects.create(
                **facts, what=wanted.what, about=max(wanted.rows, wanted.about), asked_at=at,
                language=wanted.language, time_zone=wanted.time_zone,
            )  # fmt: skip
    except IntegrityError:
        made = LongExport.objects.get(**facts, status__in=UNDER_WAY)
    nudge(tasks.write_export, made.pk)
    return made


def may_fetch(wanted: LongExport) -> bool:
    """Whether whoever asked may still see the list; a role taken meanwhile takes the file along.

    A page open to many shows some of them fewer rows and columns, so each role the file was written with must be held.
    """
    user = User.objects.get(pk=wanted.by_id)
    return user.is_active and may_open(user, wanted.path) and set(wanted.roles.split()) <= _roles_of(user)


def _roles_of(user: User) -> set[str]:
    return {*user.role_set, *(["*"] if user.is_superuser else [])}


def kept_until(wanted: LongExport, *, at: datetime) -> datetime | None:
    """Until when there is a file to fetch; nothing when there is none."""
    if wanted.status != Status.DONE or not wanted.stored_as or not wanted.finished_at:
        return None
    until = wanted.finished_at + KEEP_FILES
    return until if at < until else None


# --- Writing ----------------------------------------------------------------------------------------------------------
def waiting(*, at: datetime) -> list[int]:
    """Exports nobody works at: asked for, or begun by somebody who is no longer there."""
    lost = Q(status=Status.RUNNING, alive_at__lt=at - DEAD_AFTER)
    return list(LongExport.objects.filter(Q(status=Status.QUEUED) | lost).order_by("pk").values_list("pk", flat=True))


def carry_out(pk: int, *, at: datetime | None = None) -> None:
    """Write a waiting export to its end, whatever that is. Nothing to do: nothing is done."""
    at = at or timezone.now()
    free = Q(status=Status.QUEUED) | Q(status=Status.RUNNING, alive_at__lt=at - DEAD_AFTER)
    if not LongExport.objects.filter(free, pk=pk).update(
        status=Status.RUNNING, attempt=F("attempt") + 1, alive_at=at, rows=0
    ):
        return
    wanted = LongExport.objects.select_related("by").get(pk=pk)
    if wanted.attempt > TRIES:
        _end(wanted, Status.FAILED, error=_("It was begun several times and never came to its end."))
        return
    try:
        _write(wanted)
    except Stopped:
        return
    except Refused as refusal:
        _end(wanted, Status.FAILED, error=str(refusal)[:300])
    except (PermissionDenied, Http404):
        _end(wanted, Status.FAILED, error=_("This list is not open to you any more."))
    except Exception:
        logger.exception("export_failed", export=wanted.pk)
        _end(wanted, Status.FAILED, error=_("Something went wrong on our side. Make it again."))


def _write(wanted: LongExport) -> None:
    wanted.roles = " ".join(sorted(_roles_of(wanted.by)))
    if not may_fetch(wanted):
        raise PermissionDenied
    with tempfile.TemporaryFile() as file:

        def sink(lines: export.Lines, kind: str, name: str) -> None:
            export.write(_noted(wanted, lines), kind, file)
            wanted.name = name

        with translation.override(wanted.language), timezone.override(wanted.time_zone):
            _open_as(wanted, sink)
        if not wanted.name:
            raise Http404  # the page answered with something else than its rows
        file.seek(0)
        stored = default_storage.save(f"{FOLDER}/{wanted.public_id}-{wanted.attempt}.{wanted.kind}", File(file))
    with transaction.atomic():
        kept = _end(wanted, Status.DONE, stored_as=stored, name=wanted.name, roles=wanted.roles)
        if kept:
            address = f"{wanted.path}?{wanted.query}" if wanted.query else wanted.path
            export.note(wanted.by, wanted.what, wanted.kind, address, wanted.rows)
    if not kept:
        default_storage.delete(stored)


def _open_as(wanted: LongExport, sink: export.Sink) -> None:
    """Call the page of the list as whoever asked would, with nothing but its address and their rights."""
    found = resolve(wanted.path)
    request = HttpRequest()
    request.method, request.path, request.path_info = "GET", wanted.path, wanted.path
    request.META = {"REQUEST_METHOD": "GET", "SERVER_NAME": settings.ALLOWED_HOSTS[0].lstrip(".*") or "localhost",
                    "SERVER_PORT": "443", "QUERY_STRING": wanted.query}  # fmt: skip
    query = QueryDict(wanted.query, mutable=True)
    query["as"] = wanted.kind
    request.GET = query  # type: ignore[assignment]
    request.user = wanted.by
    request.resolver_match = found
    request.session = {}  # type: ignore[assignment]
    request.htmx = False  # type: ignore[attr-defined]
    request.export_sink = sink  # type: ignore[attr-defined]
    found.func(request, *found.args, **found.kwargs)


def _noted(wanted: LongExport, lines: export.Lines) -> Iterator[list[list[Any]]]:
    """Pass the rows on, and note now and then how many; raises ``Stopped`` once nobody wants them any more."""
    rows, last = -1, 0.0  # the head is no row
    for chunk in lines:
        rows += len(chunk)
        if monotonic() - last >= BEAT_EVERY:
            last = monotonic()
            if not _mine(wanted).update(rows=max(rows, 0), alive_at=timezone.now()):
                raise Stopped
        yield chunk
    wanted.rows = max(rows, 0)


def _mine(wanted: LongExport) -> Any:
    return LongExport.objects.filter(pk=wanted.pk, status=Status.RUNNING, attempt=wanted.attempt)


def _end(wanted: LongExport, status: str, **facts: Any) -> bool:
    ended = _mine(wanted).update(status=status, finished_at=timezone.now(), rows=wanted.rows, **facts)
    return bool(ended)


def forget(*, at: datetime) -> None:
    """Files hold people's data: a day is enough to fetch one."""
    over = LongExport.objects.exclude(status__in=UNDER_WAY)
    for old in over.exclude(stored_as="").filter(finished_at__lt=at - KEEP_FILES):
        default_storage.delete(old.stored_as)
        LongExport.objects.filter(pk=old.pk).update(stored_as="")
    over.filter(finished_at__lt=at - KEEP_ROWS, stored_as="").delete()
    _forget_unknown(at=at)


def _forget_unknown(*, at: datetime) -> None:
    """Files no row knows: their worker was killed before it could say so, or whoever asked is gone."""
    try:
        names = default_storage.listdir(FOLDER)[1]
    except FileNotFoundError:  # nothing has been written yet
        return
    for stored in (f"{FOLDER}/{name}" for name in names):
        if LongExport.objects.filter(stored_as=stored).exists():
            continue
        if default_storage.get_modified_time(stored) < at - KEEP_FILES:
            default_storage.delete(stored)
