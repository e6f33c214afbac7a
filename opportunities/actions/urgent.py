"""The urgent lane at work: the hour it is needed by, the spokesperson's word, and the best few asked at once (O7)."""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from advocacy.delivery.notifications import notify
from advocacy.lib.lifecycle import Refused
from opportunities import clock, matching, urgent
from opportunities import desk as rules
from opportunities.actions import desk, spokespeople
from opportunities.actions.desk import Pick
from opportunities.mails import urgent as mails
from opportunities.models import Nomination, ReferenceRequest


@transaction.atomic
def set_deadline(wanted: ReferenceRequest, needed_at: datetime, *, by: Any, at: datetime) -> ReferenceRequest:
    """The hour it is needed by; who is asked from now on answers before it."""
    locked = desk._lock(wanted)
    desk._must_be_active(locked)
    _must_be_urgent(locked)
    if needed_at <= at:
        raise Refused(_("That hour has passed. Choose a later one."))
    if needed_at > rules.latest_time(at):
        raise Refused(_("That is more than half a year ahead. Choose an earlier hour."))
    if locked.needed_at == needed_at:
        return locked
    locked.needed_at, locked.needed_by = needed_at, timezone.localdate(needed_at, clock.office().zone)
    locked.save(update_fields=["needed_at", "needed_by"])
    when = date_format(timezone.localtime(needed_at, clock.office().zone), "j F, H:i")
    desk.note(locked, text=_("Needed by %(when)s.") % {"when": when}, by=by, at=at)
    if locked.manager and (by is None or by.pk != locked.manager_id):
        said = _("%(prospect)s is needed by %(when)s.") % {"prospect": locked.prospect, "when": when}
        notify(locked.manager, "urgent_deadline", key=f"{locked.pk}:{needed_at.isoformat()}", text=said[:300],
               url=desk._desk_url(locked), at=at)  # fmt: skip
    return locked


# --- The spokesperson -------------------------------------------------------------------------------------------------
@transaction.atomic
def ask_spokesperson(wanted: ReferenceRequest, *, by: Any, at: datetime) -> ReferenceRequest:
    """Ask whoever approves it now: again after a no, or because somebody else does so by now."""
    locked = desk._lock(wanted)
    desk._must_be_active(locked)
    _must_be_urgent(locked)
    if locked.approver_said == "yes":
        raise Refused(_("%(name)s has said yes already.") % {"name": locked.approver or _("The spokesperson")})
    if urgent.spokesperson(locked.team, locked.kind) is None:
        raise Refused(_("Nobody is named who approves this kind. Name somebody under Spokespeople first."))
    spokespeople.ask(locked, at=at)
    desk._settle(locked, at=at)
    return locked


@transaction.atomic
def remind_spokesperson(wanted: ReferenceRequest, *, at: datetime) -> None:
    """One reminder for each time they were asked; whoever can help is told that a call may be quicker."""
    locked = desk._lock(wanted)
    if locked.status in rules.ENDED or not locked.waits_for_approver or locked.approver is None:
        return
    if not locked.approver.is_active:
        said = _("%(name)s, who has to approve %(prospect)s, is not here any more. Ask whoever speaks now.")
    else:
        mails.asked(locked, again=True, at=at)
        said = _("%(name)s has not said yet whether %(prospect)s may go out. A call may be quicker.")
    text = said % {"name": locked.approver, "prospect": locked.prospect}
    for manager in desk._who_can_help(locked):
        notify(manager, "media_silent", key=mails.key_of(locked), text=text[:300], url=desk._desk_url(locked), at=at)


@transaction.atomic
def approve(wanted: ReferenceRequest, *, by: Any, at: datetime, words: str = "") -> ReferenceRequest:
    """The spokesperson says yes: the desk may ask. By somebody else it is put on record with how it was said."""
    locked = desk._lock(wanted)
    if locked.approver_said == "yes":
        return locked
    _must_wait(locked)
    if by is None or by.pk != locked.approver_id:
        words = desk._text(words, _("Say how they agreed, such as “on the phone at ten”; it stays on record."))
    spokespeople.said(locked, "yes", words=words, at=at)
    who = locked.approver or _("The spokesperson")
    desk.note(locked, text=_("%(name)s agreed. %(words)s") % {"name": who, "words": words.strip()}, by=by, at=at)
    for manager in desk._who_can_help(locked):
        if by is None or manager.pk != by.pk:
            said = _("%(name)s agreed: %(prospect)s can go out now.") % {"name": who, "prospect": locked.prospect}
            notify(manager, "media_yes", key=str(locked.pk), text=said[:300], url=desk._desk_url(locked), at=at)
    desk._settle(locked, at=at)
    return locked


