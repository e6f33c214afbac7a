"""Beta and advisory groups: who may be asked, seats, terms, and what members gave (O10). Reads only."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Count, OuterRef, Q, QuerySet, Sum
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from advocacy.crm import consent
from advocacy.crm.models import Program
from advocacy.lib.months import months_after
from advocates.models import Advocate
from opportunities.models import UNDER_WAY, Claim, CustomerGroup, GroupMembership, Opportunity

ANSWER_WITHIN = timedelta(days=14)
"""How long an invitation keeps a seat."""
ASKED_BEFORE = timedelta(days=30)
"""How long before its end somebody is asked whether they want another term."""
SOON = timedelta(days=60)
"""Terms that end within this stand on the page of the group."""


def slugs(*, at: datetime) -> ArraySubquery:
    """The slugs of the groups an advocate is in, as a column of advocates."""
    there = GroupMembership.objects.filter(advocate=OuterRef("pk")).in_force(on=timezone.localdate(at))
    return ArraySubquery(there.values("group__slug"))


def in_groups(names: Iterable[str], *, on: date) -> "QuerySet[GroupMembership]":
    """Memberships of groups with these names, whatever their case."""
    named = Q()
    for name in names:
        named |= Q(group__name__iexact=name) | Q(group__slug__iexact=name)
    return GroupMembership.objects.in_force(on=on).filter(named)


# --- Who may come in --------------------------------------------------------------------------------------------------
def seats_left(group: CustomerGroup, *, besides: GroupMembership | None = None) -> int:
    """Seats neither taken nor kept for somebody who was invited."""
    held = GroupMembership.objects.filter(group=group).holding_a_seat()
    if besides is not None:
        held = held.exclude(pk=besides.pk)
    return max(0, group.seats - held.count())


def full(group: CustomerGroup) -> str:
    return ngettext(
        "The one seat of %(group)s is taken, or kept for somebody who was invited.",
        "All %(seats)d seats of %(group)s are taken, or kept for people who were invited.",
        group.seats,
    ) % {"seats": group.seats, "group": group.name}


def why_not(advocate: Advocate, group: CustomerGroup, *, at: datetime) -> str | None:
    """Why somebody cannot be invited to a group, seats and the budget aside, as a sentence for staff."""
    said = {"name": advocate.contact.full_name, "group": group.name}
    if group.status != CustomerGroup.Status.OPEN:
        return _("%(group)s has ended.") % said
    if advocate.status != Advocate.Status.MEMBER:
        return _("%(name)s is not a member of the program.") % said
    if not advocate.contact.email:
        return _("%(name)s has no e-mail address.") % said
    if not consent.allows(advocate.contact, group.PURPOSE, at=at):
        return _("%(name)s has not agreed to beta and advisory work.") % said
    return _there_already(advocate, group)


def _there_already(advocate: Advocate, group: CustomerGroup) -> str | None:
    there = GroupMembership.objects.filter(
        group=group, advocate=advocate, status__in=GroupMembership.LIVE
    ).first()  # fmt: skip
    if there is None:
        return None
    words = {
        "member": _("%(name)s is in %(group)s already."),
        "invited": _("%(name)s has been invited to %(group)s and has not answered yet."),
        "applied": _("%(name)s has applied to %(group)s; answer the application."),
    }[there.status]
    return words % {"name": advocate.contact.full_name, "group": group.name}


def why_not_apply(advocate: Advocate, group: CustomerGroup) -> str | None:
    """Why a member cannot apply, as a sentence for them; None when they can."""
    if group.status != CustomerGroup.Status.OPEN:
        return _("This group has ended.")
    if group.joining != CustomerGroup.Joining.APPLICATION:
        return _("People come into this group by invitation.")
    if advocate.status != Advocate.Status.MEMBER:
        return _("Only members of the program can apply.")
    there = GroupMembership.objects.filter(group=group, advocate=advocate, status__in=GroupMembership.LIVE).first()
    if there is None:
        return None
    return {
        "member": _("You are in this group already."), "applied": _("You have applied already; we will write to you."),
        "invited": _("You have been invited: say yes instead."),
    }[there.status]  # fmt: skip


def why_closed(membership: GroupMembership, *, at: datetime) -> str | None:
    """Why there is nothing to answer any more, as a sentence for the person; None while there is."""
    group, until = membership.group, membership.answer_until
    if membership.status == GroupMembership.Status.INVITED:
        if group.status != CustomerGroup.Status.OPEN:
            return _("This group has ended.")
        if until is not None and until <= at:
            day = date_format(timezone.localtime(until), "j F Y")
            return _("This invitation was open until %(day)s. Write to us if you would still like to join.") % {
                "day": day
            }
        return None
    if membership.may_renew(at=at):
        return None
    if membership.status == GroupMembership.Status.MEMBER:
        assert membership.until_on is not None
        return _("You are in, until %(day)s.") % {"day": date_format(membership.until_on, "j F Y")}
    if membership.status == GroupMembership.Status.APPLIED:
        return _("You have applied; we will write to you.")
    return _("This is over. Thank you!") if membership.from_on else _("There is nothing to answer any more.")


def consent_wording() -> str:
    """The words somebody agrees to when they come in without having agreed before; these words go on record."""
    company = Program.current().company or Program.current().name
    return _(
        "I agree that %(company)s asks me to try new things early and for advice, and uses what I give for it. "
        "I can take this back at any time in my profile."
    ) % {"company": company}


# --- Terms ------------------------------------------------------------------------------------------------------------
def term_from(day: date, group: CustomerGroup) -> date:
    """The last day of a term that begins on this day."""
    return months_after(day, group.term_months) - timedelta(days=1)


def next_term(membership: GroupMembership) -> date:
    """The last day of the term after the present one, which follows without a gap."""
    assert membership.until_on is not None
    return term_from(membership.until_on + timedelta(days=1), membership.group)


# --- What they gave, what only they get -------------------------------------------------------------------------------
def opportunities_of(group: CustomerGroup) -> "QuerySet[Opportunity]":
    """Everything that is for this group: its audience names it."""
    named = [group.fact]
    only = Q(audience__all__contains=named) | Q(audience__any__contains=named)
    return Opportunity.objects.filter(only, request__isnull=True)


@dataclass(frozen=True)
class Gave:
    """What somebody gave for a group."""

    done: int = 0
    minutes: int = 0


def gave(group: CustomerGroup) -> dict[int, Gave]:
    """By advocate: the completed claims of what was for this group, with the minutes they took."""
    rows = Claim.objects.filter(opportunity__in=opportunities_of(group), status=Claim.Status.VERIFIED)
    sums = rows.order_by().values_list("advocate").annotate(done=Count("pk"), minutes=Sum("minutes"))
    return {advocate: Gave(done, minutes or 0) for advocate, done, minutes in sums}


def deeds(group: CustomerGroup) -> "QuerySet[Claim]":
    """What was completed for this group, the newest first."""
    rows = Claim.objects.filter(opportunity__in=opportunities_of(group), status=Claim.Status.VERIFIED)
    return rows.select_related("opportunity__kind", "advocate__contact__account").order_by("-verified_at", "-pk")


def under_way(group: CustomerGroup) -> "QuerySet[Claim]":
    """What has been taken on for this group and is not done yet; the end of the group does not end it."""
    rows = Claim.objects.filter(opportunity__in=opportunities_of(group), status__in=[*UNDER_WAY, "delivered"])
    return rows.select_related("opportunity__kind", "advocate__contact__account").order_by("claimed_at", "pk")


def ending_soon(group: CustomerGroup, *, at: datetime) -> "QuerySet[GroupMembership]":
    rows = GroupMembership.objects.filter(group=group).ending(by=timezone.localdate(at) + SOON)
    return rows.select_related("advocate__contact__account").order_by("until_on", "pk")


def mine(advocate: Advocate) -> list[GroupMembership]:
    """Somebody's own: where they are in, what they are invited to, what they have applied for."""
    rows = GroupMembership.objects.filter(advocate=advocate, status__in=GroupMembership.LIVE)
    order: dict[Any, int] = {"invited": 0, "member": 1, "applied": 2}
    return sorted(rows.select_related("group__run_by").order_by("-asked_at"), key=lambda one: order[one.status])


def may_apply_to(advocate: Advocate) -> "QuerySet[CustomerGroup]":
    """Groups open to applications that they have nothing to do with yet."""
    there = GroupMembership.objects.filter(advocate=advocate, status__in=GroupMembership.LIVE).values("group")
    rows = CustomerGroup.objects.open().filter(joining=CustomerGroup.Joining.APPLICATION).exclude(pk__in=there)
    return rows.order_by("name")
