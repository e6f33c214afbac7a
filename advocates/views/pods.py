"""Pods: who looks after whom and how much it is, one note to a pod, moving and handing over, standing in (P12)."""

import json
import secrets
from datetime import date, timedelta
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from advocacy.crm.models import Program
from advocacy.lib import signed
from advocacy.lib.given import plain, whole_number
from advocacy.lib.lifecycle import Refused
from advocacy.lib.pages import respond
from advocacy.users.rights import requires
from advocates import budget, worklist
from advocates.actions import pods as acting
from advocates.models import Advocate, Ask, Pod, StandIn, Task

UNDO = "pods-undo"
UNDO_WITHIN = timedelta(hours=16)
OPEN_ASKS = timedelta(days=30)
SHOWN = 100


@requires("advocates.work_portfolio")
def pod_list(request: HttpRequest) -> HttpResponse:
    """Every manager with their pods and their load, and who stands in for whom."""
    return _list(request)


def _list(request: HttpRequest, *, typed: Any = None, status: int = 200) -> HttpResponse:
    at = timezone.now()
    today = timezone.localdate(at)
    members = Count("advocates", filter=Q(advocates__status=Advocate.Status.MEMBER))
    pods = Pod.objects.select_related("manager").annotate(members=members).order_by("manager__name", "name")
    asks = dict(
        Ask.objects.filter(
            answered_at__isnull=True, released_at__isnull=True, asked_at__gt=at - OPEN_ASKS,
            advocate__pod__isnull=False,
        ).order_by().values_list("advocate__pod__manager").annotate(Count("pk"))
    )  # fmt: skip
    late = Count("pk", filter=Q(due_at__lte=worklist.evening(at)))
    tasks = {
        who: (number, due)
        for who, number, due in Task.objects.filter(done_at__isnull=True, assignee__isnull=False)
        .order_by().values_list("assignee").annotate(Count("pk"), late=late)
    }  # fmt: skip
    rows: dict[int, dict[str, Any]] = {}
    for pod in pods:
        row = rows.setdefault(
            pod.manager_id,
            {
                "manager": pod.manager, "pods": [], "members": 0, "asks": asks.get(pod.manager_id, 0),
                "tasks": tasks.get(pod.manager_id, (0, 0)),
            },
        )  # fmt: skip
        row["pods"].append(pod)
        row["members"] += pod.members
    size = Program.current().pod_size
    for row in rows.values():
        row["room"] = size * len(row["pods"])
    people = acting.managers()
    may_all = request.user.has_perm("advocates.change_pod")
    context = {
        "rows": list(rows.values()),
        "size": size,
        "without": Advocate.objects.members().filter(pod__isnull=True).count(),
        "stand_ins": StandIn.objects.filter(ends_on__gte=today)
        .select_related("away", "stand_in")
        .order_by("starts_on"),
        "people": people,
        "may_all": may_all,
        "may_stand_in": may_all or any(one.pk == request.user.pk for one in people),
        "typed": typed or {},
        "today": today,
    }
    return respond(request, "advocates/pods.html", context, status=status)


@requires("advocates.work_portfolio")
def pod(request: HttpRequest, pk: int) -> HttpResponse:
    """One pod: its members, a note to all of them, and moving them."""
    return _pod(request, get_object_or_404(Pod.objects.select_related("manager"), pk=pk))


def _pod(request: HttpRequest, found: Pod, *, text: str = "", status: int = 200) -> HttpResponse:
    at = timezone.now()
    rows = Advocate.objects.visible_to(request.user).members().filter(pod=found)
    people = list(
        rows.select_related("contact__account", "pod__manager").order_by("contact__family_name", "pk")[: SHOWN + 1]
    )
    shown = people[:SHOWN]
    free = budget.availabilities(shown, at=at)
    waiting: dict[int, int] = dict(
        Task.objects.filter(advocate__in=shown, done_at__isnull=True)
        .order_by().values_list("advocate").annotate(Count("pk"))
    )  # fmt: skip
    context = {
        "pod": found,
        "rows": [(one, free[one.pk], waiting.get(one.pk, 0)) for one in shown],
        "cut": len(people) > SHOWN,
        "size": Program.current().pod_size,
        "key": secrets.token_hex(8),
        "text": text,
        "others": Pod.objects.exclude(pk=found.pk).select_related("manager"),
        "people": [one for one in acting.managers() if one.pk != found.manager_id],
        "may_move": request.user.has_perm("advocates.change_pod"),
        "may_write": _may_write(request, found),
        "undo": _undoable(request),
    }
    return respond(request, "advocates/pod.html", context, status=status)


def _may_write(request: HttpRequest, found: Pod) -> bool:
    """Its manager, whoever stands in for them today, and leads."""
    user: Any = request.user
    today = timezone.localdate()
    standing = StandIn.objects.filter(away=found.manager_id, stand_in=user.pk, starts_on__lte=today, ends_on__gte=today)
    return user.pk == found.manager_id or user.has_perm("advocates.change_pod") or standing.exists()


