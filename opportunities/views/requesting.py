"""What makes asking easier for requesters, and keeps account owners at ease (D15, D16)."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import Case, IntegerField, Q, When
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from advocacy.lib import signed
from advocacy.lib.given import plain
from advocacy.lib.lifecycle import Refused
from advocacy.lib.pages import respond
from advocacy.lib.paging import page_by_key
from advocacy.lib.searching import loosely
from advocacy.users.rights import public, requires
from advocates.models import Advocate
from opportunities import desk as rules
from opportunities import trust as trust_rules
from opportunities.actions import beside as beside_actions
from opportunities.actions import desk as actions
from opportunities.actions import trust
from opportunities.forms.desk import zone_of
from opportunities.forms.requesting import BesideForm, ChangeForm, StopForm
from opportunities.models import Nomination, ReferenceRequest
from opportunities.request_pages import happened, nominations_of, told, where_it_stands

FILE = "opportunities.file_request"
APPROVE = "opportunities.approve_asks"
FOUND = 20


# --- One's own request ------------------------------------------------------------------------------------------------
@requires(FILE)
@require_http_methods(["GET", "HEAD", "POST"])
def change_request(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Mend what one asked for while the desk looks."""
    rows = ReferenceRequest.objects.select_related("kind", "manager", "requester")
    wanted = get_object_or_404(rows, public_id=public_id, requester=request.user.pk)
    at = timezone.now()
    form = ChangeForm(request.POST or None, wanted=wanted, today=timezone.localdate(at))
    status = 422 if request.method == "POST" else 200
    if request.method == "POST" and form.is_valid():
        try:
            actions.amend(wanted, facts=form.facts, needed_by=form.cleaned_data["needed_by"], by=request.user, at=at)
            messages.success(request, _("Kept. The desk goes on with what it says now."))
            return redirect("opportunities:request", wanted.public_id)
        except Refused as refusal:
            form.add_error(None, str(refusal))
            status = 409
    context = {"form": form, "wanted": wanted, "ended": wanted.status in rules.ENDED}
    return respond(request, "opportunities/desk/change.html", context, status=status)


@public
@require_safe
def request_status(request: HttpRequest, token: str) -> HttpResponse:
    """Where a request stands, by the signed link of its mails; it only shows, and names nobody who has not said yes."""
    try:
        public_id = UUID(signed.read("request_status", token))
        rows = ReferenceRequest.objects.select_related("kind", "deal", "manager", "requester", "team")
        wanted = rows.get(public_id=public_id)
    except signed.BadLink as problem:
        return respond(request, "opportunities/desk/bad_link.html", {"sentence": str(problem)}, status=404)
    except (ReferenceRequest.DoesNotExist, ValueError):
        sentence = _("What this link asked about is gone.")
        return respond(request, "opportunities/desk/bad_link.html", {"sentence": sentence}, status=404)
    if not wanted.requester.is_active:
        sentence = _("Whoever asked for this is no longer with us. Ask the desk.")
        return respond(request, "opportunities/desk/bad_link.html", {"sentence": sentence}, status=404)
    at = timezone.now()
    with timezone.override(zone_of(wanted.requester.time_zone)):
        nominations = list(nominations_of(wanted))
        notes = wanted.notes.filter(for_requester=True).select_related("by")
        context = {
            "wanted": wanted, "sentence": where_it_stands(wanted, nominations, at=at), "ended": wanted.status in
            rules.ENDED, "happened": happened(wanted, nominations, map(told, notes), for_desk=False),
        }  # fmt: skip
        return respond(request, "opportunities/desk/status.html", context)


@requires(FILE)
@require_http_methods(["GET", "HEAD", "POST"])
def beside(request: HttpRequest) -> HttpResponse:
    """Tell of a reference that happened beside the desk: find the advocate, say for whom."""
    advocate = _advocate(request.GET.get("advocate", ""))
    if advocate is None:
        words = plain(request.GET.get("q"))[:100]
        context = {"words": words, "found": _members(words)}
        return respond(request, "opportunities/desk/beside_who.html", context, fragment="found")
    form = BesideForm(request.POST or None, user=request.user)
    status = 422 if request.method == "POST" else 200
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        try:
            logged = beside_actions.log(
                advocate=advocate, requester=request.user, kind=said["kind"], prospect=said["prospect"],
                happened_on=said["happened_on"], deal=said["deal"], minutes=said["minutes"], text=said["text"],
                team=request.user.teams.first(), at=timezone.now(),  # type: ignore[union-attr]
            )  # fmt: skip
            messages.success(request, _("Thank you for telling us. It counts like any other, and they are thanked."))
            return redirect("opportunities:request", logged.public_id)
        except Refused as refusal:
            form.add_error(None, str(refusal))
            status = 409
    return respond(request, "opportunities/desk/beside.html", {"form": form, "advocate": advocate}, status=status)


