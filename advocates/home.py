"""What the people app shows on the home page and in the navigation."""

from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from advocacy.crm.models import Account
from advocacy.lib.home import Card, NavItem, Suggestion, TodayItem, register, suggest, today_items
from advocates import customers, presence, worklist
from advocates.models import Application, NominationCredit, Recognition, Wish


def waiting_for_you(request: HttpRequest) -> dict[str, Any] | None:
    """Words about this person that nobody reads before they say yes."""
    rows = Recognition.objects.filter(
        advocate__user=request.user.pk, approved_at__isnull=True, declined_at__isnull=True
    ).select_related("by")
    found = list(rows.order_by("created_at")[:5])
    return {"recognitions": found} if found else None


def standing(request: HttpRequest) -> dict[str, Any] | None:
    advocate = presence.advocate_of(request.user)
    if advocate is None:
        return None
    return {"progress": presence.progress(advocate)}


def first_steps(request: HttpRequest) -> dict[str, Any] | None:
    """Gone once all are done: a list of ticks is no company."""
    advocate = presence.advocate_of(request.user)
    if advocate is None:
        return None
    steps = presence.first_steps(advocate)
    return None if all(step.done for step in steps) else {"steps": steps, "next": next(s for s in steps if not s.done)}


def somebody_to_meet(request: HttpRequest) -> Suggestion:
    """An introduction is a wish, and somebody takes care of it."""
    return Suggestion(
        "intro", _("Meet somebody"), _("Say whom you would like to talk to; we introduce you."),
        reverse("advocates:wishes"), _("Ask for it"),
    )  # fmt: skip


suggest("meet", 20, somebody_to_meet)


def my_manager(request: HttpRequest) -> dict[str, Any] | None:
    advocate = presence.advocate_of(request.user)
    return {"manager": advocate.manager} if advocate and advocate.manager else None


def day(request: HttpRequest) -> dict[str, Any]:
    """A manager's day in a few lines."""
    now = timezone.now()
    due = worklist.due(request.user, at=now)
    first = due.select_related("advocate__contact__account", "account").order_by("due_at", "pk")[:4]
    waiting = [(item, item.count(request)) for item in today_items() if request.user.has_perm(item.right)]
    return {
        "tasks": worklist.with_places(first, reader=request.user),
        "number": due.count(),
        "waiting": [one for one in waiting if one[1]],
        "now": now,
    }


def wishes(request: HttpRequest) -> dict[str, Any] | None:
    """What this advocate has asked of us, and where to ask."""
    if presence.advocate_of(request.user) is None:
        return None
    rows = Wish.objects.filter(advocate__user=request.user.pk, status=Wish.Status.OPEN).select_related("owner")
    return {"open": list(rows.order_by("due_on")[:3])}


def credits_due(request: HttpRequest) -> int:
    """Credits a lead has to approve; one's own are somebody else's to decide."""
    rows = NominationCredit.objects.filter(status=NominationCredit.Status.DUE)
    return rows.exclude(nomination__by=request.user.pk)[:99].count()


def resting(request: HttpRequest) -> int:
    """Customers whose asks are paused: somebody should talk to them."""
    rows = Account.objects.visible_to(request.user).filter(readiness=Account.Readiness.PAUSED)
    return customers.of_person(rows, request.user)[:99].count()


def tasks_due(request: HttpRequest) -> int | None:
    return worklist.due(request.user, at=timezone.now())[:99].count() or None


def applications(request: HttpRequest) -> dict[str, Any] | None:
    number = Application.objects.filter(status=Application.Status.CONFIRMED).count()
    return {"number": number} if number else None


register(
    NavItem(_("Home"), "advocates:home", "home", "home.view", 0),
    NavItem(_("Today"), "advocates:today", "today", "advocates.work_portfolio", 5, badge=tasks_due),
    NavItem(_("Your profile"), "advocates:profile", "person", "advocates.be_advocate", 90, section="me"),
    NavItem(_("My consents"), "advocates:consents", "lock", "advocates.be_advocate", 91, section="me"),
    NavItem(_("Points"), "advocates:points", "points", "advocates.be_advocate", 45),
    NavItem(_("Advocates"), "advocates:advocates", "advocates", "advocates.view_advocate", 60, section="staff"),
    NavItem(_("Customers"), "advocates:customers", "accounts", "crm.view_account", 59, section="staff"),
    NavItem(_("Pods"), "advocates:pods", "people", "advocates.work_portfolio", 60, section="staff"),
    NavItem(_("Cohorts"), "advocates:cohorts", "filter", "advocates.view_cohort", 60, section="staff"),
    NavItem(_("Invitations"), "advocates:invited", "mail", "advocates.view_invitation", 61, section="staff"),
    NavItem(
        _("Applications"), "advocates:applications", "invitation", "advocates.view_application", 62, section="staff"
    ),
    NavItem(
        _("Nominations"), "advocates:nominations", "referral", "advocates.view_colleaguenomination", 62, section="staff"
    ),
    NavItem(_("Wishes"), "advocates:wish_list", "heart", "advocates.work_portfolio", 63, section="staff"),
    NavItem(_("Snippets"), "advocates:snippets", "quote", "advocates.work_portfolio", 92, section="me"),
    # Managers come to it from their list of nominations; this is for who asks and sells.
    NavItem(_("Nominate a customer"), "advocates:nominate", "referral", "opportunities.follow_own_requests", 46),
    NavItem(_("Journey map"), "advocates:journey", "trend", "advocates.view_journeystage", 76, section="staff"),
    NavItem(_("Launches"), "advocates:launches", "place", "advocates.view_launch", 77, section="staff"),
    NavItem(_("Rules"), "advocates:rules", "rules", "advocates.change_lifecyclerule", 75, section="staff"),
    Card("waiting", "advocates.be_advocate", 12, "advocates/cards/waiting.html", waiting_for_you),
    Card("today", "advocates.work_portfolio", 10, "advocates/cards/today.html", day),
    Card("applications", "advocates.change_advocate", 18, "advocates/cards/applications.html", applications),
    Card("standing", "advocates.be_advocate", 10, "advocates/cards/standing.html", standing, column="aside"),
    Card("first_steps", "advocates.be_advocate", 20, "advocates/cards/first_steps.html", first_steps, column="aside"),
    Card("wishes", "advocates.be_advocate", 32, "advocates/cards/wishes.html", wishes, column="aside"),
    TodayItem(
        "credits", _("credits to approve"), "advocates.change_nominationcredit", 60, "advocates:credits", credits_due
    ),
    TodayItem("paused", _("your customers paused"), "crm.view_account", 70, "advocates:paused_of_mine", resting),
    Card("my_manager", "advocates.be_advocate", 30, "advocates/cards/manager.html", my_manager, column="aside"),
)
