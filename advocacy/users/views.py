"""What people keep for themselves."""

from typing import cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from advocacy.lib.given import plain
from advocacy.lib.lifecycle import Refused
from advocacy.lib.pages import respond
from advocacy.users import saving
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
