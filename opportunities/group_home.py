"""What groups show elsewhere: entries in the navigation, a card for whoever has something to answer, applications."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from django.db.models import Q
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from advocacy.lib import places
from advocacy.lib.home import Card, NavItem, TodayItem, register
from advocacy.lib.places import Place
from advocates import segments
from opportunities import groups as rules
from opportunities.models import GroupMembership

ON_HOME = 3


def to_answer(request: HttpRequest) -> dict[str, Any] | None:
    """Invitations to groups, and terms one is asked to renew."""
    at = timezone.now()
    open_ones = Q(status="invited", answer_until__gt=at)
    renewals = Q(
        status="member", renewal_asked_at__isnull=False, lets_it_end_at__isnull=True,
        until_on__gte=timezone.localdate(at),
    )  # fmt: skip
    rows = GroupMembership.objects.filter(open_ones | renewals, group__status="open", advocate__user=request.user.pk)
    found = list(rows.select_related("group").order_by("asked_at", "pk")[:ON_HOME])
    return {"rows": found} if found else None


def applications(request: HttpRequest) -> int:
    """Applications that nobody has answered."""
    return GroupMembership.objects.filter(status="applied", group__status="open")[:99].count()


register(
    NavItem(_("Groups"), "opportunities:groups", "people", "opportunities.run_groups", 68, section="staff"),
    NavItem(_("Your groups"), "opportunities:my_groups", "people", "opportunities.claim", 60, section="me"),
    Card("groups", "opportunities.claim", 11, "opportunities/home/groups.html", to_answer),
    TodayItem(
        "group_applications", _("Applications to beta and advisory groups"), "opportunities.run_groups", 62,
        "opportunities:groups", applications,
    ),
)  # fmt: skip


def _groups(ids: Collection[int], reader: Any) -> Mapping[int, Place]:
    """What a timeline calls a group somebody was invited to or has joined."""
    may = reader.has_perm("opportunities.run_groups")
    rows = GroupMembership.objects.filter(pk__in=ids).values_list("pk", "group__name", "group__public_id")
    return {pk: Place(name, reverse("opportunities:group", args=[key]) if may else "") for pk, name, key in rows}


places.register("opportunities.groupmembership", _groups)


def _in_group(value: Any, at: datetime) -> Q:
    return Q(pk__in=rules.in_groups(value, on=timezone.localdate(at)).values("advocate__contact"))


segments.register(
    segments.Fact("program.group", _("In the program"), _("is in the group"), segments.Takes.WORDS, _in_group)
)  # being there may come of feelings, like all that begins with “program”: no review follows it
