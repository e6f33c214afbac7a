"""The imports page: bring a file, say what its columns mean, see what would happen, load it, read what happened."""

import re
from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from advocacy.crm import tasks
from advocacy.crm.forms import MappingForm, SavedMapForm, UploadForm
from advocacy.crm.importing import runs
from advocacy.crm.importing.kinds import kind_of
from advocacy.crm.importing.loading import Source
from advocacy.crm.importing.mapping import BadMap, Map, Plan, Refusal, automatic
from advocacy.crm.importing.reading import BadFile
from advocacy.crm.importing.recipes import fitting
from advocacy.crm.importing.values import NULL, shown
from advocacy.crm.models import ImportRow, ImportRun, SavedMap
from advocacy.lib.given import whole_number
from advocacy.lib.jobs import nudge
from advocacy.lib.lifecycle import Refused
from advocacy.lib.pages import respond
from advocacy.lib.paging import page_by_key
from advocacy.users.rights import requires

PREVIEW_ROWS = 8
REFUSED_ROWS = 20
"""Rows below these that are shown because they would be refused."""
CHECKED_ROWS = 1_000
ON_A_PAGE = 50
RESULTS = ("created", "updated", "rejected", "warning")


def _with_words(found: list[Any]) -> list[Any]:
    for run in found:
        kind = kind_of(run.kind)
        run.kind_title = kind.title if kind else run.kind
    return found


@requires("crm.import")
@require_http_methods(["GET", "HEAD", "POST"])
def overview(request: HttpRequest) -> HttpResponse:
    """The imports so far, and the way to a new one."""
    form = UploadForm(request.POST or None, request.FILES or None, initial={"kind": request.GET.get("kind")})
    status = 200
    if request.method == "POST":
        status = 422
        kind = kind_of(request.POST.get("kind", ""))
        if form.is_valid() and kind is not None:
            try:
                run = runs.keep_upload(
                    kind, form.cleaned_data["file"], by=request.user, at=timezone.now(),
                    map_=form.cleaned_data.get("map") or None,
                )  # fmt: skip
                return redirect("imports:run", run.pk)
            except Refused as refusal:
                form.add_error("file", str(refusal))
    page = page_by_key(ImportRun.objects.select_related("started_by"), ["-id"], request.GET, size=20)
    return respond(
        request, "crm/imports.html",
        {"form": form, "runs": _with_words(page.items), "page": page, "saved": _with_words([*SavedMap.objects.all()])},
        status=status,
    )  # fmt: skip


@requires("crm.import")
@require_http_methods(["GET", "HEAD", "POST"])
def import_run(request: HttpRequest, run_id: int) -> HttpResponse:
    """One import, in whatever state it is: its columns and preview, its progress, or what became of its rows."""
    run = get_object_or_404(ImportRun.objects.select_related("started_by"), pk=run_id)
    _with_words([run])
    if run.status == ImportRun.Status.UPLOADED:
        return _prepare(request, run)
    if request.method == "POST":
        messages.warning(request, _("This import has been started; its columns cannot be changed any more."))
        return redirect("imports:run", run.pk)
    if run.status in runs.UNDER_WAY:
        return _progress(request, run)
    if request.GET.get("watch"):
        # The page that watched the progress loads itself anew, now with the results.
        return HttpResponse(headers={"HX-Redirect": reverse("imports:run", args=[run.pk])})
    return _results(request, run)


# --- Before: columns and preview --------------------------------------------------------------------------------------
def _prepare(request: HttpRequest, run: ImportRun) -> HttpResponse:
    status, then = 200, request.POST.get("then", "")
    try:
        source, map_ = runs.source_of(run), runs.map_of(run)
    except (BadFile, BadMap) as problem:
        return respond(request, "crm/import_prepare.html", {"run": run, "problem": str(problem)}, status=200)
    sample = source.sample()
    if then == "use":
        return _use_saved(request, run)
    sound = [row for row in sample if not row.fault]
    form = MappingForm(request.POST or None, kind=map_.kind, header=source.header, map_=map_, samples=sound)
    form.say_what_was_found(_encoding_in_words(source.found.encoding), source.found.delimiter)
    keep = SavedMapForm(request.POST if then == "keep" else None, initial={"name": run.report.get("saved_map", "")})
    if request.method == "POST":
        if form.is_valid() and (then != "keep" or keep.is_valid()):
            run.map = form.cleaned_data["data"]
            try:
                before, source = source.header, runs.source_of(run)
                cut_anew = source.header != before and map_.is_plain
                if cut_anew:  # another delimiter or encoding: these are other columns
                    run.map = {**run.map, **automatic(map_.kind, source.header)}
                ImportRun.objects.filter(pk=run.pk, status=ImportRun.Status.UPLOADED).update(
                    map=run.map, report=run.report
                )
                if cut_anew:
                    return _anew(request, run)
                map_ = runs.map_of(run)
                if then == "keep":
                    kept = runs.keep_map(run, keep.cleaned_data["name"], by=request.user, at=timezone.now())
                    runs.use_map(run, kept)
                    said = _("Kept as “%(name)s”. The next file with these columns is read like this by itself.")
                    messages.success(request, said % {"name": kept.name})
                if then in ("try", "load"):
                    return _start(request, run, dry_run=then == "try")
                if not request.htmx:  # type: ignore[attr-defined]
                    return redirect("imports:run", run.pk)
            except (BadFile, BadMap) as problem:
                form.add_error(None, str(problem))
                status = 422
        else:
            status = 422
    context = {
        "run": run, "form": form, "map": map_, "source": source, "preview": _preview(source, map_), "keep": keep,
        "saved": list(SavedMap.objects.filter(kind=run.kind)), "saved_name": run.report.get("saved_map", ""),
        "recipes": fitting(map_.kind, source.header),
        "read_as": [_encoding_in_words(source.found.encoding), _delimiter_in_words(source.found.delimiter)],
    }  # fmt: skip
    return respond(request, "crm/import_prepare.html", context, fragment="preview", status=status)


