"""What people and the clock do with beta and advisory groups (O10).

Locks are taken in the order group → account → advocate. Whoever gives a seat away has locked the group, so seats cannot
be oversold: an invitation keeps its seat, and an application takes one only when it is accepted.
"""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from advocacy.crm import consent, spine
from advocacy.crm.catalogue import Deed
from advocacy.crm.hearing import hear
from advocacy.delivery.notifications import notify
from advocacy.lib.given import plain
from advocacy.lib.lifecycle import Refused
from advocates import budget
from advocates.models import Advocate, Channel
from opportunities import groups as rules
from opportunities.mails import groups as mails
from opportunities.models import CustomerGroup, GroupMembership

Status, Ended = GroupMembership.Status, GroupMembership.Ended


def _locked(group_id: int) -> CustomerGroup:
    return CustomerGroup.objects.select_for_update(of=("self",)).get(pk=group_id)


def _lock(membership: GroupMembership) -> GroupMembership:
    """The group, then the membership as it is now."""
    group = _locked(membership.group_id)
    rows = GroupMembership.objects.select_for_update(of=("self",))
    row = rows.select_related("advocate__contact__account", "advocate__user", "advocate__pod__manager").get(
        pk=membership.pk
    )
    row.group = group
    return row


def _source(membership: GroupMembership) -> str:
    return f"group:{membership.pk}"


def _must_be_open(group: CustomerGroup) -> None:
    if group.status != CustomerGroup.Status.OPEN:
        raise Refused(_("%(group)s has ended.") % {"group": group.name})


# --- Coming in --------------------------------------------------------------------------------------------------------
@transaction.atomic
def invite(advocate: Advocate, group: CustomerGroup, *, by: Any, at: datetime) -> GroupMembership:
    """Keep a seat for somebody and ask them: one ask in the one budget, one mail. Or raise ``Refused``."""
    group = _locked(group.pk)
    budget.lock(advocate)
    advocate = Advocate.objects.select_related("contact__account", "pod__manager").get(pk=advocate.pk)
    if refusal := rules.why_not(advocate, group, at=at):
        raise Refused(refusal)
    if not rules.seats_left(group):
        raise Refused(rules.full(group))
    made = GroupMembership.objects.create(
        group=group, advocate=advocate, status=Status.INVITED, asked_at=at, answer_until=at + rules.ANSWER_WITHIN, by=by
    )
    budget.ask(
        advocate, channel=Channel.CAMPAIGN, source_id=_source(made), kind=group.counts_as, at=at, by=by
    )  # fmt: skip
    spine.record(Deed.OFFERED, at=at, source=made, contact=advocate.contact, by=by)
    mails.invitation(made, at=at)
    return made


@transaction.atomic
def apply(advocate: Advocate, group: CustomerGroup, *, note: str, agrees: bool, at: datetime) -> GroupMembership:
    """A member would like to come in. It takes no seat before somebody of ours says yes."""
    group = _locked(group.pk)
    budget.lock(advocate)
    advocate = Advocate.objects.select_related("contact__account", "user").get(pk=advocate.pk)
    if refusal := rules.why_not_apply(advocate, group):
        raise Refused(refusal)
    _agree(advocate, group, agrees=agrees, at=at)
    return GroupMembership.objects.create(
        group=group, advocate=advocate, status=Status.APPLIED, note=plain(note)[:2000], asked_at=at
    )


def _agree(advocate: Advocate, group: CustomerGroup, *, agrees: bool, at: datetime) -> None:
    """No consent, no use: with a tick it is given along, in the words that stood beside it."""
    if consent.allows(advocate.contact, group.PURPOSE, at=at):
        return
    if not agrees:
        raise Refused(_("This needs your consent to beta and advisory work. Tick it, and send it again."))
    words = rules.consent_wording()
    consent.grant(advocate.contact, group.PURPOSE, wording=words, at=at, source="groups", by=advocate.user)


