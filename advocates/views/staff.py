"""What colleagues see and do: the portfolio, one advocate's story, applications, lifecycle rules."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Max, Q
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from advocacy.crm.catalogue import SIGNAL_KINDS, Deed, Purpose
from advocacy.crm.models import Account, Contact
from advocacy.delivery.models import Message
from advocacy.lib import charts, export
from advocacy.lib.given import plain, whole_number
from advocacy.lib.lifecycle import Refused
from advocacy.lib.pages import respond
from advocacy.lib.paging import page_by_key
from advocacy.lib.searching import loosely
from advocacy.users.rights import requires
from advocates import (
    budget,
    files,
    kinds,
    lifecycle,
    narrowing,
    points,
    provenance,
    rungs,
    snippets,
    timeline,
    worklist,
)
from advocates.actions import accounts, care, joining
from advocates.actions import invitations as inviting
from advocates.actions import lifecycle as rules
from advocates.forms import NoteForm, regions
from advocates.invitations import why_not as may_invite
from advocates.models import Advocate, Application, Cohort, Firing, Invitation, LifecycleRule, Pod, Task
from advocates.rule_form import RuleForm


# --- The portfolio ----------------------------------------------------------------------------------------------------
@requires("advocates.view_advocate")
def advocates(request: HttpRequest) -> HttpResponseBase:
    """Everybody in the program, or those a filter leaves, with whether they can be asked."""
    rows = Advocate.objects.visible_to(request.user).select_related("contact__account", "pod__manager")
    query = request.GET
    status = query.get("status") or Advocate.Status.MEMBER
    if status != "all" and status in Advocate.Status.values:
        rows = rows.filter(status=status)
    if (stage := whole_number(query.get("stage"))) is not None:
        rows = rows.filter(stage=stage) if stage in Advocate.Stage.values else rows.none()
    if (pod := whole_number(query.get("pod"))) is not None:
        rows = rows.filter(pod=pod)
    if query.get("mine"):
        rows = rows.filter(pod__manager=request.user.pk)
    if region := plain(query.get("region")):
        rows = rows.filter(contact__account__region=region)
    if words := plain(query.get("q"))[:100]:
        for word in words.split()[:5]:
            rows = rows.filter(
                Q(contact__given_name__iregex=loosely(word)) | Q(contact__family_name__iregex=loosely(word))
                | Q(contact__account__name__icontains=word) | Q(contact__email__istartswith=word)
            )  # fmt: skip
    rows = narrowing.by_profile(rows, query)
    order = ("contact__family_name", "contact__given_name", "pk")
    if wanted := export.wanted(request):
        return export.answer(
            request, "advocates", rows.order_by(*order), files.ADVOCATES, kind=wanted, prepare=files.with_availability
        )
    page = page_by_key(rows, order, query, size=30)
    at = timezone.now()
    free, standing = budget.availabilities(page.items, at=at), rungs.rungs(page.items, at=at)
    context = {
        "page": page,
        "rows": [(advocate, free[advocate.pk], rungs.NAMES.get(standing[advocate.pk], "")) for advocate in page.items],
        "statuses": Advocate.Status.choices,
        "status": status,
        "stages": Advocate.Stage.choices,
        "pods": Pod.objects.select_related("manager"),
        "regions": regions(),
        "profile": narrowing.choices(query),
        "narrowed": narrowing.narrowed(query),
    }
    return respond(request, "advocates/advocates.html", context, fragment="list")


@requires("advocates.view_advocate")
def advocate(request: HttpRequest, public_id: Any) -> HttpResponse:
    """One advocate: who they are, whether they can be asked, and everything that happened, newest first."""
    found = get_object_or_404(
        Advocate.objects.visible_to(request.user).select_related("contact__account", "pod__manager", "user"),
        public_id=public_id,
    )
    at = timezone.now()
    kind = request.GET.get("kind", "")
    page = page_by_key(
        timeline.of_advocate(found, kind=kind).select_related("by"), ("-at", "-id"), request.GET, size=40
    )
    context = {
        "advocate": found,
        "contact": found.contact,
        "account": found.contact.account,
        "availability": budget.availability(found, at=at),
        "where_from": provenance.of(found, reader_is_self=False),
        "rung": rungs.NAMES.get(rungs.rungs([found], at=at)[found.pk], ""),
        "used_up": timeline.asks(budget.used_up(found, at=at), reader=request.user),
        "wants": kinds.words(found.wants),
        "never": kinds.words(found.never),
        "balance": timeline.balance(found, at=at),
        "points": points.total(found),
        "page": page,
        "lines": timeline.lines(page.items, about=found, reader=request.user),
        "kind": kind,
        "tasks": worklist.with_places(
            Task.objects.filter(advocate=found, done_at__isnull=True)
            .select_related("advocate", "account")
            .order_by("due_at")[:5],
            reader=request.user,
        ),
        "invitation": found.invitations.order_by("-created_at").first(),
        "wishes": found.wishes.exclude(status="withdrawn").select_related("owner").order_by("-created_at")[:5],
        "snippets": snippets.filled(snippets.of(request.user)[:50], found.contact, by=request.user),
        "consents": found.contact.consents.in_force(at=at).order_by("purpose"),
        "form": NoteForm(),
    }
    return respond(request, "advocates/advocate.html", context, fragment="timeline")


@requires("advocates.work_portfolio")
@require_POST
def thank(request: HttpRequest, public_id: Any) -> HttpResponse:
    """Thank an advocate in one's own words."""
    found = get_object_or_404(
        Advocate.objects.visible_to(request.user).select_related("contact__account"), public_id=public_id
    )
    at = timezone.now()
    try:
        # One a day from one colleague: a form sent twice thanks once.
        sent = care.thank(
            found, text=request.POST.get("text", ""), by=request.user, at=at,
            about=("advocates.thanks", f"{found.pk}:{request.user.pk}:{at.date()}"),
        )  # fmt: skip
        if sent:
            messages.success(request, _("Thanked. It goes out by mail, and is on the timeline."))
        else:
            messages.warning(request, _("You have thanked them today already."))
    except Refused as refusal:
        messages.warning(request, str(refusal))
    return redirect("advocates:advocate", public_id)


