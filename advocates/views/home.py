"""Home, for everybody; Today, for those who look after advocates."""

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from advocacy.lib.home import cards, today_items
from advocacy.lib.lifecycle import Refused
from advocacy.lib.pages import respond
from advocacy.lib.paging import page_by_key
from advocacy.users.rights import requires
from advocates import actions, presence, worklist
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


# --- Today ------------------------------------------------------------------------------------------------------------
def _mine(request: HttpRequest) -> Any:
    everybody = request.GET.get("whose") == "all" or request.POST.get("whose") == "all"
    rows = Task.objects.select_related("advocate__contact__account", "account", "assignee", "done_by")
    return rows if everybody else rows.filter(assignee=request.user.pk)


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
    done = _mine(request).filter(done_at__gte=now - timedelta(hours=16)).order_by("-done_at")[:8]
    waiting = [(item, item.count(request)) for item in today_items() if request.user.has_perm(item.right)]
    context = {
        "page": page,
        "tasks": worklist.with_places(page.items, reader=request.user),
        "done": done,
        "now": now,
        "later": later,
        "kinds": Task.Kind.choices,
        "waiting": [(item, number) for item, number in waiting if number],
    }
    return respond(request, "advocates/today.html", context)


@requires("advocates.work_portfolio")
@require_POST
def task(request: HttpRequest, pk: int, what: str) -> HttpResponse:
    """Do a task, put it off, or take a tick back."""
    one = get_object_or_404(Task, pk=pk)
    now = timezone.now()
    try:
        if what == "done":
            actions.do_task(one, by=request.user, at=now)
            messages.success(request, _("Done: %(text)s") % {"text": one.text})
        elif what == "undo":
            actions.undo_task(one, by=request.user)
        elif what in {"tomorrow", "week"}:
            actions.put_off(one, days=1 if what == "tomorrow" else 7, at=now)
            messages.success(request, _("Put off. It comes back on its day."))
    except Refused as refusal:
        messages.warning(request, str(refusal))
    back = reverse("advocates:today")
    return redirect(f"{back}?whose=all" if request.POST.get("whose") == "all" else back)