def _come_in(row: GroupMembership, *, at: datetime, by: Any) -> GroupMembership:
    day = timezone.localdate(at)
    row.move_to(Status.MEMBER, from_on=day, until_on=rules.term_from(day, row.group), answer_until=None)
    contact = row.advocate.contact
    hear("joined_program", contact=contact, occurrence=str(row.public_id), at=at)
    spine.record(Deed.CLAIMED, at=at, source=row, contact=contact, by=by)
    return row


@transaction.atomic
def accept(membership: GroupMembership, *, at: datetime, agrees: bool = False) -> GroupMembership:
    """They say yes to an invitation. A second yes changes nothing."""
    row = _lock(membership)
    if row.status == Status.MEMBER:
        return row
    if refusal := rules.why_closed(row, at=at):
        raise Refused(refusal)
    if row.advocate.status != Advocate.Status.MEMBER:
        raise Refused(_("Only members of the program can be in a group."))
    if not rules.seats_left(row.group, besides=row):
        raise Refused(rules.full(row.group))
    budget.lock(row.advocate)
    _agree(row.advocate, row.group, agrees=agrees, at=at)
    budget.answered(Channel.CAMPAIGN, _source(row), row.advocate, at=at)
    return _come_in(row, at=at, by=row.advocate.user)


@transaction.atomic
def take(membership: GroupMembership, *, by: Any, at: datetime) -> GroupMembership:
    """Somebody of ours says yes to an application; they hear of it by mail."""
    row = _lock(membership)
    if row.status == Status.MEMBER:
        return row
    if row.status != Status.APPLIED:
        raise Refused(_("There is no application to answer any more."))
    _must_be_open(row.group)
    contact = row.advocate.contact
    if row.advocate.status != Advocate.Status.MEMBER:
        raise Refused(_("%(name)s is not a member of the program.") % {"name": contact.full_name})
    if not consent.allows(contact, row.group.PURPOSE, at=at):
        raise Refused(_("%(name)s has taken back the consent to beta and advisory work.") % {"name": contact.full_name})
    if not rules.seats_left(row.group):
        raise Refused(rules.full(row.group))
    budget.lock(row.advocate)
    _come_in(row, at=at, by=by)
    mails.answer(row, taken=True, at=at)
    return row


# --- Not coming in ----------------------------------------------------------------------------------------------------
@transaction.atomic
def decline(membership: GroupMembership, *, at: datetime) -> GroupMembership:
    """They say no to an invitation; the seat is free again."""
    row = _lock(membership)
    if row.status == Status.DECLINED:
        return row
    if row.status != Status.INVITED:
        raise Refused(rules.why_closed(row, at=at) or _("You are in this group; leave it on your page of it."))
    budget.answered(Channel.CAMPAIGN, _source(row), row.advocate, at=at)
    return row.move_to(Status.DECLINED, ended_at=at, how_ended=Ended.SAID_NO)


@transaction.atomic
def not_taken(membership: GroupMembership, *, reason: str, by: Any, at: datetime) -> GroupMembership:
    """Somebody of ours says no to an application, with a word they read."""
    reason = plain(reason)
    if not reason:
        raise Refused(_("Say why; they read it."))
    row = _lock(membership)
    if row.status != Status.APPLIED:
        raise Refused(_("There is no application to answer any more."))
    row.move_to(Status.DECLINED, ended_at=at, how_ended=Ended.NOT_TAKEN, reason=reason[:300], by=_person(by))
    mails.answer(row, taken=False, at=at)
    return row


@transaction.atomic
def take_back(membership: GroupMembership, *, by: Any, at: datetime) -> GroupMembership:
    """An invitation is taken back: the seat is free, the mail does not leave if it has not, and it was no ask."""
    row = _lock(membership)
    if row.status != Status.INVITED:
        raise Refused(_("This invitation has been answered."))
    row.move_to(Status.DECLINED, ended_at=at, how_ended=Ended.TAKEN_BACK, by=_person(by))
    if mails.call_back(row):  # it never reached them
        budget.release(Channel.CAMPAIGN, _source(row), row.advocate, at=at)
    return row


def _person(by: Any) -> Any:
    return by if getattr(by, "pk", None) else None


