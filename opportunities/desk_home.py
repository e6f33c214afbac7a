"""What the desk shows elsewhere: its entries in the navigation, cards on the home page, its numbers on Today."""

from datetime import timedelta
from typing import Any

from django.db.models import Count, Max, Q, Subquery
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from advocacy.crm.models import Program
from advocacy.lib.home import Card, NavItem, TodayItem, register
from opportunities.forms.desk import zone_of
from opportunities.models import Nomination, ReferenceRequest

QUEUE = "admin:opportunities_referencerequest_changelist"
WORK_DESK = "opportunities.work_desk"
ON_HOME = 4
AGEING = timedelta(hours=48)


def waits_for_desk(request: HttpRequest) -> int | None:
    """What waits for this manager: their own requests whose turn is the desk's, and those nobody has taken."""
    return _counts(request)["waits"] or None


def _counts(request: HttpRequest) -> dict[str, int]:
    """The numbers of the desk for one person, read once for each page."""
    user: Any = request.user
    if not hasattr(user, "_desk_counts"):
        at = timezone.now()
        mine = Q(manager=user.pk)
        # Whose day is over is a matter of the desk's own clock; its zone comes with the counts, not by another query.
        days = {f"before_{ahead}": at.date() + timedelta(days=ahead) for ahead in (-1, 0, 1)}
        told = ReferenceRequest.objects.active().aggregate(
            waits=Count("pk", filter=Q(waiting_for="desk") & (mine | Q(manager__isnull=True))),
            unassigned=Count("pk", filter=Q(manager__isnull=True)),
            mine=Count("pk", filter=mine & Q(waiting_for="desk")),
            zone=Max(Subquery(Program.objects.filter(pk=1).values("desk_time_zone"))),
            **{name: Count("pk", filter=mine & Q(needed_by__lt=day)) for name, day in days.items()},
        )
        today = timezone.localdate(at, zone_of(told["zone"] or ""))
        told["overdue"] = next(told[name] for name, day in days.items() if day == today)
        user._desk_counts = told
    counts: dict[str, int] = user._desk_counts
    return counts


def your_turn(request: HttpRequest) -> int | None:
    return ReferenceRequest.objects.active().filter(requester=request.user.pk, waiting_for="requester").count() or None


def ageing(request: HttpRequest) -> int:
    """Nominations of one's own requests that have waited for two days."""
    old = timezone.now() - AGEING
    return Nomination.objects.filter(status="asked", asked_at__lte=old, request__manager=request.user.pk).count()


def own_requests(request: HttpRequest) -> dict[str, Any] | None:
    """A requester's requests under way, their own turn first."""
    rows = ReferenceRequest.objects.active().filter(requester=request.user.pk).select_related("kind", "deal")
    found = sorted(rows.order_by("needed_by")[:20], key=lambda one: (one.waiting_for != "requester", one.needed_by))
    return {"rows": found[:ON_HOME]}


def waits_for_my_yes(request: HttpRequest) -> dict[str, Any] | None:
    """What may not go out to media or analysts without them, then advocates of their accounts the desk would ask."""
    media = ReferenceRequest.objects.active().filter(
        approver=request.user.pk, approver_said="", approver_asked_at__isnull=False
    )
    pressing = list(media.select_related("kind").order_by("needed_by", "pk")[:ON_HOME])
    rows = Nomination.objects.filter(owner=request.user.pk, status="with_owner").select_related(
        "request__kind", "advocate__contact__account"
    )
    found = list(rows.order_by("owner_asked_at")[:ON_HOME])
    return {"rows": found, "media": pressing} if found or pressing else None


def asked_of_me(request: HttpRequest) -> dict[str, Any] | None:
    """Questions to this advocate that wait for an answer."""
    rows = Nomination.objects.filter(advocate__user=request.user.pk, status="asked").select_related(
        "request__kind", "request__manager", "nominated_by"
    )
    found = list(rows.order_by("answer_by")[:ON_HOME])
    return {"rows": found} if found else None


register(
    NavItem(_("Desk"), QUEUE, "requests", WORK_DESK, 10, badge=waits_for_desk),
    NavItem(
        _("My requests"), "opportunities:requests", "requests", "opportunities.follow_own_requests", 15, badge=your_turn
    ),
    Card("nominations", "opportunities.answer_nomination", 5, "opportunities/home/nominations.html", asked_of_me),
    Card("approvals", "opportunities.approve_asks", 6, "opportunities/home/approvals.html", waits_for_my_yes),
    Card("own_requests", "opportunities.follow_own_requests", 15, "opportunities/home/requests.html", own_requests),
    TodayItem(
        "desk-mine", _("requests that wait for you"), WORK_DESK, 10, QUEUE, lambda request: _counts(request)["mine"]
    ),
    TodayItem(
        "desk-unassigned",
        _("requests nobody has taken"),
        WORK_DESK,
        11,
        QUEUE,
        lambda request: _counts(request)["unassigned"],
    ),
    TodayItem("desk-overdue", _("requests overdue"), WORK_DESK, 12, QUEUE, lambda request: _counts(request)["overdue"]),
    TodayItem("nominations-ageing", _("nominations without an answer for two days"), WORK_DESK, 13, QUEUE, ageing),
)
