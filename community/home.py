"""The community in the navigation, on the home page and on the moderators' desk."""

from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.db.models import Count
from django.http import HttpRequest
from django.urls import reverse, reverse_lazy
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from advocacy.lib.home import Card, NavItem, Suggestion, TodayItem, register, suggest
from advocates import launching
from community.models import Flag, Space, Topic


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


def seeded(region: str, at: datetime) -> launching.Read:
    """Whether the region has a space in which something was said."""
    space = Space.objects.filter(region=region, is_open=True).annotate(said=Count("topics")).order_by("-said").first()
    if space is None:
        return launching.Read(False, gettext("no space for this region yet"))
    words = ngettext("%(space)s: %(n)s topic", "%(space)s: %(n)s topics", space.said)
    return launching.Read(space.said > 0, words % {"space": space.name, "n": space.said})


def first_words(request: HttpRequest) -> Suggestion | None:
    """Where somebody new says hello."""
    space = Space.objects.filter(welcomes=True, is_open=True).first()
    if space is None or not request.user.has_perm("community.post"):
        return None
    address = f"{reverse('community:new_topic')}?{urlencode({'space': space.slug})}"
    return Suggestion("topic", gettext("Say hello"), space.name, address, gettext("Write a line"))


suggest("hello", 30, first_words)

launching.register(
    launching.Point(
        "space", "crawl", _("A space of the community has life in it"), "", reverse_lazy("community:spaces"), seeded
    )
)
register(
    NavItem(_("Community"), "community:spaces", "community", "community.read", 40, badge=unread),
    Card("community-flags", "community.moderate", 15, "community/cards/flags.html", flags),
    Card("community-news", "community.read", 40, "community/cards/news.html", news),
    TodayItem("flags", _("Flags to look at"), "community.moderate", 60, "community:moderation", open_flags),
)