@requires("advocates.work_portfolio")
@require_POST
def note(request: HttpRequest, pk: int) -> HttpResponse:
    """One note to all of a pod."""
    found = get_object_or_404(Pod.objects.select_related("manager"), pk=pk)
    if not _may_write(request, found):
        raise PermissionDenied
    text = plain(request.POST.get("text"))[:4000]
    key = plain(request.POST.get("key"))[:16] or secrets.token_hex(8)
    try:
        number = acting.write_to_pod(
            found, text=text, key=f"{found.pk}:{request.user.pk}:{key}", at=timezone.now(), by=request.user
        )
    except Refused as refusal:
        messages.warning(request, str(refusal))
        return _pod(request, found, text=text, status=409)
    said = ngettext(
        "Your note goes to one member. Their answer comes to you; a task follows it.",
        "Your note goes to %(number)s members. Their answers come to you; a task each follows them.",
        number,
    )
    messages.success(request, said % {"number": number})
    return redirect("advocates:pod", pk)


@requires("advocates.change_pod")
@require_POST
def move(request: HttpRequest, pk: int) -> HttpResponse:
    """Members to another pod, many at once."""
    found = get_object_or_404(Pod.objects.select_related("manager"), pk=pk)
    chosen = {number for one in request.POST.getlist("who") if (number := whole_number(one)) is not None}
    to = Pod.objects.select_related("manager").filter(pk=whole_number(request.POST.get("to")) or 0).first()
    try:
        if to is None:
            raise Refused(_("Choose the pod they should go to."))
        mine = set(Advocate.objects.filter(pk__in=chosen, pod=found).values_list("pk", flat=True))
        before = acting.move_advocates(mine, to=to)
    except Refused as refusal:
        messages.warning(request, str(refusal))
        return _pod(request, found, status=409)
    token = signed.sign(UNDO, json.dumps({"from": pk, "to": to.pk, "who": sorted(before)}))
    return redirect(f"{reverse('advocates:pod', args=[pk])}?{urlencode({'undo': token})}")


def _read_undo(token: str) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(signed.read(UNDO, token, UNDO_WITHIN))
    return told


def _undoable(request: HttpRequest) -> dict[str, Any] | None:
    token = request.GET.get("undo", "")
    try:
        told = _read_undo(token) if token else None
    except signed.BadLink:
        return None
    to = Pod.objects.select_related("manager").filter(pk=told["to"]).first() if told else None
    if told is None or to is None:
        return None
    number = Advocate.objects.filter(pk__in=told["who"], pod=to).count()
    said = ngettext(
        "%(number)s advocate is now in “%(pod)s”, with %(name)s.",
        "%(number)s advocates are now in “%(pod)s”, with %(name)s.",
        number,
    )
    return {"token": token, "text": said % {"number": number, "pod": to, "name": to.manager}} if number else None


@requires("advocates.change_pod")
@require_POST
def undo(request: HttpRequest) -> HttpResponse:
    """Take a move back."""
    try:
        told = _read_undo(request.POST.get("token", ""))
    except signed.BadLink as bad:
        messages.warning(request, str(bad))
        return redirect("advocates:pods")
    number = acting.move_back(dict.fromkeys(told["who"], told["from"]), moved_to=told["to"])
    said = ngettext("%(number)s advocate is back.", "%(number)s advocates are back.", number)
    messages.success(request, said % {"number": number})
    return redirect("advocates:pod", told["from"])


@requires("advocates.change_pod")
@require_POST
def hand_over(request: HttpRequest, pk: int) -> HttpResponse:
    """Another manager for a whole pod."""
    found = get_object_or_404(Pod.objects.select_related("manager"), pk=pk)
    to = _manager(request.POST.get("to"))
    try:
        if to is None:
            raise Refused(_("Choose a reference manager."))
        acting.hand_over(found, to=to)
        messages.success(request, _("%(name)s looks after this pod now, with its open tasks.") % {"name": to})
    except Refused as refusal:
        messages.warning(request, str(refusal))
        return _pod(request, found, status=409)
    return redirect("advocates:pod", pk)


def _manager(text: str | None) -> Any:
    number = whole_number(text)
    return next((one for one in acting.managers() if one.pk == number), None)


@requires("advocates.work_portfolio")
@require_POST
def stand_in(request: HttpRequest) -> HttpResponse:
    """Somebody looks after a manager's work for some days."""
    away, by = _manager(request.POST.get("away")), _manager(request.POST.get("by"))
    _may_plan(request, away)
    try:
        if away is None or by is None:
            raise Refused(_("Choose who is away and who stands in."))
        acting.stand_in(
            away=away, by=by, starts_on=_day(request, "starts_on"), ends_on=_day(request, "ends_on"),
            at=timezone.now(),
        )  # fmt: skip
        messages.success(request, _("%(name)s finds the tasks of these days on their own Today.") % {"name": by})
    except Refused as refusal:
        messages.warning(request, str(refusal))
        typed = {name: plain(request.POST.get(name)) for name in ("away", "by", "starts_on", "ends_on")}
        return _list(request, typed=typed, status=409)
    return redirect("advocates:pods")


def _may_plan(request: HttpRequest, away: Any) -> None:
    """Leads plan for everybody, managers for themselves."""
    own = away is None or away.pk == request.user.pk
    if not own and not request.user.has_perm("advocates.change_pod"):
        raise PermissionDenied


def _day(request: HttpRequest, name: str) -> date | None:
    try:
        return parse_date(plain(request.POST.get(name)))
    except ValueError:
        return None


@requires("advocates.work_portfolio")
@require_POST
def end_stand_in(request: HttpRequest, pk: int) -> HttpResponse:
    """They are back, or it was a mistake."""
    found = get_object_or_404(StandIn.objects.select_related("away"), pk=pk)
    _may_plan(request, found.away)
    found.delete()
    messages.success(request, _("Nobody stands in any more; %(name)s works their own list.") % {"name": found.away})
    return redirect("advocates:pods")
