"""Any list as a file: CSV or Excel, as filtered, within the rights of whoever asks, and noted down (P26, X3).

A list declares its columns beside itself and, before it pages, says::

    if kind := export.wanted(request):
        return export.answer(request, "advocates", rows, COLUMNS, kind=kind)

Its link is ``{% include "components/export.html" %}``: the list's own address with ``as=csv``, so the file holds all
the page would show. Rows pass through a thousand at a time.
"""

import csv
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import reduce
from itertools import islice
from tempfile import TemporaryFile
from typing import IO, Any

from django.contrib import messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import (
    FileResponse,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseRedirect,
    StreamingHttpResponse,
)
from django.utils import timezone, translation
from django.utils.functional import Promise
from django.utils.text import slugify
from django.utils.translation import gettext as _
from openpyxl import Workbook  # type: ignore[import-untyped]
from openpyxl.cell import WriteOnlyCell  # type: ignore[import-untyped]
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE  # type: ignore[import-untyped]

from advocacy.lib.lifecycle import Refused
from advocacy.lib.models import Export

KINDS = ("csv", "xlsx")
CHUNK = 1_000
MOST_IN_EXCEL = 1_048_575
"""The rows a sheet has, less its head."""
AT_ONCE = {"csv": 20_000, "xlsx": 5_000}
"""Rows a person waits for; a longer list is written by a worker (``register_long``)."""
PLACES = ("as", "after", "before", "p")
"""What an address says besides its filter."""
FORMULA = (
    "=",
    "+",
    "-",
    "@",
    "\t",
    "\r",
    "\n",
    "＝",
    "＋",
    "－",
    "＠",
)  # wide forms work in some, too
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@dataclass(frozen=True)
class Column:
    """One column: ``value`` takes a row, or names where in it the value lies (``contact.account.name``).

    A column with a ``right`` is there for those who hold it only.
    """

    label: str | Promise
    value: str | Callable[[Any], Any]
    right: str = ""

    def of(self, row: Any) -> Any:
        if callable(self.value):
            return self.value(row)
        found = reduce(lambda one, name: getattr(one, name, None), self.value.split("."), row)
        return found() if callable(found) else found


def safe(value: Any) -> Any:
    """A cell a spreadsheet will not run: text that would begin a formula gets an apostrophe before it."""
    if isinstance(value, (int, float, Decimal)):
        return value
    text = str(value).replace("\x00", "")
    return f"'{text}" if text.startswith(FORMULA) or text.lstrip(" \u00a0").startswith(FORMULA) else text


Lines = Iterator[list[list[Any]]]
Sink = Callable[[Lines, str, str], None]
"""Where a worker wants the rows: in chunks, with the kind of file and its name."""
Long = Callable[[HttpRequest, str, str, int], str]
_long: list[Long] = []


def register_long(begin: Long) -> None:
    """Called once by whoever runs long exports: from the request, what it is, kind and rows to the page to wait on."""
    _long[:] = [begin]


def write(lines: Lines, kind: str, out: IO[bytes]) -> None:
    """The rows as a file of this kind."""
    if kind == "xlsx":
        with _workbook(lines) as book:
            shutil.copyfileobj(book, out, 1 << 20)
    else:
        for text in _csv(lines):
            out.write(text.encode())


def note(by: Any, what: str, kind: str, address: str, rows: int) -> None:
    """Who took what."""
    Export.objects.create(what=what[:80], kind=kind, filter=address[:2_000], rows=rows, by=by, at=timezone.now())


def filter_of(request: HttpRequest) -> str:
    """What an address narrows the list to, without its place and kind of file."""
    return _without(request, PLACES).partition("?")[2]


def wanted(request: HttpRequest) -> str:
    """The kind of file an address asks for, or nothing. To look whether it is there (HEAD) exports nothing."""
    kind = request.GET.get("as", "")
    return kind if kind in KINDS and request.method == "GET" else ""


