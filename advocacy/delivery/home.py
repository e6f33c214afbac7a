"""Mail in the navigation: one's own news, and the outbox for those who look after it."""

from urllib.parse import urlsplit

from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from advocacy.delivery import actions
from advocacy.delivery.models import Message, Notification
from advocacy.lib.home import NavItem, TodayItem, register


def unread(request: HttpRequest) -> int | None:
    """How much is new, up to 99, without what the page that is open tells anyhow: that is read now."""
    news = Notification.objects.filter(user=request.user.pk, read_at__isnull=True).order_by("-id")
    waiting = list(news.values_list("pk", "url")[:99])
    here = [pk for pk, url in waiting if urlsplit(url).path == request.path]
    if here and request.method == "GET":
        actions.read_news(here, at=timezone.now())
        return len(waiting) - len(here) or None
    return len(waiting) or None


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
