"""What stands against merging two people: both have the same thing in hand (P28)."""

from typing import Any

from django.utils.translation import gettext as _

from advocacy.crm import merging
from advocacy.crm.models import Twins
from opportunities.models import Claim, GroupMembership, Nomination

LIVE = (Claim.Status.CLAIMED, Claim.Status.CONFIRMED, Claim.Status.SCHEDULED, Claim.Status.DELIVERED)
ASKED = (Nomination.Status.ASKED, Nomination.Status.WITH_OWNER)


def _why_not(kind: str, stays: Any, gone: Any) -> str | None:
    """A seat held twice, or a question put twice, has to be settled by a person first."""
    if kind != Twins.CONTACT:
        return None
    claims = Claim.objects.filter(status__in=LIVE).select_related("opportunity")
    mine = claims.filter(advocate__contact=stays.pk).values("opportunity")
    if both := claims.filter(advocate__contact=gone.pk, opportunity__in=mine).first():
        return _("Both have claimed “%(title)s”. Call one of the two claims off, then merge.") % {
            "title": both.opportunity.title
        }
    asked = Nomination.objects.filter(status__in=ASKED).select_related("request")
    same = asked.filter(advocate__contact=stays.pk).values("request")
    if twice := asked.filter(advocate__contact=gone.pk, request__in=same).first():
        return _("Both are asked for %(request)s. Take one of the two nominations back, then merge.") % {
            "request": twice.request
        }
    seats = GroupMembership.objects.filter(status__in=GroupMembership.LIVE).select_related("group")
    those = seats.filter(advocate__contact=stays.pk).values("group")
    if both_in := seats.filter(advocate__contact=gone.pk, group__in=those).first():
        return _("Both are in “%(group)s”, or asked into it. End one of the two there, then merge.") % {
            "group": both_in.group
        }
    return None


def register() -> None:
    merging.hinder(_why_not)
