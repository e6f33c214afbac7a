"""What proof, stories and SOPs show elsewhere: entries in the navigation, the number of stories that wait."""

from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from advocacy.lib.home import NavItem, TodayItem, register
from opportunities.models import Story


def stories_due(request: HttpRequest) -> int:
    """Stories whose work is this colleague's and whose day has come."""
    mine = Q(owner=request.user.pk) | Q(reviewer=request.user.pk, status=Story.Status.REVIEW)
    return Story.objects.active().filter(mine, due_on__lte=timezone.localdate()).count()


register(
    NavItem(_("Proof"), "opportunities:library", "proof", "opportunities.read_proof", 25),
    NavItem(_("Stories"), "opportunities:stories", "stories", "opportunities.write_stories", 26),
    NavItem(_("How to ask"), "opportunities:sops", "info", "opportunities.follow_own_requests", 27),
    NavItem(_("Reviews"), "opportunities:campaigns", "review", "opportunities.run_campaigns", 64, section="staff"),
    NavItem(_("My customers"), "opportunities:my_customers", "accounts", "opportunities.follow_own_requests", 28),
    NavItem(_("Tell a story"), "opportunities:tell", "stories", "advocates.be_advocate", 40, section="me"),
    TodayItem(
        "stories-due", _("stories of yours that are due"), "opportunities.write_stories", 30, "opportunities:stories",
        stories_due,
    ),
)  # fmt: skip
