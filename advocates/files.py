"""What the lists of people hold as files: one row of columns for each list (``advocacy.lib.export``)."""

from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from advocacy.lib.export import Column
from advocates import budget, rungs
from advocates.models import Advocate

E_MAIL = "crm.view_contact"
"""Whoever sees contacts sees their addresses; moderators, who see advocates, do not."""

ADVOCATES = (
    Column(_("name"), "contact.full_name"),
    Column(_("e-mail"), "contact.email", right=E_MAIL),
    Column(_("title"), "contact.title"),
    Column(_("account"), "contact.account.name"),
    Column(_("region"), "contact.account.region"),
    Column(_("status"), "get_status_display"),
    Column(_("joined"), "joined_at"),
    Column(_("stage"), "get_stage_display"),
    Column(_("rung"), "rung_name"),
    Column(_("pod"), "pod.name"),
    Column(_("advocate manager"), "pod.manager"),
    Column(_("can be asked"), "can_be_asked"),
    Column(_("because"), "why_not_asked"),
    Column(_("last asked"), "last_asked_at"),
)

INVITATIONS = (
    Column(_("name"), "advocate.contact.full_name"),
    Column(_("e-mail"), "advocate.contact.email", right=E_MAIL),
    Column(_("account"), "advocate.contact.account.name"),
    Column(_("status"), "get_status_display"),
    Column(_("invited"), "created_at"),
    Column(_("sent"), "sent_at"),
    Column(_("clicked"), "clicked_at"),
    Column(_("answered"), "answered_at"),
    Column(_("reminders"), "reminders"),
    Column(_("by rule"), "firing.rule.name"),
    Column(_("by"), "invited_by"),
)

APPLICATIONS = (
    Column(_("given name"), "given_name"),
    Column(_("family name"), "family_name"),
    Column(_("e-mail"), "email", right=E_MAIL),
    Column(_("company"), "company"),
    Column(_("title"), "title"),
    Column(_("region"), "region"),
    Column(_("language"), "language"),
    Column(_("what they hope for"), "why"),
    Column(_("status"), "get_status_display"),
    Column(_("applied"), "filed_at"),
    Column(_("decided"), "decided_at"),
    Column(_("decided by"), "decided_by"),
    Column(_("reason"), "reason"),
)

POINTS = (
    Column(_("advocate"), "advocate.contact.full_name"),
    Column(_("account"), "advocate.contact.account.name"),
    Column(_("points"), "points"),
    Column(_("for"), "reason"),
    Column(_("at"), "at"),
)


def with_availability(found: list[Advocate]) -> None:
    """Whether each can be asked and on which rung they stand, as the list says it."""
    at = timezone.now()
    free, standing = budget.availabilities(found, at=at), rungs.rungs(found, at=at)
    for advocate in found:
        one: Any = advocate
        one.can_be_asked, one.why_not_asked = free[advocate.pk].is_open, free[advocate.pk].sentence
        one.rung_name = rungs.NAMES.get(standing[advocate.pk], "")