@transaction.atomic
def refuse(wanted: ReferenceRequest, *, reason: str, by: Any, at: datetime) -> ReferenceRequest:
    """The spokesperson says no, and why: nobody is asked, and the requester reads it."""
    locked = desk._lock(wanted)
    if locked.approver_said == "no":
        return locked
    _must_wait(locked)
    if by is None or by.pk != locked.approver_id:
        raise Refused(_("Only the spokesperson says no; the desk can withdraw it."))
    reason = desk._text(reason, _("Say in a few words why not; whoever asked for it reads them."))
    spokespeople.said(locked, "no", words=reason, at=at)
    said = _("%(name)s: %(reason)s") % {"name": locked.approver, "reason": reason}
    return desk.leave_unfilled(locked, reason=said[:300], by=by, at=at)


def _must_wait(locked: ReferenceRequest) -> None:
    desk._must_be_active(locked)
    if not locked.waits_for_approver:
        raise Refused(_("There is nothing to decide any more: it has been answered."))


def _must_be_urgent(locked: ReferenceRequest) -> None:
    if not locked.kind.is_urgent:
        raise Refused(_("“%(kind)s” is not of the urgent lane.") % {"kind": locked.kind.name})


# --- The best few at once ---------------------------------------------------------------------------------------------
@transaction.atomic
def ask_best(wanted: ReferenceRequest, *, number: int, by: Any, at: datetime) -> list[Nomination]:
    """Ask the best who can be asked now, all at once: the first yes wins, or the first of as many as are wanted.

    Within the ask budget and past nobody's consent; whoever is stopped at the last moment is passed over, and where an
    account owner is asked first they are asked only when too few others are there.
    """
    if not 1 <= number <= urgent.MOST_AT_ONCE:
        raise Refused(_("Ask between 1 and %(most)s at once.") % {"most": urgent.MOST_AT_ONCE})
    locked = desk._lock(wanted)
    desk._must_be_active(locked)
    _must_be_urgent(locked)
    spokespeople.must_have_agreed(locked)
    if locked.needed_at is not None and locked.needed_at <= at:
        raise Refused(_("The hour it is needed by has passed. Set a later one, or close it."))
    need = matching.Need.of(locked, at=at)
    # An account owner's word takes days: whoever can be asked at once comes first.
    found = sorted(matching.candidates(need, limit=number * 3), key=lambda one: one.owner_approves)
    desk._lock_people([one.advocate for one in found])
    made: list[Nomination] = []
    for one in found:
        if len(made) == number:
            break
        try:
            with transaction.atomic():
                pick = Pick(one.advocate, matching.for_them(need, one))
                made += desk.nominate(locked, [pick], by=by, at=at)
        except Refused:
            continue  # somebody else asked them meanwhile, or enough of their account are asked
    if not made:
        raise Refused(_("Nobody can be asked now: see why not the others, or relax what must fit."))
    return made


@transaction.atomic
def tell_of_the_hour(wanted: ReferenceRequest, *, at: datetime) -> None:
    """Nobody has said yes, and the hour is near or gone: told once for each, for the hour that is set."""
    assert wanted.needed_at is not None
    gone = wanted.needed_at <= at
    when = date_format(timezone.localtime(wanted.needed_at, clock.office().zone), "H:i")
    text = (
        _("%(prospect)s was needed by %(time)s, and nobody has said yes.")
        if gone
        else _("%(prospect)s is needed by %(time)s, and nobody has said yes yet.")
    ) % {"prospect": wanted.prospect, "time": when}
    for manager in desk._who_can_help(wanted):
        notify(manager, "urgent_hour", key=f"{wanted.pk}:{wanted.needed_at.isoformat()}:{'gone' if gone else 'near'}",
               text=text[:300], url=desk._desk_url(wanted), at=at)  # fmt: skip