def _anew(request: HttpRequest, run: ImportRun) -> HttpResponse:
    """The whole page once more, for a request that would have changed a part of it only."""
    if request.htmx:  # type: ignore[attr-defined]
        return HttpResponse(headers={"HX-Redirect": reverse("imports:run", args=[run.pk])})
    return redirect("imports:run", run.pk)


def _use_saved(request: HttpRequest, run: ImportRun) -> HttpResponse:
    chosen = request.POST.get("saved", "")
    by_recipe, _colon, slug = chosen.partition(":")
    if slug and by_recipe == "recipe":
        try:
            runs.use_recipe(run, slug)
        except (Refused, BadFile) as problem:
            messages.warning(request, str(problem))
        return redirect("imports:run", run.pk)
    kept = SavedMap.objects.filter(kind=run.kind, pk=whole_number(chosen) or 0).first() if chosen else None
    if chosen and kept is None:
        messages.warning(request, _("This map is no longer kept. Choose another, or say what the columns mean below."))
        return redirect("imports:run", run.pk)
    try:
        runs.use_map(run, kept)
    except (Refused, BadFile, BadMap) as problem:
        messages.warning(request, str(problem))
    return redirect("imports:run", run.pk)


def _encoding_in_words(encoding: str) -> str:
    return {"utf-8-sig": "UTF-8", "cp1252": _("Windows text")}.get(encoding, encoding.upper())


def _delimiter_in_words(delimiter: str) -> str:
    known = {
        ",": _("columns parted by commas"), ";": _("columns parted by semicolons"),
        "\t": _("columns parted by tabs"), "|": _("columns parted by upright lines"),
    }  # fmt: skip
    return known.get(delimiter) or _("columns parted by “%(mark)s”") % {"mark": delimiter}


def _preview(source: Source, map_: Map) -> dict[str, Any]:
    """How the first rows would be understood, and how many of the first thousand would be refused at once."""
    sample = source.sample()
    plan = Plan(map_, source.header, sample)
    rows: list[Any] = []
    refused = told = 0
    for row in sample[:CHECKED_ROWS]:
        reasons: list[str] = []
        records: list[list[str]] = []
        try:
            records = plan.read(row)
        except Refusal as refusal:
            reasons, refused = refusal.reasons, refused + 1
        # The first rows as they are, and below them those that would be refused.
        if len(rows) - told < PREVIEW_ROWS or (reasons and not plan.missing and told < REFUSED_ROWS):
            told += len(rows) - told >= PREVIEW_ROWS
            raw = "" if records else ", ".join(shown(cell) for cell in row.cells[:6])
            rows.append(
                {"number": row.number, "records": [map(_readable, record) for record in records],
                 "reasons": reasons if not plan.missing else [], "raw": raw}
            )  # fmt: skip
    labels = [field.label for field in plan.fields]
    return {
        "plan": plan, "labels": labels, "rows": rows, "refused": refused, "checked": min(len(sample), CHECKED_ROWS),
        "untold": refused - sum(bool(row["reasons"]) for row in rows) if not plan.missing else 0,
        "width": len(labels) + 1,
    }  # fmt: skip


def _readable(value: str) -> str:
    """A value on its way to Postgres as a person reads it."""
    if value == NULL:
        return "–"
    if value.startswith("{") and value.endswith("}"):
        return ", ".join(word.strip('"') for word in value[1:-1].split('","'))
    value = {"t": _("yes"), "f": _("no")}.get(value, value)
    value = re.sub(r"^(\d{4}-\d\d-\d\d)T(\d\d:\d\d):\d\d\+00:00$", r"\1 \2 UTC", value)
    return shown(re.sub(r"\\([tnr\\])", lambda found: {"\\": "\\"}.get(found[1], " "), value))


# --- Meanwhile --------------------------------------------------------------------------------------------------------
PHASES: Mapping[str, Any] = {"reading": 1, "matching": 2, "writing": 3, "reporting": 4}