# --- Terms ------------------------------------------------------------------------------------------------------------
@transaction.atomic
def renew(membership: GroupMembership, *, at: datetime) -> GroupMembership:
    """Another term, right after this one. Until they are asked again a second yes changes nothing."""
    row = _lock(membership)
    if row.status != Status.MEMBER:
        raise Refused(_("This term is over. Write to us if you would like to come back."))
    if row.renewal_asked_at is None:
        return row
    if not row.may_renew(at=at):
        raise Refused(_("This term is over. Write to us if you would like to come back."))
    _must_be_open(row.group)
    return row.move_again(
        until_on=rules.next_term(row), renewal_asked_at=None, lets_it_end_at=None, renewed=row.renewed + 1
    )


@transaction.atomic
def let_it_end(membership: GroupMembership, *, at: datetime) -> GroupMembership:
    """They do not want another term; they stay in until the last day of this one."""
    row = _lock(membership)
    if row.status != Status.MEMBER or not row.may_renew(at=at):
        raise Refused(rules.why_closed(row, at=at) or _("This term is over."))
    return row.move_again(lets_it_end_at=row.lets_it_end_at or at)


@transaction.atomic
def leave(membership: GroupMembership, *, reason: str, at: datetime) -> GroupMembership:
    """They go before their term is over; a reason helps us and is not asked for."""
    row = _lock(membership)
    if row.status == Status.ENDED:
        return row
    if row.status == Status.APPLIED:
        return row.move_to(Status.DECLINED, ended_at=at, how_ended=Ended.TAKEN_BACK, reason=plain(reason)[:300])
    if row.status != Status.MEMBER:
        raise Refused(_("You are not in this group."))
    return row.move_to(Status.ENDED, ended_at=at, how_ended=Ended.LEFT, reason=plain(reason)[:300])


@transaction.atomic
def end_membership(membership: GroupMembership, *, reason: str, by: Any, at: datetime) -> GroupMembership:
    """Somebody of ours ends a membership, with a reason that stays on record."""
    reason = plain(reason)
    if not reason:
        raise Refused(_("Say why it ends; it stays on record."))
    row = _lock(membership)
    if row.status != Status.MEMBER:
        raise Refused(_("This membership is over."))
    return row.move_to(Status.ENDED, ended_at=at, how_ended=Ended.STAFF, reason=reason[:300], by=_person(by))


@transaction.atomic
def end_group(group: CustomerGroup, *, by: Any, at: datetime) -> CustomerGroup:
    """The group is over: memberships end, invitations and applications come to nothing.

    What members have taken on for it takes its course; they hear of both, and so does whoever runs the group.
    """
    locked = _locked(group.pk)
    if locked.status == CustomerGroup.Status.ENDED:
        return locked
    locked.move_to(CustomerGroup.Status.ENDED, ended_at=at)
    rows = GroupMembership.objects.select_for_update(of=("self",)).filter(group=locked, status__in=GroupMembership.LIVE)
    live = rows.select_related("advocate__contact__account", "advocate__user", "advocate__pod__manager")
    claims = list(rules.under_way(locked))
    busy = {claim.advocate_id for claim in claims}
    for row in live.order_by("advocate__contact__account", "advocate"):
        was, row.group = row.status, locked
        _end_live(row, Ended.GROUP, at=at, by=by)
        _say_it_is_over(row, was, goes_on=row.advocate_id in busy, at=at)
    runs = locked.run_by or _person(by)
    if claims and runs is not None:
        said = ngettext(
            "%(group)s has ended; %(count)d claim for it goes on.",
            "%(group)s has ended; %(count)d claims for it go on.",
            len(claims),
        )  # fmt: skip
        notify(runs, "group_claims", key=str(locked.pk), text=said % {"group": locked.name, "count": len(claims)},
               url=reverse("opportunities:group", args=[locked.public_id]), at=at)  # fmt: skip
    return locked


