"""The community in the navigation, on the home page and on the moderators' desk."""

from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from advocacy.lib.home import Card, NavItem, TodayItem, register
from community.models import Flag, Topic


def unread(request: HttpRequest) -> int | None:
    """How many topics hold something new, up to 99."""
    return Topic.objects.visible_to(request.user).shown().unread_by(request.user)[:99].count() or None


def news(request: HttpRequest) -> dict[str, Any]:
    topics = Topic.objects.visible_to(request.user).shown().with_last_voice()
    return {"topics": topics.order_by("-last_at", "-id")[:4]}


def flags(request: HttpRequest) -> dict[str, Any] | None:
    waiting = Flag.objects.filter(decision=Flag.Decision.OPEN).count()
    return {"waiting": waiting} if waiting else None


def open_flags(request: HttpRequest) -> int:
    return Flag.objects.filter(decision=Flag.Decision.OPEN).count()


register(
    NavItem(_("Community"), "community:spaces", "community", "community.read", 40, badge=unread),
    Card("community-flags", "community.moderate", 15, "community/cards/flags.html", flags),
    Card("community-news", "community.read", 40, "community/cards/news.html", news),
    TodayItem("flags", _("Flags to look at"), "community.moderate", 60, "community:moderation", open_flags),
)