@requires("advocates.work_portfolio")
@require_POST
def touch(request: HttpRequest, public_id: Any) -> HttpResponse:
    """Put a care call on record."""
    found = get_object_or_404(
        Advocate.objects.visible_to(request.user).select_related("contact__account"), public_id=public_id
    )
    at = timezone.now()
    care.touch(
        found, deed=Deed.CARE_CALL, about=("advocates.care", f"{found.pk}:{request.user.pk}:{at.date()}"), at=at,
        by=request.user,
    )  # fmt: skip
    messages.success(request, _("On record: you talked, and asked for nothing."))
    return redirect("advocates:advocate", public_id)


# --- Invitations ------------------------------------------------------------------------------------------------------
@requires("advocates.view_invitation")
@require_http_methods(["GET", "HEAD", "POST"])
def invited(request: HttpRequest) -> HttpResponseBase:
    """The funnel of invitations, each one, and somebody to invite by hand."""
    status = 200
    if request.method == "POST":
        if not request.user.has_perm("advocates.add_invitation"):
            raise PermissionDenied
        chosen = whole_number(request.POST.get("contact"))
        contact = Contact.objects.visible_to(request.user).filter(pk=chosen).first() if chosen is not None else None
        try:
            if contact is None:
                raise Refused(_("Choose somebody to invite."))
            inviting.invite(contact, at=timezone.now(), by=request.user)
            messages.success(request, _("%(name)s is invited; the mail is on its way.") % {"name": contact.full_name})
            return redirect("advocates:invited")
        except Refused as refusal:
            messages.warning(request, str(refusal))
            status = 409
    show = request.GET.get("show", "")
    known = Invitation.objects.all()
    cohort = Cohort.objects.filter(pk=whole_number(request.GET.get("cohort")) or 0).first()
    if cohort is not None:
        known = known.filter(batch__cohort=cohort)
    counts = dict(known.order_by().values_list("status").annotate(Count("pk")))
    rows = known.select_related("advocate__contact__account", "invited_by", "firing__rule")
    if show in Invitation.Status.values:
        rows = rows.filter(status=show)
    if wanted := export.wanted(request):
        rows = rows.order_by("-created_at", "-id")
        return export.answer(request, "invitations", rows, files.INVITATIONS, kind=wanted)
    page = page_by_key(rows, ("-created_at", "-id"), request.GET, size=25)
    context = {
        "page": page,
        "rows": _with_mails(page.items, request.user),
        "funnel": _funnel(counts, opened=known.filter(clicked_at__isnull=False).count()),
        "cohort": cohort,
        "statuses": [(value, label, counts.get(value, 0)) for value, label in Invitation.Status.choices],
        "show": show,
        "q": request.GET.get("q", ""),
        "found": _to_invite(request),
    }
    return respond(request, "advocates/invited.html", context, status=status)