def _say_it_is_over(row: GroupMembership, was: str, *, goes_on: bool, at: datetime) -> None:
    """Whoever was in reads it in the portal; whoever had applied is answered by mail."""
    words = {"group": row.group.name}
    if was == Status.APPLIED:
        row.reason = _("%(group)s has ended.") % words
        row.save(update_fields=["reason"])
        mails.answer(row, taken=False, at=at)
    elif was == Status.MEMBER and row.advocate.user is not None:
        said = _("%(group)s has ended. Thank you for what you gave.") % words
        if goes_on:
            said = f"{said} {_('What you have taken on for it goes on as agreed.')}"
        notify(row.advocate.user, "group_ended", key=str(row.pk), text=said,
               url=reverse("opportunities:claims" if goes_on else "opportunities:my_groups"), at=at)  # fmt: skip


def _end_live(row: GroupMembership, how: str, *, at: datetime, by: Any = None) -> None:
    was = row.status
    row.move_to(
        Status.ENDED if was == Status.MEMBER else Status.DECLINED, ended_at=at, how_ended=how, by=_person(by) or row.by
    )
    if was == Status.INVITED and mails.call_back(row):
        budget.release(Channel.CAMPAIGN, _source(row), row.advocate, at=at)


def call_off(advocate: Advocate, reason: str, at: datetime, by: Any) -> int:
    """They have left the company they were in for (P27): what they are in, or were asked into, ends."""
    rows = GroupMembership.objects.filter(advocate=advocate, status__in=GroupMembership.LIVE)
    ended = 0
    for pk, group in list(rows.order_by("group").values_list("pk", "group")):
        _locked(group)
        row = rows.select_related("advocate__contact__account").filter(pk=pk).first()
        if row is not None:
            _end_live(row, Ended.COMPANY, at=at, by=by)
            ended += 1
    return ended


# --- The clock --------------------------------------------------------------------------------------------------------
def expire_invitations(*, at: datetime) -> int:
    """Who did not answer in time gives the seat back; they were asked all the same."""
    late = GroupMembership.objects.filter(status=Status.INVITED, answer_until__lte=at)
    return sum(_expire(pk, at=at) for pk in list(late.order_by("pk").values_list("pk", flat=True)))


@transaction.atomic
def _expire(pk: int, *, at: datetime) -> int:
    row = _lock(GroupMembership.objects.get(pk=pk))
    if row.status != Status.INVITED or row.answer_until is None or row.answer_until > at:
        return 0
    row.move_to(Status.DECLINED, ended_at=at, how_ended=Ended.SILENCE)
    return 1


def ask_to_renew(*, at: datetime) -> int:
    """A month before the end of a term: do they want another one? Each term is asked about once."""
    soon = GroupMembership.objects.filter(renewal_asked_at__isnull=True, group__status=CustomerGroup.Status.OPEN)
    today = timezone.localdate(at)
    soon = soon.ending(by=today + rules.ASKED_BEFORE).filter(until_on__gte=today)
    return sum(_ask_to_renew(pk, at=at) for pk in list(soon.order_by("pk").values_list("pk", flat=True)))


@transaction.atomic
def _ask_to_renew(pk: int, *, at: datetime) -> int:
    row = _lock(GroupMembership.objects.get(pk=pk))
    today = timezone.localdate(at)
    if row.status != Status.MEMBER or row.renewal_asked_at is not None or row.until_on is None:
        return 0
    if not today <= row.until_on <= today + rules.ASKED_BEFORE or row.group.status != CustomerGroup.Status.OPEN:
        return 0
    row.move_again(renewal_asked_at=at)
    mails.renewal(row, at=at)
    return 1


def end_terms(*, at: datetime) -> int:
    """Terms that are over end; nobody is in a group by having been forgotten there."""
    over = GroupMembership.objects.filter(status=Status.MEMBER, until_on__lt=timezone.localdate(at))
    return sum(_end_term(pk, at=at) for pk in list(over.order_by("pk").values_list("pk", flat=True)))


@transaction.atomic
def _end_term(pk: int, *, at: datetime) -> int:
    row = _lock(GroupMembership.objects.get(pk=pk))
    if row.status != Status.MEMBER or row.until_on is None or row.until_on >= timezone.localdate(at):
        return 0
    row.move_to(Status.ENDED, ended_at=at, how_ended=Ended.TERM)
    return 1
