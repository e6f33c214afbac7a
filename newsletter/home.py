"""The newsletter in the navigation, and what waits for editors."""

from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from advocacy.lib.home import Card, NavItem, register
from newsletter.models import Edition


def waiting(request: HttpRequest) -> dict[str, Any] | None:
    drafts = list(Edition.objects.filter(status__in=[Edition.Status.DRAFT, Edition.Status.MISSED]).order_by("slot")[:2])
    return {"editions": drafts} if drafts else None


register(
    NavItem(_("Newsletter"), "newsletter:archive", "newsletter", "newsletter.read_archive", 50),
    NavItem(_("Editions"), "newsletter:editions", "edition", "newsletter.edit", 65, section="staff"),
    Card("editions-waiting", "newsletter.edit", 20, "newsletter/cards/editions.html", waiting),
)