def _advocate(public_id: str) -> Advocate | None:
    try:
        rows = Advocate.objects.select_related("contact__account", "pod__manager")
        return rows.filter(public_id=UUID(public_id), status=Advocate.Status.MEMBER).first()
    except ValueError:
        return None


def _members(words: str) -> list[Advocate]:
    """Members whose name or company holds every word; only names, nothing to reach them by."""
    if not words.strip():
        return []
    rows = Advocate.objects.filter(status=Advocate.Status.MEMBER).select_related("contact__account")
    for word in words.split()[:5]:
        rows = rows.filter(
            Q(contact__given_name__iregex=loosely(word))
            | Q(contact__family_name__iregex=loosely(word))
            | Q(contact__account__name__icontains=word)
        )
    named = Q(contact__given_name__iregex=rf"\m{loosely(words.split()[0])}") | Q(
        contact__family_name__iregex=rf"\m{loosely(words.split()[0])}"
    )
    first = Case(When(named, then=0), default=1, output_field=IntegerField())  # people of that name, then companies
    return list(rows.order_by(first, "contact__family_name", "pk")[:FOUND])


# --- Those who answer for customers -----------------------------------------------------------------------------------
@requires(APPROVE)
@require_safe
def my_customers(request: HttpRequest) -> HttpResponse:
    """All that is asked of one's customers, and a way to stop what should not be."""
    at = timezone.now()
    rows: Any = trust_rules.nominations_for(request.user, at=at)
    show = request.GET.get("show", "")
    if show == "open":
        open_ones = Q(status__in=trust_rules.STOPPABLE) | Q(claim__status__in=("claimed", "confirmed", "scheduled"))
        rows = rows.filter(open_ones)
    page = page_by_key(rows, ("-asked_at", "-pk"), request.GET, size=30)
    context = {
        "page": page, "rows": [(one, trust_rules.may_stop(one, at=at)) for one in page.items], "show": show,
        "others": trust_rules.other_asks(request.user, at=at).order_by("-asked_at", "-pk")[:30],
        "accounts": trust_rules.accounts_of(request.user).order_by("name", "pk")[:60],
    }  # fmt: skip
    return respond(request, "opportunities/desk/my_customers.html", context, fragment="list")


@requires(APPROVE)
@require_http_methods(["GET", "HEAD", "POST"])
def stop_ask(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Stop one ask, and say why."""
    at = timezone.now()
    rows = trust_rules.nominations_for(request.user, at=at)
    one = get_object_or_404(rows, public_id=public_id)
    form = StopForm(request.POST or None)
    status = 422 if request.method == "POST" else 200
    if request.method == "POST" and form.is_valid():
        status = _stop(request, one, form, at=at)
        if not status:
            return redirect("opportunities:my_customers")
    context = {"form": form, "one": one, "may": trust_rules.may_stop(one, at=at)}
    return respond(request, "opportunities/desk/stop_ask.html", context, status=status)


def _stop(request: HttpRequest, one: Nomination, form: StopForm, *, at: datetime) -> int:
    try:
        trust.veto(one, reason=form.cleaned_data["reason"], by=request.user, at=at)
    except Refused as refusal:
        form.add_error(None, str(refusal))
        return 409
    messages.success(request, _("It is stopped. The desk reads why, and looks for somebody else."))
    return 0


urlpatterns: list[URLPattern] = [
    path("requests/beside/", beside, name="beside"),
    path("requests/<uuid:public_id>/change/", change_request, name="request_change"),
    path("status/<str:token>/", request_status, name="request_status"),
    path("my-customers/", my_customers, name="my_customers"),
    path("my-customers/<uuid:public_id>/stop/", stop_ask, name="stop_ask"),
]
