"""Colleagues nominate customers; managers answer; leads approve what it earns (P7)."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from advocacy.crm.models import Account
from advocacy.lib import export
from advocacy.lib.given import plain, whole_number
from advocacy.lib.lifecycle import Refused
from advocacy.lib.pages import respond
from advocacy.lib.paging import page_by_key
from advocacy.users.rights import requires
from advocates import files
from advocates.actions import nominations as acting
from advocates.actions.joining import account_by_domain, matching_contact
from advocates.models import ColleagueNomination, CreditRule, NominationCredit
from advocates.people_forms import NominateForm
from advocates.throttle import too_often

A_DAY = 50
STATES = {"filed": "", "invited": "ok", "declined": "bad", "withdrawn": "plain"}
CREDITS = {"due": "", "approved": "ok", "declined": "bad", "paid": "ok"}


# --- For every colleague ----------------------------------------------------------------------------------------------
@requires("advocates.nominate")
@require_http_methods(["GET", "HEAD", "POST"])
def nominate(request: HttpRequest) -> HttpResponse:
    """Put a customer forward, and see what became of those before."""
    form, status = NominateForm(request.POST or None), 200
    if request.method == "POST":
        status = 422
        if too_often("nominate", str(request.user.pk), most=A_DAY, seconds=86_400):
            form.add_error(None, _("That was a lot for one day. Bring a file of contacts to the team instead."))
            status = 429
        elif form.is_valid():
            try:
                made = acting.nominate(
                    by=request.user, email=form.cleaned_data["email"], facts=form.facts(), at=timezone.now()
                )
            except Refused as refusal:
                form.add_error("email", str(refusal))
            else:
                said = _("Thank you. The team reads it within two days and tells you; %(name)s hears nothing yet.")
                messages.success(request, said % {"name": made.name})
                return redirect("advocates:nominate")
    own = ColleagueNomination.objects.filter(by=request.user.pk).select_related("credit", "contact__advocate")
    page = page_by_key(own, ("-filed_at", "-pk"), request.GET, size=20)
    context = {
        "form": form,
        "page": page,
        "rows": [(one, _standing(one), STATES[one.status], getattr(one, "credit", None)) for one in page.items],
        "rule": CreditRule.objects.filter(is_active=True).first(),
    }
    return respond(request, "advocates/nominate.html", context, status=status)


def _standing(nomination: ColleagueNomination) -> str:
    """Where it stands, also what the customer has done since."""
    advocate = getattr(nomination.contact, "advocate", None) if nomination.status == "invited" else None
    return str(advocate.get_status_display() if advocate else nomination.get_status_display())


@requires("advocates.nominate")
@require_POST
def withdraw(request: HttpRequest, public_id: Any) -> HttpResponse:
    """Take one's own nomination back while nobody has answered."""
    found = get_object_or_404(ColleagueNomination.objects.filter(by=request.user.pk), public_id=public_id)
    return _act(
        request, lambda: acting.withdraw(found, at=timezone.now(), by=request.user), _("Withdrawn."),
        to="advocates:nominate",
    )  # fmt: skip


# --- For managers -----------------------------------------------------------------------------------------------------
@requires("advocates.view_colleaguenomination")
def nomination_list(request: HttpRequest) -> HttpResponseBase:
    """Who was nominated: first those that wait."""
    show = request.GET.get("show", "filed")
    rows = ColleagueNomination.objects.select_related("by", "decided_by", "contact__advocate", "credit")
    if show in ColleagueNomination.Status.values:
        rows = rows.filter(status=show)
    # Whoever waits longest comes first, and of what is answered the newest.
    order = ("filed_at", "pk") if show == "filed" else ("-filed_at", "-pk")
    if wanted := export.wanted(request):
        return export.answer(request, "nominations", rows.order_by(*order), files.NOMINATIONS, kind=wanted)
    page = page_by_key(rows, order, request.GET, size=25)
    context = {
        "page": page,
        "rows": [(one, _standing(one), STATES[one.status]) for one in page.items],
        "show": show,
        "late": timezone.now() - acting.READ_WITHIN,
        "tabs": [
            ("filed", _("To be read")), ("invited", _("Invited")), ("declined", _("Declined")),
            ("withdrawn", _("Withdrawn")), ("all", _("All")),
        ],
    }  # fmt: skip
    return respond(request, "advocates/nominations.html", context, fragment="list")


