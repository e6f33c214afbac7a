"""Beta and advisory groups: for those who run them, for their members, and the signed page of a mail (O10)."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from advocacy.crm import consent
from advocacy.lib import signed
from advocacy.lib.given import plain
from advocacy.lib.lifecycle import Refused
from advocacy.lib.pages import respond
from advocacy.lib.paging import page_by_key
from advocacy.lib.searching import loosely
from advocacy.users.rights import public, requires
from advocates.models import Advocate
from opportunities import groups as rules
from opportunities.actions import groups as actions
from opportunities.forms.groups import ApplyForm, GroupForm, WhyForm
from opportunities.models import CustomerGroup, GroupMembership

RUN = "opportunities.run_groups"
MEMBER = "opportunities.claim"
LINK = "group"
"""Purpose of signed links that answer an invitation or the question about another term."""
SHOWN, FOUND, DEEDS = 50, 8, 10
STATES = {"applied": "warn", "invited": "warm", "member": "ok", "ended": "plain", "declined": "plain"}


# --- For those who run them -------------------------------------------------------------------------------------------
@requires(RUN)
@require_safe
def group_list(request: HttpRequest) -> HttpResponse:
    """Every group with its seats and what waits; the running ones first."""
    rows = CustomerGroup.objects.with_numbers().select_related("run_by")
    kind, show = request.GET.get("kind", ""), request.GET.get("show", "")
    rows = rows.filter(status=CustomerGroup.Status.ENDED if show == "ended" else CustomerGroup.Status.OPEN)
    if kind in CustomerGroup.Kind.values:
        rows = rows.filter(kind=kind)
    page = page_by_key(rows, ("name", "pk"), request.GET, size=SHOWN)
    context = {"page": page, "kinds": CustomerGroup.Kind.choices, "is_filtered": bool(kind or show)}
    return respond(request, "opportunities/groups/groups.html", context)


def _get(public_id: UUID) -> CustomerGroup:
    return get_object_or_404(CustomerGroup.objects.select_related("run_by"), public_id=public_id)


@requires(RUN)
@require_safe
def group(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """One group: who is in, whose term ends soon, who waits, what they gave; and whom to invite."""
    found, at = _get(public_id), timezone.now()
    gave = rules.gave(found)
    rows = GroupMembership.objects.filter(group=found).select_related("advocate__contact__account")
    live = {status: list(rows.filter(status=status).order_by("asked_at", "pk")) for status in GroupMembership.LIVE}
    before = rows.filter(status__in=["ended", "declined"]).order_by("-ended_at", "-pk")
    words = plain(request.GET.get("q"))
    context = {
        "group": found, "left": rules.seats_left(found), "words": words,
        "members": [(one, gave.get(one.advocate_id, rules.Gave())) for one in live["member"]],
        "invited": live["invited"], "applied": live["applied"],
        "page": page_by_key(before, ("-ended_at", "-pk"), request.GET, size=20),
        "under_way": rules.under_way(found)[:DEEDS], "how_many_under_way": rules.under_way(found).count(),
        "soon": rules.ending_soon(found, at=at), "deeds": rules.deeds(found)[:DEEDS],
        "done": sum(one.done for one in gave.values()), "hours": sum(one.minutes for one in gave.values()) / 60,
        "found": _found(found, words, at=at) if words else [],
        "only_theirs": rules.opportunities_of(found).select_related("kind").order_by("-created_at")[:DEEDS],
    }  # fmt: skip
    return respond(request, "opportunities/groups/group.html", context)


def _found(group: CustomerGroup, words: str, *, at: datetime) -> list[tuple[Advocate, str | None]]:
    rows = Advocate.objects.filter(status=Advocate.Status.MEMBER).select_related("contact__account")
    for word in words.split()[:4]:
        rows = rows.filter(
            Q(contact__given_name__iregex=loosely(word)) | Q(contact__family_name__iregex=loosely(word))
            | Q(contact__email__icontains=word) | Q(contact__account__name__icontains=word)
        )  # fmt: skip
    people = rows.order_by("contact__family_name", "pk")[:FOUND]
    return [(one, rules.why_not(one, group, at=at)) for one in people]


@requires(RUN)
@require_http_methods(["GET", "HEAD", "POST"])
def new_group(request: HttpRequest) -> HttpResponse:
    return _edit(request, CustomerGroup(run_by_id=request.user.pk))


@requires(RUN)
@require_http_methods(["GET", "HEAD", "POST"])
def edit_group(request: HttpRequest, public_id: UUID) -> HttpResponse:
    return _edit(request, _get(public_id))


@transaction.atomic
def _edit(request: HttpRequest, found: CustomerGroup) -> HttpResponse:
    if found.pk and request.method == "POST":  # nobody takes a seat between the look at them and the save
        found = CustomerGroup.objects.select_for_update(of=("self",)).select_related("run_by").get(pk=found.pk)
    if found.pk and found.status != CustomerGroup.Status.OPEN:
        messages.warning(request, _("%(group)s has ended, and stays as it was.") % {"group": found.name})
        return redirect("opportunities:group", found.public_id)
    form = GroupForm(request.POST if request.method == "POST" else None, instance=found)
    if request.method == "POST" and form.is_valid():
        try:
            with transaction.atomic():
                saved = form.save()
        except IntegrityError:  # somebody was a moment quicker, or the button was pressed twice
            form.add_error("name", _("There is a group of this name already. Choose another one."))
        else:
            messages.success(request, _("Saved."))
            return redirect("opportunities:group", saved.public_id)
    context = {"form": form, "group": found}
    return respond(request, "opportunities/groups/edit.html", context, status=422 if form.errors else 200)


@requires(RUN)
@require_POST
def invite_to_group(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Invite one member of the program; the answer says it, or why not."""
    found = _get(public_id)
    try:
        advocate = Advocate.objects.get(public_id=UUID(request.POST.get("advocate", "")))
    except (Advocate.DoesNotExist, ValueError):
        raise Http404 from None
    try:
        actions.invite(advocate, found, by=request.user, at=timezone.now())
        said = _("%(name)s is invited; the seat is kept for two weeks.")
        messages.success(request, said % {"name": advocate.contact.full_name})
    except Refused as refusal:
        messages.warning(request, str(refusal))
    return redirect("opportunities:group", public_id)


