"""Account owners and CSMs stop what should not be asked of their customers, and read once a week what was (D15)."""

from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from advocacy.delivery import kinds
from advocacy.delivery.models import Message
from advocacy.delivery.notifications import notify, settled
from advocacy.lib.lifecycle import Refused
from advocates import budget
from advocates.models import Channel
from opportunities import clock, desk, trust
from opportunities.actions import board
from opportunities.actions import desk as at_desk
from opportunities.mails import desk as mails
from opportunities.mails import trust as notes
from opportunities.models import Nomination

NOTE_AT = 8
"""The hour on the desk's clock at which the weekly note leaves, on Mondays."""


@transaction.atomic
def veto(nomination: Nomination, *, reason: str, by: Any, at: datetime) -> Nomination:
    """The owner or CSM of an account stops an ask of theirs, at any point until it has taken place; a reason stays.

    The advocate hears only that it is needed no more; the desk reads why and looks for somebody else.
    """
    locked = at_desk._lock(nomination.request)
    one = at_desk._reread(nomination, locked)
    if one.vetoed_at is not None:
        return one
    if not trust.answers_for(by, one.advocate.contact.account):
        raise Refused(_("Only the owner or the CSM of the account stops an ask."))
    if locked.status in desk.ENDED or not trust.may_stop(one, at=at):
        raise Refused(_("There is nothing to stop any more. Talk to the desk if something is amiss."))
    reason = " ".join(reason.split())[:300]
    if not reason:
        raise Refused(_("Say in a few words why, so that the desk knows whom to ask instead."))
    at_desk._lock_people([one.advocate_id])
    stamps: dict[str, Any] = {"vetoed_at": at, "vetoed_by": by, "veto_reason": reason}
    if one.status == Nomination.Status.ACCEPTED:
        assert one.claim is not None
        board.decline(one.claim, reason=_("We were asked to hold it back."), at=at, by=by)
        one.move_to(Nomination.Status.RECALLED, **stamps)
        budget.release(Channel.DESK, locked.pk, one.advocate, at=at)
        mails.called_off(one, at=at)
    else:
        was_with_owner = one.status == Nomination.Status.WITH_OWNER
        one.move_to(Nomination.Status.REFUSED, **stamps)
        budget.release(Channel.DESK, locked.pk, one.advocate, at=at)
        at_desk._leave_owner_alone(one, because="stopped", at=at)
        if not was_with_owner:
            settled("nomination", key=mails.key_of(one), at=at)
            if not at_desk._keep_back_the_question(one, because="stopped"):
                mails.taken_back(one, because="desk", at=at)
    if locked.manager:
        text = _("%(owner)s has stopped the ask of %(name)s for %(prospect)s: %(reason)s") % {
            "owner": by, "name": one.advocate, "prospect": locked.prospect, "reason": reason,
        }  # fmt: skip
        notify(locked.manager, "vetoed", key=str(one.pk), text=text[:300], url=at_desk._desk_url(locked), at=at)
    at_desk._settle(locked, at=at)
    at_desk._tell_desk_when_nobody_is_left(locked, at=at)
    return at_desk._reread(one, locked)


def send_weekly_notes(*, at: datetime) -> int:
    """Owe everybody who answers for customers the note of the last week, once; late on any later day of the week.

    Who has nothing to read gets none. Returns how many were owed.
    """
    zone = clock.office().zone
    local = at.astimezone(zone)
    monday = (local - timedelta(days=local.weekday())).replace(hour=NOTE_AT, minute=0, second=0, microsecond=0)
    if local < monday:
        return 0
    since = monday - timedelta(days=7)
    answering = get_user_model().objects.filter(is_active=True).filter(
        Q(owned_accounts__isnull=False) | Q(cared_accounts__isnull=False)
    )  # fmt: skip
    told = Message.objects.filter(kind=notes.NOTE, dedupe_key__endswith=f":{monday.date()}").values("user")
    owed = 0
    for user in answering.exclude(pk__in=told).distinct().order_by("pk"):
        if kinds.left(user.email, notes.NOTE):
            continue
        week = trust.week_of(user, since=since, until=monday)
        if week and notes.weekly_note(user, week, monday=monday.date(), at=at) is not None:
            owed += 1
    return owed