@requires("advocates.view_colleaguenomination")
@require_http_methods(["GET", "HEAD", "POST"])
def nomination(request: HttpRequest, public_id: Any) -> HttpResponse:
    """One nomination: what the colleague wrote, whom the records know, and the answer."""
    rows = ColleagueNomination.objects.select_related("by", "decided_by", "contact__advocate", "credit", "invitation")
    found = get_object_or_404(rows, public_id=public_id)
    status = 200
    if request.method == "POST":
        if not request.user.has_perm("advocates.change_colleaguenomination"):
            raise PermissionDenied
        try:
            _answer(request, found)
            return redirect("advocates:nomination", found.public_id)
        except Refused as refusal:
            messages.warning(request, str(refusal))
            status = 409
            found = rows.get(pk=found.pk)
    contact = matching_contact(found.email)
    words = plain(request.GET.get("q"))[:100]
    by_domain = account_by_domain(found.email)
    accounts = [by_domain] if by_domain else []
    if contact is None:
        near = Account.objects.visible_to(request.user).filter(name__icontains=words or found.company)
        accounts += [account for account in near.order_by("name")[:8] if account not in accounts]
    context = {
        "nomination": found, "standing": _standing(found), "state": STATES[found.status], "contact": contact,
        "accounts": accounts, "by_domain": by_domain, "q": words, "reason": request.POST.get("reason", ""),
        "may_answer": request.user.has_perm("advocates.change_colleaguenomination"),
        "credit": getattr(found, "credit", None),
    }  # fmt: skip
    return respond(request, "advocates/nomination.html", context, status=status)


def _answer(request: HttpRequest, found: ColleagueNomination) -> None:
    said, at = request.POST.get("answer"), timezone.now()
    if said == "yes":
        number = whole_number(request.POST.get("account"))
        accounts: QuerySet[Account] = Account.objects.visible_to(request.user)
        account = accounts.filter(pk=number).first() if number is not None else None
        acting.invite(found, account=account, at=at, by=request.user)
        messages.success(request, _("%(name)s is invited. Your colleague is told.") % {"name": found.name})
    elif said == "no":
        acting.decline(found, reason=request.POST.get("reason", ""), at=at, by=request.user)
        messages.success(request, _("Declined. Your colleague reads your reason; the customer hears nothing."))
    elif said == "back":
        acting.take_back(found, at=at, by=request.user)
        messages.success(request, _("Taken back: it waits to be read again."))
    else:
        raise Refused(_("Choose an answer."))


# --- Credits ----------------------------------------------------------------------------------------------------------
@requires("advocates.view_nominationcredit")
def credit_list(request: HttpRequest) -> HttpResponseBase:
    """What colleagues have earned: to be approved, to be paid, paid."""
    show = request.GET.get("show", "due")
    rows = NominationCredit.objects.select_related(
        "nomination__by", "nomination__contact__advocate", "approved_by", "rule"
    )
    if show in NominationCredit.Status.values:
        rows = rows.filter(status=show)
    if wanted := export.wanted(request):
        return export.answer(request, "credits", rows.order_by("-due_at", "-pk"), files.CREDITS, kind=wanted)
    context = {
        "page": page_by_key(rows, ("-due_at", "-pk"), request.GET, size=25), "show": show,
        "rule": CreditRule.objects.filter(is_active=True).first(), "today": timezone.localdate(),
        "may_decide": request.user.has_perm("advocates.change_nominationcredit"),
        "tabs": [
            ("due", _("To be approved")), ("approved", _("To be paid")), ("paid", _("Paid")),
            ("declined", _("Not approved")), ("all", _("All")),
        ],
    }  # fmt: skip
    return respond(request, "advocates/credits.html", context, fragment="list")


@requires("advocates.change_nominationcredit")
@require_POST
def credit(request: HttpRequest, pk: int, what: str) -> HttpResponse:
    """Approve, refuse, pay, or take the last step back."""
    found, at, by = get_object_or_404(NominationCredit, pk=pk), timezone.now(), request.user
    if what == "approve":
        return _act(request, lambda: acting.approve(found, at=at, by=by), _("Approved."), to="advocates:credits")
    if what == "refuse":
        reason = request.POST.get("reason", "")
        said = _("Not approved. They read your reason.")
        return _act(request, lambda: acting.refuse(found, reason=reason, at=at, by=by), said, to="advocates:credits")
    if what == "pay":
        return _act(request, lambda: _pay(request, found), _("Noted as paid."), to="advocates:credits")
    return _act(request, lambda: acting.step_back(found, by=by), _("Taken back."), to="advocates:credits")


def _pay(request: HttpRequest, found: NominationCredit) -> None:
    try:
        day = parse_date(request.POST.get("paid_on", ""))
    except ValueError:
        day = None
    if day is None:
        raise Refused(_("Choose the day on which it was paid."))
    acting.pay(found, paid_on=day, at=timezone.now(), by=request.user)


def _act(request: HttpRequest, act: Any, said: str, *, to: str) -> HttpResponse:
    try:
        act()
        messages.success(request, said)
    except Refused as refusal:
        messages.warning(request, str(refusal))
    return redirect(to)