AGAIN = frozenset({Invitation.Status.EXPIRED, Invitation.Status.STOPPED})
"""Whoever did not answer these can be invited anew; the action says so if something stands against it."""


def _with_mails(found: Sequence[Invitation], reader: Any) -> list[tuple[Invitation, str, bool]]:
    """Each invitation with the page of its last mail, and whether somebody may be invited again."""
    keys = {f"{one.pk}:{one.reminders}": one.pk for one in found}
    mails: dict[int, str] = {}
    if reader.has_perm("delivery.view_message"):
        rows = Message.objects.visible_to(reader).filter(kind="invitation", dedupe_key__in=list(keys))
        for key, public_id in rows.values_list("dedupe_key", "public_id"):
            mails[keys[key]] = reverse("delivery:message", args=[public_id])
    again = reader.has_perm("advocates.add_invitation")
    return [
        (
            one,
            mails.get(one.pk, ""),
            again and one.status in AGAIN and one.advocate.status == Advocate.Status.INVITED,
        )
        for one in found
    ]


def _funnel(counts: dict[str, int], *, opened: int) -> str:
    """How far invitations come: each step holds all that went further."""
    known = Invitation.Status
    accepted = counts.get(known.ACCEPTED, 0)
    sent = sum(counts.values()) - counts.get(known.QUEUED, 0) - counts.get(known.BOUNCED, 0)
    if not counts:
        return str(charts.nothing_yet(_("No invitation has gone out yet.")))
    return str(
        charts.funnel(
            [
                charts.Point(_("invited"), sum(counts.values())),
                charts.Point(_("reached"), sent),
                charts.Point(_("opened and interested"), max(opened, accepted)),
                charts.Point(_("accepted"), accepted),
            ],
            title=_("How far invitations come"),
        )
    )


def _to_invite(request: HttpRequest) -> list[tuple[Contact, str | None]]:
    """Contacts a search finds, each with why they cannot be invited, if so."""
    words = request.GET.get("q", "").replace("\x00", "").strip()[:100]
    if not words:
        return []
    rows = Contact.objects.visible_to(request.user).filter(erased_at__isnull=True).select_related("account")
    for word in words.split()[:5]:
        rows = rows.filter(
            Q(given_name__iregex=loosely(word)) | Q(family_name__iregex=loosely(word))
            | Q(account__name__icontains=word) | Q(email__istartswith=word)
        )  # fmt: skip
    at = timezone.now()
    return [(contact, may_invite(contact, at=at)) for contact in rows.order_by("family_name", "pk")[:8]]


# --- Applications -----------------------------------------------------------------------------------------------------
@requires("advocates.view_application")
def applications(request: HttpRequest) -> HttpResponseBase:
    """Who asks to join: first those that wait."""
    show = request.GET.get("show", "confirmed")
    rows = Application.objects.select_related("advocate__contact__account", "decided_by")
    if show in Application.Status.values:
        rows = rows.filter(status=show)
    if wanted := export.wanted(request):
        rows = rows.order_by("-filed_at", "-id")
        return export.answer(request, "applications", rows, files.APPLICATIONS, kind=wanted)
    page = page_by_key(rows, ("-filed_at", "-id"), request.GET, size=20)
    tabs = [
        (Application.Status.CONFIRMED, _("To be read")),
        (Application.Status.FILED, _("Address not confirmed")),
        (Application.Status.ACCEPTED, _("Accepted")),
        (Application.Status.DECLINED, _("Declined")),
    ]
    return respond(request, "advocates/applications.html", {"page": page, "show": show, "tabs": tabs}, fragment="list")


