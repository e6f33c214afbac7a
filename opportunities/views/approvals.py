"""Account owners say whether their advocates may be asked: by a signed link in their mail, or in the portal (D6)."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from advocacy.lib import signed
from advocacy.lib.lifecycle import Refused
from advocacy.lib.pages import respond
from advocacy.users.actions import count_silence_as_yes
from advocacy.users.rights import public, requires
from opportunities import desk as rules
from opportunities.actions import desk as actions
from opportunities.forms.desk import SayForm
from opportunities.mails.desk import approval_of
from opportunities.models import Nomination, ReferenceRequest

APPROVE = "opportunities.approve_asks"
SHOWN = 100


def _questions() -> Any:
    return Nomination.objects.select_related(
        "request__kind", "request__manager", "advocate__contact__account", "nominated_by", "owner"
    )


@requires(APPROVE)
@require_http_methods(["GET", "HEAD", "POST"])
def approvals(request: HttpRequest) -> HttpResponse:
    """What waits for one's own word, and whether one's silence counts as a yes."""
    user: Any = request.user
    if request.method == "POST":
        count_silence_as_yes(user, request.POST.get("silence_is_yes") == "yes")
        messages.success(
            request,
            _("Your silence counts as a yes from now on.")
            if user.silence_is_yes
            else _("Nobody is asked without your yes."),
        )
        return redirect("opportunities:approvals")
    rows = _questions().filter(owner=user.pk, status=Nomination.Status.WITH_OWNER)
    media = ReferenceRequest.objects.active().filter(
        approver=user.pk, approver_said="", approver_asked_at__isnull=False
    )
    context = {
        "rows": rows.order_by("owner_asked_at", "pk")[:SHOWN], "days": rules.SILENCE_AFTER,
        "media": media.select_related("kind", "requester").order_by("needed_by", "pk")[:SHOWN],
    }  # fmt: skip
    return respond(request, "opportunities/desk/approvals.html", context)


@requires(APPROVE)
@require_http_methods(["GET", "HEAD", "POST"])
def approval(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """One question to the owner who is signed in; nobody else's."""
    return _question(request, get_object_or_404(_questions(), public_id=public_id, owner=request.user.pk))


@public
@require_http_methods(["GET", "HEAD", "POST"])
def approve(request: HttpRequest, token: str) -> HttpResponse:
    """The same by a signed link: whoever holds the mail may answer for its reader.

    Opening it only shows the question; a scanner that follows every link changes nothing.
    """
    try:
        known = signed.read("approve", token)
        one = _questions().get(public_id=UUID(known.partition("@")[0]))
    except signed.BadLink as problem:
        return _bad_link(request, str(problem))
    except (Nomination.DoesNotExist, ValueError):
        return _bad_link(request, _("What this link asked about is gone."))
    if approval_of(one) != known or one.owner is None or not one.owner.is_active:
        return _bad_link(request, _("This question has been asked anew, or is somebody else’s to answer now."))
    return _question(request, one)


def _question(request: HttpRequest, one: Nomination) -> HttpResponse:
    """Show the question, or take the answer of the owner it was put to."""
    form, status = _why_not(None), 200
    if request.method == "POST":
        said = request.POST.get("answer", "")
        status, done = 422, ""
        try:
            if said == "yes":
                actions.approve(one, at=timezone.now(), by=one.owner)
                done = _("Thank you. We ask them now.")
            elif said == "no":
                form = _why_not(request.POST)
                if form.is_valid():
                    actions.not_approved(one, reason=form.cleaned_data["text"], at=timezone.now(), by=one.owner)
                    done = _("Thank you. They are not asked, and hear nothing of it.")
        except Refused as refusal:
            messages.warning(request, str(refusal))
            status = 409
        if done:
            messages.success(request, done)
            return redirect(request.path)
        one = _questions().get(pk=one.pk)
    wanted = one.request
    context = {
        "one": one, "wanted": wanted, "contact": one.advocate.contact, "form": form,
        "manager": wanted.manager or one.nominated_by, "open": one.status == Nomination.Status.WITH_OWNER,
        "until": actions.silence_until(one), "signed_in_as_them": one.owner_id == request.user.pk,
        "back_url": reverse("opportunities:approvals"),
    }  # fmt: skip
    return respond(request, "opportunities/desk/approval.html", context, status=status)


def _why_not(data: Any) -> SayForm:
    return SayForm(
        data, label=_("Why not?"), help_text=_("The desk reads this, and asks somebody else."), prefix="no", rows=2
    )


def _bad_link(request: HttpRequest, sentence: str) -> HttpResponse:
    return respond(request, "opportunities/desk/bad_link.html", {"sentence": sentence}, status=404)


urlpatterns: list[URLPattern] = [
    path("approvals/", approvals, name="approvals"),
    path("approvals/<uuid:public_id>/", approval, name="approval"),
    path("approve/<str:token>/", approve, name="approve"),
]
