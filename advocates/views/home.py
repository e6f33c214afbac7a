"""Home, for everybody; Today, for those who look after advocates."""

from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from advocacy.lib import finding, signed
from advocacy.lib.given import plain
from advocacy.lib.home import cards, today_items
from advocacy.lib.lifecycle import Refused
from advocacy.lib.pages import respond
from advocacy.lib.paging import page_by_key
from advocacy.users.rights import requires
from advocates import actions, presence, worklist
from advocates.actions import care
from advocates.models import Task


@requires("home.view")
def home(request: HttpRequest) -> HttpResponse:
    """What is there for this person now: cards of all apps they may see, in order."""
    now = timezone.now()
    shown: dict[str, list[str]] = {"main": [], "aside": []}
    for card in cards():
        if not request.user.has_perm(card.right):
            continue
        context = card.context(request)
        if context is not None:
            shown[card.column].append(render_to_string(card.template, context, request))
    advocate = presence.advocate_of(request.user)
    context = {
        "greeting": presence.greeting(timezone.localtime(now)),
        "news": presence.good_news(advocate, at=now) if advocate else "",
        "main": shown["main"],
        "aside": shown["aside"],
    }
    return respond(request, "advocates/home.html", context)


@requires("home.view")
def search(request: HttpRequest) -> HttpResponse:
    """Whatever this person may see and find by these words."""
    words = plain(request.GET.get("q"))[: finding.LONGEST]
    groups = finding.find(words, reader=request.user) if words else []
    context = {"words": words, "groups": groups, "short": len("".join(words.split())) < 2}
    return respond(request, "advocates/search.html", context, fragment="found")


# --- Today ------------------------------------------------------------------------------------------------------------
def _mine(request: HttpRequest) -> Any:
    everybody = request.GET.get("whose") == "all" or request.POST.get("whose") == "all"
    rows = Task.objects.all() if everybody else worklist.of(request.user, at=timezone.now())
    return rows.select_related("advocate__contact__account", "account", "assignee", "done_by")


@requires("advocates.work_portfolio")
def today(request: HttpRequest) -> HttpResponse:
    """What waits for this manager, each to be done, put off or taken back from here."""
    now = timezone.now()
    rows = _mine(request).filter(done_at__isnull=True)
    kind = request.GET.get("kind", "")
    if kind in Task.Kind.values:
        rows = rows.filter(kind=kind)
    later = request.GET.get("show") == "later"
    evening = worklist.evening(now)
    rows = rows.filter(due_at__gt=evening) if later else rows.filter(due_at__lte=evening)
    page = page_by_key(rows, ["due_at", "pk"], request.GET, size=25)
    others = 0
    if not page.items and request.GET.get("whose") != "all" and not later:
        others = Task.objects.filter(done_at__isnull=True, due_at__lte=evening)[:999].count()
    done = _mine(request).filter(done_at__gte=now - timedelta(hours=16)).order_by("-done_at")[:8]
    waiting = [(item, item.count(request)) for item in today_items() if request.user.has_perm(item.right)]
    context = {
        "page": page,
        "tasks": worklist.with_places(page.items, reader=request.user),
        "done": done,
        "now": now,
        "later": later,
        "others": others,
        "kinds": Task.Kind.choices,
        "waiting": [(item, number) for item, number in waiting if number],
        "undo": _just_done(request),
        "kept": urlencode({name: request.GET[name] for name in ("whose", "kind", "show") if request.GET.get(name)}),
        "first_day": timezone.localdate(now) + timedelta(days=1),
        "reader": request.user,
    }
    return respond(request, "advocates/today.html", context)


UNDO = "today-undo"
UNDO_WITHIN = timedelta(hours=16)


def _just_done(request: HttpRequest) -> dict[str, Any] | None:
    """What was done or put off a moment ago, for the button beside the words that say so."""
    token = request.GET.get("undo", "")
    try:
        pk, due_at = _read_undo(token) if token else (None, None)
    except signed.BadLink:
        return None
    found = Task.objects.filter(pk=pk).first() if pk is not None else None
    if found is None or (due_at is None) != (found.done_at is not None):
        return None  # it has been undone, or done meanwhile
    said = _("Put off: %(text)s") if due_at else _("Done: %(text)s")
    return {"token": token, "text": said % {"text": found.text}}


def _read_undo(token: str) -> tuple[int, datetime | None]:
    """Which task, and when it was due before it was put off; None where it was done."""
    pk, due_at = signed.read(UNDO, token, UNDO_WITHIN).split("|")
    return int(pk), datetime.fromisoformat(due_at) if due_at else None


def _back(request: HttpRequest, **more: str) -> HttpResponse:
    """To the list as it was filtered."""
    kept = {name: request.GET[name] for name in ("whose", "kind", "show") if request.GET.get(name)}
    if request.POST.get("whose") == "all":
        kept["whose"] = "all"
    query = urlencode({**kept, **more})
    return redirect(f"{reverse('advocates:today')}?{query}" if query else reverse("advocates:today"))


@requires("advocates.work_portfolio")
@require_POST
def task(request: HttpRequest, pk: int, what: str) -> HttpResponse:
    """Do a task, put it off, or take a tick back."""
    one = get_object_or_404(Task, pk=pk)
    now, before = timezone.now(), one.due_at
    try:
        if what == "done":
            actions.do_task(one, by=request.user, at=now)
            return _back(request, undo=signed.sign(UNDO, f"{pk}|"))
        if what == "undo":
            actions.undo_task(one, by=request.user)
        elif what == "day":
            care.put_off_until(one, day=_day(request.POST.get("day", "")), at=now)
        else:
            actions.put_off(one, days=1 if what == "tomorrow" else 7, at=now)
    except Refused as refusal:
        messages.warning(request, str(refusal))
        return _back(request)
    return _back(request) if what == "undo" else _back(request, undo=signed.sign(UNDO, f"{pk}|{before.isoformat()}"))


def _day(text: str) -> date | None:
    try:
        return parse_date(text)
    except ValueError:
        return None


@requires("advocates.work_portfolio")
@require_POST
def undo(request: HttpRequest) -> HttpResponse:
    """Take back what was done or put off a moment ago."""
    try:
        pk, due_at = _read_undo(request.POST.get("token", ""))
        one = get_object_or_404(Task, pk=pk)
        if due_at is None:
            actions.undo_task(one, by=request.user)
        else:
            care.bring_back(one, due_at=due_at)
        messages.success(request, _("Taken back: %(text)s") % {"text": one.text})
    except (Refused, signed.BadLink) as refusal:
        messages.warning(request, str(refusal))
    return _back(request)
