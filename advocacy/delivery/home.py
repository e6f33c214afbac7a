"""Mail in the navigation: one's own news, and the outbox for those who look after it."""

from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from advocacy.delivery.models import Message, Notification
from advocacy.lib.home import NavItem, TodayItem, register


def unread(request: HttpRequest) -> int | None:
    return Notification.objects.filter(user=request.user.pk, read_at__isnull=True).count() or None


def in_doubt(request: HttpRequest) -> int | None:
    if not request.user.has_perm("delivery.settle"):
        return None
    return Message.objects.in_doubt().count() or None


register(
    NavItem(_("News for you"), "delivery:notifications", "bell", "home.view", 60, badge=unread),
    NavItem(_("Outbox"), "delivery:outbox", "outbox", "delivery.view_message", 75, badge=in_doubt, section="staff"),
    TodayItem(
        "mail-in-doubt",
        _("mails in doubt to settle"),
        "delivery.settle",
        90,
        "delivery:outbox",
        lambda request: in_doubt(request) or 0,
    ),
)
