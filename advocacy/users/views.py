"""What people keep for themselves."""

from typing import Any, cast

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.files.storage import default_storage
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from advocacy.lib.given import plain
from advocacy.lib.lifecycle import Refused
from advocacy.lib.models import LongExport
from advocacy.lib.pages import respond
from advocacy.lib.paging import page_by_key
from advocacy.users import exporting, saving
from advocacy.users.models import SavedView, User
from advocacy.users.rights import requires


@requires("home.view")
def views(request: HttpRequest) -> HttpResponse:
    """One's views of a page, and the form that keeps another; by itself or inside that page."""
    path, query = plain(request.GET.get("path")), saving.kept_of(QueryDict(plain(request.GET.get("query"))))
    found = list(SavedView.objects.filter(user=request.user.pk, path=path))
    context = {"views": found, "path": path, "query": query, "is_kept": any(view.query == query for view in found)}
    return respond(request, "users/views.html", context, fragment="list")


@requires("home.view")
@require_POST
def save(request: HttpRequest) -> HttpResponse:
    """Keep the list one looks at under a name."""
    path, query = request.POST.get("path", "/"), request.POST.get("query", "")
    try:
        view = saving.save_view(cast(User, request.user), name=request.POST.get("name", ""), path=path, query=query)
    except Refused as refusal:
        messages.warning(request, str(refusal))
        back = f"{path}?{saving.kept_of(QueryDict(query))}"
        return redirect(back if saving.may_open(cast(User, request.user), path) else "/")
    messages.success(request, _("Kept as “%(name)s”.") % {"name": view.name})
    return redirect(view.get_absolute_url())


@requires("home.view")
@require_POST
def remove(request: HttpRequest, pk: int) -> HttpResponse:
    """Forget one of one's own views; the list stays as it is, so it can be kept again."""
    view = get_object_or_404(SavedView, pk=pk, user=request.user.pk)
    view.delete()
    messages.success(request, _("Removed “%(name)s”.") % {"name": view.name})
    return redirect(view.get_absolute_url())


# --- Long exports -----------------------------------------------------------------------------------------------------
@requires("home.view")
def exports(request: HttpRequest) -> HttpResponse:
    """One's own exports, newest first."""
    rows = LongExport.objects.filter(by=request.user.pk)
    page = page_by_key(rows, ("-asked_at", "-pk"), request.GET, size=20)
    return respond(request, "users/exports.html", {"page": page, "keep": exporting.KEEP_FILES})


def _own(request: HttpRequest, public_id: Any) -> LongExport:
    return get_object_or_404(LongExport.objects.filter(by=request.user.pk), public_id=public_id)


@requires("home.view")
def export(request: HttpRequest, public_id: Any) -> HttpResponse:
    """How far an export is; it can be left, and goes on."""
    found = _own(request, public_id)
    under_way = found.status in exporting.UNDER_WAY
    context = {
        "export": found, "under_way": under_way, "done": min(99, 100 * found.rows // max(found.about, 1)),
        "until": exporting.kept_until(found, at=timezone.now()),
    }  # fmt: skip
    return respond(request, "users/export.html", context, fragment="progress")


@requires("home.view")
def export_file(request: HttpRequest, public_id: Any) -> HttpResponseBase:
    """The file, for who asked for it and may still see the list."""
    found = _own(request, public_id)
    if not exporting.may_fetch(found):
        raise PermissionDenied(_("This list is not open to you any more."))
    if not exporting.kept_until(found, at=timezone.now()) or not default_storage.exists(found.stored_as):
        messages.warning(request, _("The file has gone: it is kept for a day. Make it again."))
        return redirect("people:export", found.public_id)
    answer = FileResponse(default_storage.open(found.stored_as, "rb"), as_attachment=True, filename=found.name)
    answer["Cache-Control"] = "private, no-store"
    return answer


@requires("home.view")
@require_POST
def export_move(request: HttpRequest, public_id: Any, what: str) -> HttpResponse:
    """Cancel an export, or make it again."""
    found, at = _own(request, public_id), timezone.now()
    if what == "again":
        return redirect("people:export", exporting.again(found, at=at).public_id)
    try:
        exporting.cancel(found, at=at)
        messages.success(request, _("Cancelled."))
    except Refused as refusal:
        messages.warning(request, str(refusal))
    return redirect("people:export", found.public_id)
