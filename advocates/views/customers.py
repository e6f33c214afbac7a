"""Customers: the list, one account with all that is known of it, its readiness by hand, what its contract promised."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from advocacy.crm import readiness
from advocacy.crm.models import Account, Pause
from advocacy.lib import export
from advocacy.lib.given import plain
from advocacy.lib.lifecycle import Refused
from advocacy.lib.pages import respond
from advocacy.lib.paging import page_by_key, place
from advocacy.users.rights import requires
from advocates import commitments, customers, files, timeline
from advocates.actions import commitments as acting
from advocates.customer_forms import CommitmentForm, EndForm, Lines, WhyForm, lines_of
from advocates.models import Advocate, Commitment

STATES = {"ready": "ok", "not_ready": "bad", "paused": "warn"}


# --- The list ---------------------------------------------------------------------------------------------------------
@requires("crm.view_account")
def customer_list(request: HttpRequest) -> HttpResponseBase:
    """Every customer, or those a filter leaves: can they be asked, when do they renew, do they owe us something."""
    query, at = request.GET, timezone.now()
    only = {name: plain(query.get(name)) for name in ("readiness", "region", "industry", "renewal")}
    rows = customers.narrowed(
        Account.objects.visible_to(request.user), plain(query.get("q"))[:100], today=timezone.localdate(at), only=only
    )
    if query.get("mine"):
        rows = customers.of_person(rows, request.user)
    if query.get("owed"):
        rows = rows.filter(pk__in=commitments.owing(at=at))
    if wanted := export.wanted(request):
        rows = rows.select_related("parent", "owner", "csm").order_by(*customers.ORDER)
        return export.answer(
            request, "customers", rows, files.CUSTOMERS, kind=wanted, prepare=files.with_members_and_owed
        )
    page = page_by_key(rows, customers.ORDER, query, size=30)
    ids = [account.pk for account in page.items]
    members, owed = customers.members_of(ids), commitments.standings(ids, at=at)
    context = {
        "page": page,
        "rows": [
            (
                account, STATES[account.readiness], members.get(account.pk, 0),
                sum(line.owed for line in owed.get(account.pk, ())),
                any(line.overdue for line in owed.get(account.pk, ())),
            )
            for account in page.items
        ],
        "readinesses": Account.Readiness.choices,
        "regions": customers.words_known("region"),
        "industries": customers.words_known("industry"),
        "filtered": any(only.values()) or query.get("q") or query.get("owed") or query.get("mine"),
    }  # fmt: skip
    return respond(request, "advocates/customers.html", context, fragment="list")


@requires("crm.view_account")
def paused_of_mine(request: HttpRequest) -> HttpResponse:
    """One's own customers whose asks rest: the list with that filter."""
    return redirect(f"{reverse('advocates:customers')}?mine=yes&readiness=paused")


# --- One account ------------------------------------------------------------------------------------------------------
def _account(request: HttpRequest, pk: int) -> Account:
    rows = Account.objects.visible_to(request.user).select_related("parent", "owner", "csm")
    return get_object_or_404(rows, pk=pk)


TIMELINE = ("-at", "-id")


@requires("crm.view_account")
def customer(request: HttpRequest, pk: int) -> HttpResponse:
    """One account: can it be asked, what was promised, who works there, how they do, and everything that happened."""
    kept = Account.with_merged.filter(pk=pk, merged_into__isnull=False).values_list("merged_into", flat=True).first()
    if kept is not None:  # an address somebody has kept, from before it went into another
        return redirect("advocates:customer", kept)
    found, at = _account(request, pk), timezone.now()
    subscriptions = list(found.subscriptions.order_by("-started_on", "-pk")[:30])
    people, more_people = customers.people(found, request.user, at=at)
    asked = customers.asks(found, at=at)
    won, under_way = customers.deals(found, request.user)
    clauses = list(found.commitments.select_related("by", "ended_by").order_by("-agreed_on", "-pk"))
    standing = commitments.standings([found.pk], at=at).get(found.pk, [])
    heard = customers.heard(found, at=at)
    context = {
        "account": found,
        "state": STATES[found.readiness],
        "rest": customers.rest(found),
        "facts": customers.facts(found),
        "subsidiaries": found.subsidiaries.order_by("name")[:10],
        "products": customers.products(found, subscriptions),
        "subscriptions": [(one, customers.origin(one.source, one.facts_at)) for one in subscriptions],
        "use": customers.use(found, at=at),
        "answers": [(one, customers.origin(one.source, one.facts_at)) for one in heard.answers],
        "escalations": [(one, customers.origin(one.source, one.facts_at)) for one in heard.escalations],
        "people": people,
        "more_people": more_people,
        "won": won,
        "open_deals": under_way,
        "asks": list(zip(timeline.asks(asked[:8], reader=request.user), asked, strict=False)),
        "caps": customers.caps(asked, at=at),
        "timeline_kinds": [
            ("asks", _("Asks")),
            ("touches", _("Touches")),
            ("activities", _("Activities")),
            ("signals", _("Signals")),
        ],
        "balance": timeline.balance_of_account(found, at=at),
        "commitments": [(one, [line for line in standing if line.line.commitment_id == one.pk]) for one in clauses],
        **_timeline(request, found),
    }
    return respond(request, "advocates/customer.html", context, fragment="timeline")