def _progress(request: HttpRequest, run: ImportRun) -> HttpResponse:
    words = {
        "": _("Waiting for its turn …"),
        "reading": _("Reading and checking rows …"),
        "matching": _("Comparing with what is known …"),
        "writing": _("Writing what is new and changed …"),
        "reporting": _("Noting what became of each row …"),
    }
    waits = run.status == ImportRun.Status.QUEUED
    context = {
        "run": run,
        "words": words.get("" if waits else run.phase, ""),
        # Reading takes most of the time; the steps after it share the rest.
        "done": 0
        if waits
        else {2: 80, 3: 90, 4: 97}.get(PHASES.get(run.phase, 0), 75 * run.rows_read / (run.rows or 1)),
        "interrupted": runs.is_interrupted(run, at=timezone.now()),
        "watch": f"{reverse('imports:run', args=[run.pk])}?watch=1",
    }
    return respond(request, "crm/import_progress.html", context, fragment="progress")


# --- Afterwards -------------------------------------------------------------------------------------------------------
def _results(request: HttpRequest, run: ImportRun) -> HttpResponse:
    rows: QuerySet[ImportRow] = run.results.all()
    result, words = request.GET.get("result", ""), request.GET.get("q", "").strip()
    if result in RESULTS:
        rows = rows.filter(result=result)
    if words:
        rows = rows.filter(external_id__startswith=words.replace("\x00", ""))
    page = page_by_key(rows, ["line", "id"], request.GET, size=ON_A_PAGE)
    header = run.report.get("header") or []
    for row in page.items:
        row.pairs = list(zip(header, row.raw or [], strict=False))  # type: ignore[attr-defined]
        row.word = row.get_result_display()  # type: ignore[attr-defined]
    counts = [
         (_("Created"), run.created, "created"), (_("Changed"), run.updated, "updated"),
        (_("As before"), run.unchanged, ""), (_("Refused"), run.rejected, "rejected"),
    ]  # fmt: skip
    context = {
        "run": run, "page": page, "counts": counts, "result": result, "words": words,
        "has_file": runs.has_file(run), "loaded_by": runs.loaded_by(run) if run.dry_run else None, "report": run.report,
        "has_warnings": bool(run.report.get("warned") or run.report.get("superseded")),
        "has_more": result or words or page.previous or page.next,
    }  # fmt: skip
    return respond(request, "crm/import_results.html", context, fragment="rows")


# --- Acts -------------------------------------------------------------------------------------------------------------
def _start(request: HttpRequest, run: ImportRun, *, dry_run: bool) -> HttpResponseRedirect:
    try:
        run = runs.start(run, dry_run=dry_run, by=request.user, at=timezone.now())
        nudge(tasks.carry_out_import, run.pk)
    except Refused as refusal:
        messages.warning(request, str(refusal))
    return redirect("imports:run", run.pk)


@requires("crm.import")
@require_POST
def start(request: HttpRequest, run_id: int) -> HttpResponse:
    """Load (or try) a file once more, under the map it had."""
    run = get_object_or_404(ImportRun, pk=run_id)
    return _start(request, run, dry_run=request.POST.get("then") == "try")


@requires("crm.import")
@require_POST
def change(request: HttpRequest, run_id: int) -> HttpResponse:
    """Back to the columns, with the same file."""
    run = get_object_or_404(ImportRun, pk=run_id)
    try:
        run = runs.prepare_again(run, by=request.user, at=timezone.now())
    except Refused as refusal:
        messages.warning(request, str(refusal))
    return redirect("imports:run", run.pk)


@requires("crm.import")
@require_POST
def forget_map(request: HttpRequest, map_id: int) -> HttpResponse:
    """A kept map is kept no longer; what was loaded under it stays as it is."""
    kept = SavedMap.objects.filter(pk=map_id).first()
    if kept is None:
        messages.warning(request, _("This map is no longer kept."))
    else:
        kept.delete()
        messages.success(request, _("“%(name)s” is no longer kept.") % {"name": kept.name})
    return redirect("imports:list")


@requires("crm.import")
@require_POST
def cancel(request: HttpRequest, run_id: int) -> HttpResponse:
    run = get_object_or_404(ImportRun, pk=run_id)
    try:
        runs.cancel(run, at=timezone.now())
        messages.success(request, _("The import is cancelled; nothing of it was written."))
    except Refused as refusal:
        messages.warning(request, str(refusal))
    return redirect("imports:run", run.pk)


@requires("crm.import")
@require_GET
def rejects(request: HttpRequest, run_id: int) -> StreamingHttpResponse:
    """The refused rows with their reasons, to mend and bring back."""
    run = get_object_or_404(ImportRun, pk=run_id)
    name = slugify(run.file_name.rpartition(".")[0] or run.file_name) or run.kind
    return StreamingHttpResponse(
        runs.rejects(run),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}-refused.csv"'},
    )
