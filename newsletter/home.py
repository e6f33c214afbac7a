"""The newsletter in the navigation, and what waits for editors."""

from datetime import timedelta
from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from advocacy.lib.home import Card, NavItem, register
from newsletter import actions
from newsletter.models import Edition


def waiting(request: HttpRequest) -> dict[str, Any] | None:
    now = timezone.now()
    recent = Edition.objects.filter(slot__gte=now.date() - actions.FRESH - timedelta(days=2))
    drafts = recent.filter(status__in=[Edition.Status.DRAFT, Edition.Status.MISSED]).order_by("slot")
    waiting = [one for one in drafts if not actions.is_history(one, at=now)][:2]
    return {"editions": waiting} if waiting else None


register(
    NavItem(_("Newsletter"), "newsletter:archive", "newsletter", "newsletter.read_archive", 50),
    NavItem(_("Editions"), "newsletter:editions", "edition", "newsletter.edit", 65, section="staff"),
    Card("editions-waiting", "newsletter.edit", 20, "newsletter/cards/editions.html", waiting),
)