def _timeline(request: HttpRequest, account: Account) -> dict[str, Any]:
    """Deeds of its people by key, and among them what happened in the customer's own life."""
    kind = request.GET.get("kind", "")
    kind = kind if kind in {*timeline.KINDS, "signals"} else ""
    if kind == "signals":
        page: Any = page_by_key(timeline.signals(account), ("-occurred_at", "-pk"), request.GET, size=40)
        return {"page": page, "lines": timeline.lines_of_signals(page.items), "kind": kind}
    rows = timeline.of_account(account, kind=kind).select_related("by", "contact__advocate")
    page = page_by_key(rows, TIMELINE, request.GET, size=40)
    lines = timeline.lines_of_account(page.items, reader=request.user)
    if not kind:
        edge = place(rows, TIMELINE, str(request.GET.get("after", "")))
        among = timeline.signals(
            account, after=page.items[-1].at if page.next else None, before=edge[0] if edge and page.previous else None
        )
        lines = sorted([*lines, *timeline.lines_of_signals(among[:60])], key=lambda one: one["at"], reverse=True)
    return {"page": page, "lines": lines, "kind": kind}


# --- Readiness by hand ------------------------------------------------------------------------------------------------
@requires("crm.add_pause")
@require_http_methods(["GET", "HEAD", "POST"])
def pause(request: HttpRequest, pk: int) -> HttpResponse:
    """Pause asks at an account, having read what it means."""
    return _rest(request, pk, "pause")


@requires("crm.add_notready")
@require_http_methods(["GET", "HEAD", "POST"])
def not_ready(request: HttpRequest, pk: int) -> HttpResponse:
    """Say that an account is not ready, having read what it means."""
    return _rest(request, pk, "not_ready")


def _rest(request: HttpRequest, pk: int, what: str) -> HttpResponse:
    found, at, status = _account(request, pk), timezone.now(), 200
    standing = customers.rest(found).not_ready if what == "not_ready" else None
    first = {"reason": standing.reason, "until": standing.until} if standing else None
    form = WhyForm(request.POST or None, initial=first)
    if request.method == "POST":
        if form.is_valid():
            said: dict[str, Any] = {**form.cleaned_data, "by": request.user, "at": at}
            try:
                if what == "pause":
                    readiness.pause(found, **said)
                    messages.success(request, _("Asks are paused at %(account)s.") % {"account": found.name})
                else:
                    readiness.set_not_ready(found, **said)
                    messages.success(request, _("%(account)s is not ready now.") % {"account": found.name})
                return redirect("advocates:customer", found.pk)
            except Refused as refusal:
                about_day = form.cleaned_data["until"] is not None and form.cleaned_data["reason"].strip()
                form.add_error("until" if about_day else "reason", str(refusal))
        status = 409
    waiting = customers.waiting(found, at=at)
    context = {
        "account": found,
        "what": what,
        "form": form,
        "members": customers.members_of([found.pk]).get(found.pk, 0),
        "waiting": list(zip(timeline.asks(waiting, reader=request.user), waiting, strict=True)),
        "invited": Advocate.objects.filter(contact__account=found, status=Advocate.Status.INVITED).count(),
        "standing": standing,
    }
    return respond(request, "advocates/customer_rest.html", context, status=status)


@requires("crm.add_pause")
@require_http_methods(["GET", "HEAD", "POST"])
def lift(request: HttpRequest, pk: int, pause_id: int) -> HttpResponse:
    """End one pause by hand; the others stay."""
    found = _account(request, pk)
    one = get_object_or_404(Pause.objects.select_related("by"), pk=pause_id, account=found)
    if request.method == "POST":
        return _ended(request, found, lambda: readiness.lift(one, by=request.user, at=timezone.now()))
    others = [other for other in customers.rest(found).pauses if other.pk != one.pk]
    return respond(request, "advocates/customer_ready.html", {"account": found, "pause": one, "others": others})