@requires("advocates.view_application")
@require_http_methods(["GET", "HEAD", "POST"])
def application(request: HttpRequest, public_id: Any) -> HttpResponse:
    """One application: what they wrote, which account it may be, and the answer."""
    found = get_object_or_404(Application.objects.select_related("advocate__contact__account"), public_id=public_id)
    status = 200
    if request.method == "POST":
        if not request.user.has_perm("advocates.change_application"):
            raise PermissionDenied
        try:
            if request.POST.get("answer") == "no":
                joining.decline_application(
                    found, reason=request.POST.get("reason", ""), at=timezone.now(), by=request.user
                )
                messages.success(request, _("Declined, with your words, by mail."))
            elif request.POST.get("answer") == "new account":
                accounts.accept_with_new_account(
                    found, name=request.POST.get("company", ""), at=timezone.now(), by=request.user
                )
                messages.success(request, _("The account is added, and they are accepted. They get a mail."))
            else:
                number = whole_number(request.POST.get("account"))
                account = Account.objects.filter(pk=number).first() if number is not None else None
                if account is None:
                    raise Refused(_("Choose the account they work at."))
                joining.accept_application(found, account=account, at=timezone.now(), by=request.user)
                messages.success(request, _("Accepted. They get a mail with how to sign in."))
            return redirect("advocates:applications")
        except Refused as refusal:
            messages.warning(request, str(refusal))
            status = 409
            found.refresh_from_db()
    words = request.GET.get("q", "").replace("\x00", "").strip()[:100]
    contact = joining.matching_contact(found.email)
    suggestions = [contact.account] if contact else []
    by_domain = joining.account_by_domain(found.email)
    if by_domain and by_domain not in suggestions:
        suggestions.append(by_domain)
    near = Account.objects.filter(name__icontains=words or found.company).order_by("name")[:8]
    suggestions += [account for account in near if account not in suggestions]
    context = {
        "application": found, "contact": contact, "accounts": suggestions, "q": words,
        "reason": request.POST.get("reason", ""), "company": request.POST.get("company", found.company),
        "ticked": [dict(Purpose.choices).get(purpose, purpose) for purpose in found.consents],
    }  # fmt: skip
    return respond(request, "advocates/application.html", context, status=status)


# --- Lifecycle rules --------------------------------------------------------------------------------------------------
TRIED = 50
"""Signals a dry run shows on a page; each “show more” adds as many, up to the end of what a page can carry."""
MOST_TRIED = 500


@requires("advocates.change_lifecyclerule")
def rule_list(request: HttpRequest) -> HttpResponse:
    """Every rule: when, then, on or off, how often it has fired."""
    rows = LifecycleRule.objects.annotate(
        done=Count("firings", filter=Q(firings__status="done")), last=Max("firings__fired_at")
    ).order_by("name")
    effects = lifecycle.effects()
    shown = [
        {
            "rule": rule,
            "signal": SIGNAL_KINDS[rule.signal].name,
            "effect": effects[rule.effect].label if rule.effect in effects else None,
        }
        for rule in rows
    ]
    groups = [
        (_("On"), [one for one in shown if one["rule"].enabled]),
        (_("Drafts"), [one for one in shown if not one["rule"].enabled]),
    ]
    return respond(request, "advocates/rules.html", {"groups": [group for group in groups if group[1]]})


@requires("advocates.change_lifecyclerule")
def rule(request: HttpRequest, pk: int) -> HttpResponse:
    """One rule: what it says, a dry run over a period, and what it has done, with reasons."""
    return _rule(request, get_object_or_404(LifecycleRule, pk=pk))


FIRST_YEAR, LAST_YEAR = 1970, 2199
"""Days a rule can be tried for; no signal lies outside of them."""


def _rule(request: HttpRequest, found: LifecycleRule, status: int = 200) -> HttpResponse:
    at = timezone.now()
    start, end = _period(request)
    tried, more = [], False
    most = min(max(whole_number(request.GET.get("most", "")) or TRIED, TRIED), MOST_TRIED)
    wrong = ""
    if any(day and not FIRST_YEAR <= day.year <= LAST_YEAR for day in (start, end)):
        wrong = _("Give days of the years %(first)s to %(last)s.") % {"first": FIRST_YEAR, "last": LAST_YEAR}
    elif end and start and end < start:
        wrong = _("The last day lies before the first.")
    elif "from" in request.GET or "now" in request.GET:
        runs = rules.dry_run(
            found, at=at,
            start=rules.as_instant(start) if start else None,
            end=rules.as_instant(end + timedelta(days=1)) if end else None,
            undecided=True, most=most + 1,
        )  # fmt: skip
        tried = list(runs)
        more, tried = len(tried) > most, tried[:most]
    past = "from" in request.GET
    lines = _with_what_was_done(found, tried)
    effects = lifecycle.effects()
    firings = Firing.objects.filter(rule=found).select_related("signal__account", "contact")
    context = {
        "rule": found,
        "signal": SIGNAL_KINDS[found.signal],
        "conditions": [str(lifecycle.Condition.read(raw)) for raw in found.conditions],
        "effect": effects[found.effect].label if found.effect in effects else None,
        "kinds": kinds.words(found.effect_params.get("kinds") or []),
        "which": _which(effects.get(found.effect), found),
        "whom": [dict(Contact.Persona.choices).get(role.strip(), role) for role in found.whom.split(",")],
        "lines": lines,
        "past": past,
        "ran": past or "now" in request.GET,
        "would": sum(one.fires or (past and done) for one, done in lines),
        "done": sum(done for _one, done in lines),
        "waits": sum(one.waits for one, done in lines),
        "more": most + TRIED if more and most < MOST_TRIED else None,
        "cut": more and most >= MOST_TRIED,
        "wrong": wrong,
        "start": start or (at - timedelta(days=90)).date(),
        "end": end or at.date(),
        "page": page_by_key(firings, ("-id",), request.GET, size=25),
    }
    return respond(request, "advocates/rule.html", context, status=status)


