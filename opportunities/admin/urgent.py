"""The urgent lane at the desk: the hour, the spokesperson, and the best few asked at once (O7)."""

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from advocacy.lib.given import plain, whole_number
from advocacy.lib.lifecycle import Refused
from opportunities.actions import urgent as actions
from opportunities.forms.urgent import DeadlineForm
from opportunities.models import ReferenceRequest, Spokesperson


@admin.register(Spokesperson)
class SpokespersonAdmin(admin.ModelAdmin):
    """Who approves what goes to media and analysts, by kind and team."""

    list_display = ("approver", "kind", "team")
    list_select_related = ("approver", "kind", "team")
    autocomplete_fields = ("approver",)


def move(request: HttpRequest, *, pk: int) -> HttpResponse:
    """One move of the urgent lane."""
    back = redirect("admin:opportunities_referencerequest_change", pk)
    if request.method != "POST":
        return back
    at, do = timezone.now(), request.POST.get("do", "")
    rows = ReferenceRequest.objects.select_related("kind", "team", "approver", "manager", "requester")
    wanted = get_object_or_404(rows, pk=pk)
    try:
        if do == "ask_best":
            made = actions.ask_best(
                wanted, number=whole_number(request.POST.get("number")) or 0, by=request.user, at=at
            )
            said = ngettext("%(count)s advocate is being asked.", "%(count)s advocates are being asked.", len(made))
            messages.success(request, said % {"count": len(made)})
        elif do == "deadline":
            form = DeadlineForm(request.POST, prefix="urgent")
            if form.is_valid():
                actions.set_deadline(wanted, form.cleaned_data["needed_at"], by=request.user, at=at)
                messages.success(request, _("Whoever is asked from now on answers before that hour."))
            else:
                messages.warning(request, " ".join(map(str, form.errors.get("needed_at", []))))
        elif do == "approved":
            actions.approve(wanted, by=request.user, at=at, words=plain(request.POST.get("words"))[:300])
            messages.success(request, _("Their yes is on record."))
        elif do == "ask_again":
            actions.ask_spokesperson(wanted, by=request.user, at=at)
            messages.success(request, _("They are asked."))
        else:
            messages.warning(request, _("The page has changed meanwhile. Look at it once more."))
    except Refused as refusal:
        messages.warning(request, str(refusal))
    return back
