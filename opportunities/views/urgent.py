"""Whoever speaks for the company says whether a request may go out; requesters set the hour (O7)."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from advocacy.lib import signed
from advocacy.lib.lifecycle import Refused
from advocacy.lib.pages import respond
from advocacy.users.rights import public, requires
from opportunities import desk as rules
from opportunities.actions import urgent as actions
from opportunities.forms.desk import SayForm
from opportunities.forms.urgent import DeadlineForm
from opportunities.mails.urgent import key_of
from opportunities.models import ReferenceRequest

APPROVE = "opportunities.approve_asks"
FILE = "opportunities.file_request"


def _rows() -> "QuerySet[ReferenceRequest]":
    return ReferenceRequest.objects.select_related("kind", "team", "approver", "manager", "requester")


@requires(APPROVE)
@require_http_methods(["GET", "HEAD", "POST"])
def media_approval(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """The question to the spokesperson who is signed in; nobody else's."""
    return _question(request, get_object_or_404(_rows(), public_id=public_id, approver=request.user.pk))


@public
@require_http_methods(["GET", "HEAD", "POST"])
def media_by_mail(request: HttpRequest, token: str) -> HttpResponse:
    """The same by a signed link: whoever holds the mail may answer for its reader. Opening it changes nothing."""
    try:
        known = signed.read("media", token)
        wanted = _rows().get(public_id=UUID(known.partition("@")[0]))
    except signed.BadLink as problem:
        return _bad_link(request, str(problem))
    except (ReferenceRequest.DoesNotExist, ValueError):
        return _bad_link(request, _("What this link asked about is gone."))
    if key_of(wanted) != known or wanted.approver is None or not wanted.approver.is_active:
        return _bad_link(request, _("This question has been asked anew, or is somebody else’s to answer now."))
    return _question(request, wanted)


def _question(request: HttpRequest, wanted: ReferenceRequest) -> HttpResponse:
    at, status = timezone.now(), 200
    form = _why_not(None)
    if request.method == "POST":
        status, done = 422, ""
        said = request.POST.get("answer", "")
        try:
            if said == "yes":
                actions.approve(wanted, by=wanted.approver, at=at)
                done = _("Thank you. The desk asks now.")
            elif said == "no":
                form = _why_not(request.POST)
                if form.is_valid():
                    actions.refuse(wanted, reason=form.cleaned_data["text"], by=wanted.approver, at=at)
                    done = _("Thank you. Nobody is asked, and %(name)s reads why.") % {"name": wanted.requester}
        except Refused as refusal:
            messages.warning(request, str(refusal))
            status = 409
        if done:
            messages.success(request, done)
            return redirect(request.path)
        wanted.refresh_from_db()
    context = {
        "wanted": wanted, "form": form, "open": wanted.waits_for_approver and wanted.status not in rules.ENDED,
        "signed_in_as_them": wanted.approver_id == request.user.pk, "back_url": reverse("opportunities:approvals"),
    }  # fmt: skip
    return respond(request, "opportunities/desk/media_approval.html", context, status=status)


def _why_not(data: Any) -> SayForm:
    return SayForm(data, label=_("Why not?"), help_text=_("Whoever asked for it reads this."), prefix="no", rows=2)


def _bad_link(request: HttpRequest, sentence: str) -> HttpResponse:
    return respond(request, "opportunities/desk/bad_link.html", {"sentence": sentence}, status=404)


@requires(FILE)
@require_POST
def deadline(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """The requester says by which hour it is needed."""
    rows = ReferenceRequest.objects.visible_to(request.user).select_related("kind", "team", "manager", "requester")
    wanted = get_object_or_404(rows, public_id=public_id)
    form = DeadlineForm(request.POST, prefix="urgent")
    try:
        if form.is_valid():
            actions.set_deadline(wanted, form.cleaned_data["needed_at"], by=request.user, at=timezone.now())
            messages.success(request, _("The desk knows the hour."))
        else:
            messages.warning(request, " ".join(map(str, form.errors.get("needed_at", []))))
    except Refused as refusal:
        messages.warning(request, str(refusal))
    return redirect("opportunities:request", wanted.public_id)


urlpatterns: list[URLPattern] = [
    path("requests/<uuid:public_id>/may-it-go-out/", media_approval, name="media_approval"),
    path("requests/<uuid:public_id>/hour/", deadline, name="request_hour"),
    path("may-it-go-out/<str:token>/", media_by_mail, name="media_by_mail"),
]
