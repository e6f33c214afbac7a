"""A request on the board without a name, and the hands raised for it (D6)."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from advocacy.lib.given import plain, whole_number
from advocacy.lib.lifecycle import Refused
from advocacy.lib.pages import respond
from opportunities import broadcast as rules
from opportunities import desk, matching
from opportunities.actions import broadcast as actions
from opportunities.actions.raised_hands import hands
from opportunities.forms.broadcast import BroadcastForm
from opportunities.models import Claim, Opportunity, ReferenceRequest

PAGE = "admin/opportunities/referencerequest/broadcast.html"


def page(request: HttpRequest, *, pk: int) -> HttpResponse:
    """Write what the board reads, send it out, and take up the hands raised for it."""
    at, status = timezone.now(), 200
    rows = ReferenceRequest.objects.select_related("kind", "deal__account", "manager", "requester", "team")
    wanted = get_object_or_404(rows, pk=pk)
    one = Opportunity.objects.filter(broadcast_of=wanted).defer("search").first()
    start = {name: getattr(one, name) for name in rules.TEXTS} if one else rules.prefilled(wanted)
    form = BroadcastForm(initial=start)
    if request.method == "POST":
        status = 422
        try:
            if request.POST.get("do") == "send":
                form = BroadcastForm(request.POST)
                if form.is_valid():
                    actions.send_out(
                        wanted, texts=form.texts, by=request.user, at=at, anyway=form.cleaned_data["anyway"]
                    )
                    messages.success(request, _("It is on the board. Nobody there reads who asks."))
                    return redirect(request.path)
            elif said := _do(request, wanted):
                messages.success(request, said)
                return redirect(request.path)
            else:
                messages.warning(request, _("The page has changed meanwhile. Look at it once more."))
        except actions.PointsAt as refusal:
            form.pointing = refusal.words
            messages.warning(request, str(refusal))
            status = 409
        except Refused as refusal:
            messages.warning(request, str(refusal))
            status = 409
    context = {
        "wanted": wanted, "one": one, "form": form, "ended": wanted.status in desk.ENDED,
        "hands": _hands(wanted, one, at=at) if one else [],
        "back_url": reverse("admin:opportunities_referencerequest_change", args=[pk]),
    }  # fmt: skip
    return respond(request, PAGE, context, status=status)


def _hands(wanted: ReferenceRequest, one: Opportunity, *, at: Any) -> list[tuple[Claim, str, str]]:
    """Who has raised a hand, what they would read, and what stands against them."""
    raised = list(hands(one)[:100])
    if not raised or wanted.status in desk.ENDED:
        return [(claim, "", "") for claim in raised]
    need = matching.Need.of(wanted, at=at)
    ids = [claim.advocate_id for claim in raised]
    stopped = matching.stopped(need, ids, but={"budget"})
    why = {found.advocate: matching.for_them(need, found) for found in matching.among(need, ids)}
    return [
        (
            claim,
            why.get(claim.advocate_id, ""),
            stopped[claim.advocate_id].reason if claim.advocate_id in stopped else "",
        )
        for claim in raised
    ]


def _do(request: HttpRequest, wanted: ReferenceRequest) -> str:
    at, do = timezone.now(), request.POST.get("do")
    if do == "take_in":
        actions.take_in(wanted, at=at)
        return _("It is off the board. Whoever had raised a hand is told.")
    number = whole_number(request.POST.get("claim"))
    rows = Claim.objects.select_related("opportunity__broadcast_of", "advocate")
    claim = rows.filter(pk=number or 0, opportunity__broadcast_of=wanted).first()
    if claim is None:
        return ""
    if do == "forward":
        actions.put_forward(claim, why=plain(request.POST.get("why"))[:300], by=request.user, at=at)
        return _("%(name)s is being asked, and reads now who asks.") % {"name": claim.advocate}
    if do == "not":
        reason = plain(request.POST.get("reason")) or _("Somebody else fits a little better this time.")
        actions.not_this_time(claim, reason=reason, by=request.user, at=at)
        return _("%(name)s is thanked and told.") % {"name": claim.advocate}
    return ""