@requires(RUN)
@require_POST
def move_membership(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Answer an application, take an invitation back, or end a membership."""
    rows = GroupMembership.objects.select_related("group", "advocate__contact")
    found, at = get_object_or_404(rows, public_id=public_id), timezone.now()
    reason = request.POST.get("reason", "")
    try:
        match request.POST.get("to"):
            case "take":
                actions.take(found, by=request.user, at=at)
                messages.success(request, _("They are in, and get a mail."))
            case "not_taken":
                actions.not_taken(found, reason=reason, by=request.user, at=at)
                messages.success(request, _("They get a mail with your words."))
            case "take_back":
                actions.take_back(found, by=request.user, at=at)
                messages.success(request, _("Taken back; the seat is free."))
            case "end":
                actions.end_membership(found, reason=reason, by=request.user, at=at)
                messages.success(request, _("The membership has ended; the seat is free."))
            case _:
                raise Http404
    except Refused as refusal:
        messages.warning(request, str(refusal))
    return redirect("opportunities:group", found.group.public_id)


@requires(RUN)
@require_POST
def end_group(request: HttpRequest, public_id: UUID) -> HttpResponse:
    try:
        actions.end_group(_get(public_id), by=request.user, at=timezone.now())
        messages.success(request, _("The group has ended, and its memberships with it."))
    except Refused as refusal:
        messages.warning(request, str(refusal))
    return redirect("opportunities:group", public_id)


# --- For members ------------------------------------------------------------------------------------------------------
def _me(request: HttpRequest) -> Advocate:
    return get_object_or_404(Advocate.objects.select_related("contact__account"), user=request.user.pk)


@requires(MEMBER)
@require_safe
def my_groups(request: HttpRequest) -> HttpResponse:
    """Where one is in, what one is invited to, and what one can apply to."""
    me, at = _me(request), timezone.now()
    rows = [(one, STATES[one.status], one.may_renew(at=at)) for one in rules.mine(me)]
    context = {"rows": rows, "others": rules.may_apply_to(me)[:SHOWN]}
    return respond(request, "opportunities/groups/mine.html", context)


@requires(MEMBER)
@require_http_methods(["GET", "HEAD", "POST"])
def my_group(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """One group as its members, and those who may apply, see it; nobody else sees that it is there."""
    me, at = _me(request), timezone.now()
    found = _get(public_id)
    mine = _mine(me, found)
    gone = mine is None and request.method == "POST" and request.POST.get("go") in {"decline", "leave"}
    if gone and GroupMembership.objects.filter(advocate=me, group=found).exists():
        return redirect("opportunities:my_groups")  # the same button pressed twice
    if mine is None and rules.why_not_apply(me, found):
        raise Http404
    form = ApplyForm(request.POST if request.method == "POST" and request.POST.get("go") == "apply" else None)
    status = 200
    if request.method == "POST":
        try:
            if mine is not None and request.POST.get("go") == "apply":
                return redirect(request.path)  # pressed twice: they have applied, or are asked or in by now
            if mine is not None:
                _answer(request, mine, at=at)
                return redirect("opportunities:my_groups" if _mine(me, found) is None else request.path)
            if form.is_valid():
                agrees = request.POST.get("agree") == "yes"
                actions.apply(me, found, note=form.cleaned_data["note"], agrees=agrees, at=at)
                messages.success(request, _("Thank you! We read it, and write to you."))
                return redirect(request.path)
            status = 422
        except Refused as refusal:
            messages.warning(request, str(refusal))
            status, mine = 409, _mine(me, found)
    context = {**_told(found, mine, me, at=at), "form": form if mine is None else None, "action": request.path}
    if mine is not None and mine.status == "member":
        theirs = rules.opportunities_of(found).filter(status="open").select_related("kind").order_by("-opened_at")
        context["only_theirs"] = theirs[:DEEDS]
        context["gave"] = rules.gave(found).get(me.pk, rules.Gave())
    return respond(request, "opportunities/groups/mine_one.html", context, status=status)


def _mine(advocate: Advocate, group: CustomerGroup) -> GroupMembership | None:
    rows = GroupMembership.objects.filter(advocate=advocate, group=group, status__in=GroupMembership.LIVE)
    return rows.select_related("group", "advocate__contact").first()


def _told(group: CustomerGroup, mine: GroupMembership | None, me: Advocate, *, at: datetime) -> dict[str, Any]:
    agreed = consent.allows(me.contact, group.PURPOSE, at=at)
    closed = rules.why_closed(mine, at=at) if mine is not None else None
    return {
        "group": group, "mine": mine, "closed": closed, "agree": "" if agreed else rules.consent_wording(),
        "next_until": rules.next_term(mine) if mine is not None and mine.may_renew(at=at) else None,
        "state": STATES[mine.status] if mine is not None else "", "why": WhyForm(),
    }  # fmt: skip


def _answer(request: HttpRequest, mine: GroupMembership, *, at: datetime) -> None:
    """Yes or no to an invitation, another term or none, or leaving: one of the buttons of the page."""
    match request.POST.get("go"):
        case "accept":
            actions.accept(mine, at=at, agrees=request.POST.get("agree") == "yes")
            messages.success(request, _("Welcome! You are in."))
        case "decline":
            actions.decline(mine, at=at)
            messages.success(request, _("Thank you for telling us. The seat goes to somebody else."))
        case "renew":
            actions.renew(mine, at=at)
            messages.success(request, _("Wonderful: you are in for another term."))
        case "let_end":
            actions.let_it_end(mine, at=at)
            messages.success(request, _("Thank you for telling us. You are in until the last day of this term."))
        case "leave":
            actions.leave(mine, reason=request.POST.get("reason", ""), at=at)
            messages.success(request, _("You have left. Thank you for what you gave."))
        case _:
            raise Http404


# --- The signed page --------------------------------------------------------------------------------------------------
@public
@require_http_methods(["GET", "HEAD", "POST"])
def group_by_mail(request: HttpRequest, token: str) -> HttpResponse:
    """Public, because a mail is answered by its signed link. Opening it changes nothing."""
    rows = GroupMembership.objects.select_related("group__run_by", "advocate__contact__account")
    try:
        found = rows.get(public_id=UUID(signed.read(LINK, token)), advocate__contact__erased_at__isnull=True)
    except signed.BadLink as problem:
        return respond(request, "opportunities/desk/bad_link.html", {"sentence": str(problem)}, status=404)
    except (GroupMembership.DoesNotExist, ValueError):
        sentence = _("What this link asked about is gone.")
        return respond(request, "opportunities/desk/bad_link.html", {"sentence": sentence}, status=404)
    at, status = timezone.now(), 200
    if request.method == "POST":
        if request.POST.get("go") not in {"accept", "decline", "renew", "let_end"}:
            raise Http404
        try:
            _answer(request, found, at=at)
            return redirect(request.path)
        except Refused as refusal:
            messages.warning(request, str(refusal))
            found, status = rows.get(pk=found.pk), 409
    context = {**_told(found.group, found, found.advocate, at=at), "action": request.path}
    return respond(request, "opportunities/groups/answer.html", context, status=status)


urlpatterns: list[URLPattern] = [
    path("group-answer/<str:token>/", group_by_mail, name="group_by_mail"),
    path("my-groups/", my_groups, name="my_groups"),
    path("my-groups/<uuid:public_id>/", my_group, name="my_group"),
    path("groups/", group_list, name="groups"),
    path("groups/new/", new_group, name="new_group"),
    path("groups/memberships/<uuid:public_id>/", move_membership, name="move_membership"),
    path("groups/<uuid:public_id>/", group, name="group"),
    path("groups/<uuid:public_id>/edit/", edit_group, name="edit_group"),
    path("groups/<uuid:public_id>/invite/", invite_to_group, name="invite_to_group"),
    path("groups/<uuid:public_id>/end/", end_group, name="end_group"),
]
