"""Words used again and again (P12)."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from advocacy.lib.lifecycle import Refused
from advocacy.lib.pages import respond
from advocacy.users.rights import requires
from advocates import snippets as rules
from advocates.invitations import MERGE_FIELDS
from advocates.people_forms import SnippetForm


@requires("advocates.work_portfolio")
@require_http_methods(["GET", "HEAD", "POST"])
def snippets(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    """One's own and the team's; ``pk`` opens one to change it."""
    one, status = (get_object_or_404(rules.of(request.user), pk=pk) if pk else None), 200
    shares = request.user.has_perm(rules.SHARE)
    initial = {"name": one.name, "text": one.text, "shared": one.owner_id is None} if one else {}
    form = SnippetForm(request.POST or None, initial=initial, shares=shares)
    if request.method == "POST":
        status = 422
        try:
            if one is not None and request.POST.get("do") == "remove":
                rules.remove(one, by=request.user)
                messages.success(request, _("Removed “%(name)s”.") % {"name": one.name})
                return redirect("advocates:snippets")
            if form.is_valid():
                made = rules.save(one, at=timezone.now(), by=request.user, **form.said())
                messages.success(request, _("Kept “%(name)s”.") % {"name": made.name})
                return redirect("advocates:snippets")
        except Refused as refusal:
            form.add_error(None, str(refusal))
    context = {
        "rows": [(row, rules.may_change(row, request.user)) for row in rules.of(request.user)[:200]],
        "form": form, "one": one, "may_change": one is None or rules.may_change(one, request.user),
        "fields": ", ".join(f"{{{field}}}" for field in MERGE_FIELDS),
    }  # fmt: skip
    return respond(request, "advocates/snippets.html", context, status=status)
