"""What people keep for themselves."""

from typing import cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from advocacy.lib.lifecycle import Refused
from advocacy.users import saving
from advocacy.users.models import SavedView, User
from advocacy.users.rights import requires


@requires("home.view")
@require_POST
def save(request: HttpRequest) -> HttpResponse:
    """Keep the list one looks at under a name."""
    path, query = request.POST.get("path", "/"), request.POST.get("query", "")
    try:
        view = saving.save_view(cast(User, request.user), name=request.POST.get("name", ""), path=path, query=query)
    except Refused as refusal:
        messages.warning(request, str(refusal))
        back = f"{path}?{query}" if query else path
        own = path.startswith("/") and url_has_allowed_host_and_scheme(back, allowed_hosts=None)
        return redirect(back if own else "/")
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