@requires("crm.add_notready")
@require_http_methods(["GET", "HEAD", "POST"])
def ready(request: HttpRequest, pk: int) -> HttpResponse:
    """Take back that an account is not ready; pauses stay."""
    found = _account(request, pk)
    if request.method == "POST":
        return _ended(request, found, lambda: readiness.set_ready(found, by=request.user, at=timezone.now()))
    rest = customers.rest(found)
    if rest.not_ready is None:
        messages.warning(request, _("Nobody says any more that this account is not ready."))
        return redirect("advocates:customer", found.pk)
    context = {"account": found, "not_ready": rest.not_ready, "others": rest.pauses}
    return respond(request, "advocates/customer_ready.html", context)


def _ended(request: HttpRequest, account: Account, end: Any) -> HttpResponse:
    try:
        end()
        account.refresh_from_db()
        if account.readiness == Account.Readiness.READY:
            messages.success(request, _("%(account)s can be asked again.") % {"account": account.name})
        else:
            words = {"account": account.name, "reason": account.readiness_reason}
            messages.success(request, _("Ended. %(account)s still rests: %(reason)s.") % words)
    except Refused as refusal:
        messages.warning(request, str(refusal))
    return redirect("advocates:customer", account.pk)


# --- Commitments ------------------------------------------------------------------------------------------------------
@requires("advocates.add_commitment")
@require_http_methods(["GET", "HEAD", "POST"])
def new_commitment(request: HttpRequest, pk: int) -> HttpResponse:
    """Put a clause of a contract on record."""
    return _commitment(request, _account(request, pk), None)


def _kept(request: HttpRequest, pk: int) -> Commitment:
    rows = Commitment.objects.filter(account__in=Account.objects.visible_to(request.user))
    return get_object_or_404(rows.select_related("account"), pk=pk)


@requires("advocates.change_commitment")
@require_http_methods(["GET", "HEAD", "POST"])
def commitment(request: HttpRequest, pk: int) -> HttpResponse:
    """Correct what a clause says."""
    found = _kept(request, pk)
    return _commitment(request, found.account, found)


def _commitment(request: HttpRequest, account: Account, found: Commitment | None) -> HttpResponse:
    posted = request.POST if request.method == "POST" else None
    # A copy: what a form writes into its row before it is refused must not be read on the page.
    row = Commitment.objects.get(pk=found.pk) if found else Commitment(account=account, currency=account.currency)
    form = CommitmentForm(posted, instance=row)
    lines = Lines(posted, initial=None if posted else lines_of(found), prefix="line")
    status = 200
    if posted is not None:
        if form.is_valid() and lines.is_valid():
            try:
                said, at = form.said(lines), timezone.now()
                if found is None:
                    acting.record(account, said, by=request.user, at=at)
                    messages.success(request, _("On record. What is owed comes up on Today a month before its day."))
                else:
                    acting.correct(found, said, by=request.user, at=at)
                    messages.success(request, _("Corrected."))
                return redirect(_back(account))
            except Refused as refusal:
                form.add_error(None, str(refusal))
        status = 409
    context = {"account": account, "commitment": found, "form": form, "lines": lines}
    return respond(request, "advocates/commitment.html", context, status=status)


def _back(account: Account) -> str:
    return reverse("advocates:customer", args=[account.pk]) + "#commitments"


@requires("advocates.change_commitment")
@require_http_methods(["GET", "HEAD", "POST"])
def end_commitment(request: HttpRequest, pk: int) -> HttpResponse:
    """Let go of what a clause promised: nothing more is asked for."""
    found, status = _kept(request, pk), 200
    form = EndForm(request.POST or None)
    if request.method == "POST":
        if form.is_valid():
            try:
                acting.end(found, reason=form.cleaned_data["reason"], by=request.user, at=timezone.now())
                messages.success(request, _("No longer asked for. It stays on the page, and can be brought back."))
                return redirect(_back(found.account))
            except Refused as refusal:
                form.add_error(None, str(refusal))
        status = 409
    if found.ended_at is not None and status == 200:
        raise Http404
    return respond(
        request, "advocates/commitment_end.html", {"account": found.account, "commitment": found, "form": form},
        status=status,
    )  # fmt: skip


@requires("advocates.change_commitment")
@require_POST
def bring_commitment_back(request: HttpRequest, pk: int) -> HttpResponse:
    """Undo letting go of it."""
    found = _kept(request, pk)
    try:
        acting.bring_back(found, by=request.user)
        messages.success(request, _("Asked for again."))
    except Refused as refusal:
        messages.warning(request, str(refusal))
    return redirect(_back(found.account))