def answer(
    request: HttpRequest,
    what: str,
    rows: "QuerySet[Any]",
    columns: Sequence[Column],
    *,
    kind: str = "csv",
    name: str = "",
    prepare: Callable[[list[Any]], object] | None = None,
) -> HttpResponseBase:
    """The file, and a note of who took what. ``rows`` are those this person may see, in order.

    ``prepare`` gets each thousand rows before they are written, to look up for all what a column needs.
    """
    count = rows.count()
    sink: Sink | None = getattr(request, "export_sink", None)
    if kind == "xlsx" and count > MOST_IN_EXCEL:
        said = _("An Excel file holds up to %(most)s rows here, and these are %(count)s. Take CSV, or filter the list.")
        said %= {"most": f"{MOST_IN_EXCEL:,}", "count": f"{count:,}"}
        if sink is not None:  # it grew while it waited
            raise Refused(said)
        messages.warning(request, said)
        return HttpResponseRedirect(_without(request, PLACES))
    shown = [column for column in columns if not column.right or request.user.has_perm(column.right)]
    if sink is None and _long and count > AT_ONCE[kind]:
        return HttpResponseRedirect(_long[0](request, what, kind, count))
    if request.method == "GET" and sink is None:  # a worker notes it down once the file is there
        note(request.user, what, kind, _without(request, PLACES), count)
    language, zone = translation.get_language(), timezone.get_current_timezone()

    def readers() -> AbstractContextManager[Any]:
        # A streamed answer is written when the request's language and zone are gone.
        stack = ExitStack()
        stack.enter_context(translation.override(language))
        stack.enter_context(timezone.override(zone))
        return stack

    lines = _rows(rows, shown, readers, prepare)
    file = f"{name or f'{slugify(what)}-{timezone.localdate():%Y-%m-%d}'}.{kind}"
    if sink is not None:
        sink(lines, kind, file)
        return HttpResponse(status=204)
    response: HttpResponseBase
    if kind == "xlsx":
        response = FileResponse(_workbook(lines), as_attachment=True, filename=file, content_type=XLSX)
    else:
        response = StreamingHttpResponse(_csv(lines), content_type="text/csv; charset=utf-8")
        response["Content-Disposition"] = f'attachment; filename="{file}"'
    response["Cache-Control"] = "private, no-store"
    return response


def _without(request: HttpRequest, keys: Iterable[str]) -> str:
    query = request.GET.copy()
    for key in keys:
        query.pop(key, None)
    return f"{request.path}?{query.urlencode()}" if query else request.path


def _rows(
    rows: "QuerySet[Any]",
    columns: Sequence[Column],
    readers: Callable[[], AbstractContextManager[Any]],
    prepare: Callable[[list[Any]], object] | None,
) -> Iterator[list[list[Any]]]:
    """The head, then the cells of a thousand rows at a time."""
    with readers():
        head = [[str(column.label) for column in columns]]
    yield [[text[:1].upper() + text[1:] for text in head[0]]]
    found = rows.iterator(chunk_size=CHUNK)
    while chunk := list(islice(found, CHUNK)):
        with readers():
            if prepare:
                prepare(chunk)
            cells = [[_plain(column.of(row)) for column in columns] for row in chunk]
        yield cells


def _plain(value: Any) -> Any:
    """A value as files hold it: numbers as numbers, days and moments as such, several in one cell by semicolons."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, datetime):
        return timezone.localtime(value) if timezone.is_aware(value) else value
    if isinstance(value, float):
        return round(value, 4)
    if isinstance(value, (int, Decimal, date)):
        return value
    if isinstance(value, (list, tuple, set)):
        return "; ".join(map(str, value))
    return str(value)


class _Line:
    """What ``csv`` writes to when each line is handed on at once."""

    def write(self, text: str) -> str:
        return text


def _csv(chunks: Iterator[list[list[Any]]]) -> Iterator[str]:
    writer = csv.writer(_Line())
    yield "\ufeff"  # tells Excel it is UTF-8
    for chunk in chunks:
        yield "".join(writer.writerow([safe(_said(cell)) for cell in row]) for row in chunk)


def _said(cell: Any) -> Any:
    if isinstance(cell, datetime):
        return cell.isoformat(timespec="seconds")
    return cell.isoformat() if isinstance(cell, date) else cell


def _workbook(chunks: Iterator[list[list[Any]]]) -> IO[bytes]:
    """The sheet in a file of its own; text stays text, whatever it begins with."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet()
    sheet.freeze_panes = "A2"
    for chunk in chunks:
        for row in chunk:
            sheet.append([_cell(sheet, value) for value in row])
    file = TemporaryFile()  # noqa: SIM115 (the answer closes it)
    book.save(file)
    file.seek(0)
    return file


def _cell(sheet: Any, value: Any) -> Any:
    if isinstance(value, datetime):
        return value.replace(tzinfo=None)  # Excel knows no zones; it is the reader's
    if not isinstance(value, str):
        return value
    cell = WriteOnlyCell(sheet, value=ILLEGAL_CHARACTERS_RE.sub("", value))
    cell.data_type = "s"
    return cell


class Exports:
    """For a list in the admin, before ``ModelAdmin``: its rows as a file, as searched and filtered there."""

    export_columns: Sequence[Column] = ()
    export_related: Sequence[str] = ()
    model: type[Model]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        admin: Any = self
        kind = wanted(request)
        if not kind:
            said: HttpResponse = super().changelist_view(request, {**(extra_context or {}), "exports": True})  # type: ignore[misc]
            return said
        if not admin.has_view_permission(request):
            raise PermissionDenied
        back, asked = _without(request, ("as",)), request.GET
        filters: Any = request.GET.copy()
        filters.pop("as")
        request.GET = filters
        try:
            rows = admin.get_changelist_instance(request).queryset.select_related(*self.export_related)
        except IncorrectLookupParameters:
            return HttpResponseRedirect(back)
        request.GET = asked
        narrow = getattr(rows, "visible_to", None)
        return answer(
            request, str(self.model._meta.verbose_name_plural), narrow(request.user) if narrow else rows,
            self.export_columns, kind=kind,
        )  # fmt: skip