@requires("advocates.change_lifecyclerule")
@require_http_methods(["GET", "HEAD", "POST"])
def new_rule(request: HttpRequest) -> HttpResponse:
    """Say a rule as a sentence; it is a draft unless it is switched on."""
    return _edit(request, None)


@requires("advocates.change_lifecyclerule")
@require_http_methods(["GET", "HEAD", "POST"])
def edit_rule(request: HttpRequest, pk: int) -> HttpResponse:
    """Say it anew. A rule that is on begins anew where it now heeds or does something else."""
    return _edit(request, get_object_or_404(LifecycleRule, pk=pk))


def _edit(request: HttpRequest, found: LifecycleRule | None) -> HttpResponse:
    form = RuleForm(request.POST or None, rule=found)
    if request.method != "POST" or not form.is_valid():
        status = 422 if request.method == "POST" else 200
        return respond(request, "advocates/rule_edit.html", {"form": form, "rule": found}, status=status)
    at = timezone.now()
    changed = form.write(found or LifecycleRule())
    on_since = changed.enabled_from
    cancelled = rules.save(changed, at=at)
    if form.cleaned_data.get("switch_on"):
        rules.switch_on(changed, at=at)
        messages.success(request, _("Saved and on. It heeds signals from now on."))
    elif changed.enabled and changed.enabled_from == on_since:
        messages.success(request, _("Saved. It is on as before, and what waits for its day still waits."))
    elif changed.enabled:
        messages.success(request, _("Saved. It is on, and heeds signals from now on."))
        if cancelled:
            messages.warning(request, lifecycle.dropped(cancelled))
    else:
        messages.success(request, _("Saved as a draft. Try it here before you switch it on."))
    tried = {"from": (at - timedelta(days=90)).date().isoformat(), "to": at.date().isoformat()}
    return redirect(f"{reverse('advocates:rule', args=[changed.pk])}?{urlencode(tried)}")


def _which(effect: lifecycle.Effect | None, rule: LifecycleRule) -> str:
    """What was chosen for its effect, in words; empty where nothing is."""
    if effect is None or effect.options is None:
        return ""
    return dict(effect.options()).get(str(rule.effect_params.get(effect.key)), _("one that is gone"))


def _with_what_was_done(found: LifecycleRule, tried: Sequence[rules.Tried]) -> list[tuple[rules.Tried, bool]]:
    """Each line of a dry run, and whether the rule has in truth acted on that occurrence."""
    done = set(
        Firing.objects.filter(
            rule=found, status=Firing.Status.DONE, occurrence__in={one.happening.occurrence for one in tried}
        ).values_list("subject", "occurrence")
    )
    return [(one, (one.happening.subject, one.happening.occurrence) in done) for one in tried]


def _period(request: HttpRequest) -> tuple[date | None, date | None]:
    def read(name: str) -> date | None:
        try:
            return parse_date(request.GET.get(name, ""))
        except ValueError:
            return None

    return read("from"), read("to")


@requires("advocates.change_lifecyclerule")
@require_POST
def switch(request: HttpRequest, pk: int) -> HttpResponse:
    """Switch a rule on, from now on, or off."""
    found = get_object_or_404(LifecycleRule, pk=pk)
    at = timezone.now()
    try:
        if request.POST.get("to") == "on":
            rules.switch_on(found, at=at)
            messages.success(request, _("On. It heeds signals from now on; nothing that happened before fires it."))
        else:
            cancelled = rules.switch_off(found, at=at)
            messages.success(request, f"{_('Off.')} {lifecycle.dropped(cancelled)}" if cancelled else _("Off."))
    except Refused as refusal:
        messages.warning(request, str(refusal))
        return _rule(request, found, status=409)
    return redirect("advocates:rule", pk)
