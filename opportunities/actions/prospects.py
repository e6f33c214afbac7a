"""What prospects do by the link they were handed, and what both sides do to a time that is set (D7)."""

import zoneinfo
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils.translation import gettext as _

from advocacy.delivery.models import Message
from advocacy.delivery.notifications import notify
from advocacy.lib import signed
from advocacy.lib.lifecycle import Refused
from advocates import budget
from advocates.models import Channel
from opportunities import desk as rules
from opportunities.actions import board, desk
from opportunities.mails import board as board_mails
from opportunities.mails import desk as mails
from opportunities.mails import prospects as to_prospects
from opportunities.models import (
    Claim,
    ClaimFeedback,
    Nomination,
    ProposedTime,
    ProspectLink,
    ReferenceRequest,
    RequestNote,
)

PURPOSE = "prospect"
LONGEST_PLACE = 300
TELL_WITHIN = timedelta(days=14)
"""How long after a set time the prospect may say how it was."""
LASTS = timedelta(days=14)
"""How long a link opens while a time is to be picked; once one is set, until that is over."""


# --- The link ---------------------------------------------------------------------------------------------------------
@transaction.atomic
def hand_over(
    nomination: Nomination, *, name: str, email: str = "", zone: str = "", by: Any, at: datetime
) -> ProspectLink:
    """Make a link of their own for the prospect; one they had before opens nothing any more.

    With an address the portal writes to them itself; without one, whoever made it passes it on.
    """
    locked = desk._lock(nomination.request)
    desk._must_be_active(locked)
    nominated = desk._reread(nomination, locked)
    if not may_be_handed(nominated):
        raise Refused(_("A link is for the prospect of somebody who has said yes, while there is a time to agree on."))
    name, email = " ".join(name.split())[:150], email.strip()
    if not name:
        raise Refused(_("Name who gets the link: it is theirs alone."))
    if email:
        try:
            validate_email(email)
        except ValidationError:
            raise Refused(_("“%(email)s” is no address a mail can go to.") % {"email": email}) from None
    _revoke(nominated, at=at)
    link = ProspectLink.objects.create(
        nomination=nominated, name=name, email=email, time_zone=known_zone(zone) or locked.requester.time_zone,
        made_by=by, made_at=at, expires_at=at + LASTS,
    )  # fmt: skip
    _set_until(nominated, link.expires_at)
    if email:
        to_prospects.handed_over(link, at=at)
    said = _("%(by)s gave %(name)s a link to pick a time.") % {"by": by, "name": name}
    RequestNote.objects.create(request=locked, by=by, at=at, text=said, for_requester=True)
    desk._settle(locked, at=at)
    return link


@transaction.atomic
def take_back(link: ProspectLink, *, by: Any, at: datetime) -> ProspectLink:
    """The link opens nothing from now on. Taken back twice changes nothing."""
    locked = desk._lock(link.nomination.request)
    nominated = desk._reread(link.nomination, locked)
    fresh = ProspectLink.objects.get(pk=link.pk)
    if fresh.revoked_at is None:
        _revoke(nominated, at=at)
        if locked.status not in rules.ENDED:
            desk._settle(locked, at=at)
        fresh.refresh_from_db()
    return fresh


def _revoke(nominated: Nomination, *, at: datetime) -> None:
    standing = ProspectLink.objects.filter(nomination=nominated, revoked_at__isnull=True)
    unsent = Message.objects.filter(kind="prospect_link", status=Message.Status.DUE)
    keys = [str(pk) for pk in standing.values_list("pk", flat=True)]
    unsent.filter(dedupe_key__in=keys).update(status=Message.Status.CANCELLED, result="taken back")
    standing.update(revoked_at=at)
    _set_until(nominated, None)


def _set_until(nominated: Nomination, until: datetime | None) -> None:
    Nomination.objects.filter(pk=nominated.pk).update(prospect_until=until)
    nominated.prospect_until = until


def may_be_handed(nominated: Nomination) -> bool:
    """Whether there is something a prospect could do by a link."""
    if nominated.status != Nomination.Status.ACCEPTED or not nominated.request.kind.has_step("scheduled"):
        return False
    return rules.wants_time(nominated) or bool(nominated.claim and nominated.claim.status == Claim.Status.SCHEDULED)


def token_of(link: ProspectLink) -> str:
    return signed.sign(PURPOSE, str(link.public_id))


def read(token: str, *, at: datetime) -> ProspectLink:
    """The link behind a token, or ``BadLink`` with a sentence for whoever followed it."""
    try:
        public_id = UUID(signed.read(PURPOSE, token))
    except ValueError:
        raise signed.BadLink(_("This link is not complete. Copy the whole address once more.")) from None
    rows = ProspectLink.objects.select_related(
        "nomination__request__kind", "nomination__request__manager", "nomination__request__requester",
        "nomination__advocate__contact__account", "nomination__claim__opportunity",
    ).prefetch_related("nomination__times")  # fmt: skip
    link = rows.filter(public_id=public_id).first()
    if link is None:
        raise signed.BadLink(_("What this link was about is gone."))
    requester = link.nomination.request.requester
    if link.revoked_at is not None:
        raise signed.BadLink(_("This link was taken back. Ask %(name)s for a new one.") % {"name": requester})
    claim = link.nomination.claim
    lasts = claim is not None and claim.status == Claim.Status.SCHEDULED and claim.ends_at and claim.ends_at > at
    if link.expires_at <= at and not lasts and not may_tell(link.nomination, at=at):
        raise signed.BadLink(_("This link is too old. Ask %(name)s for a new one.") % {"name": requester})
    return link


def known_zone(name: str) -> str:
    """The name of a time zone, or nothing where there is none of that name."""
    return name if name and name in zoneinfo.available_timezones() else ""


# --- By the link ------------------------------------------------------------------------------------------------------
@transaction.atomic
def pick(link: ProspectLink, time: ProposedTime, *, zone: str = "", at: datetime) -> Claim:
    """The prospect takes one of the times; where one is set already, it moves to this one."""
    _use(link, zone=zone, at=at)
    if time.nomination_id != link.nomination_id:
        raise Refused(_("That time belongs to another conversation. Pick one of those that are shown here."))
    if is_set(link.nomination, at=at):
        return move(link.nomination, time, at=at, said_by=link.name)
    claim = desk.pick_time(time, at=at)
    _tell_us(link.nomination.request, link.nomination, _("%(name)s of %(prospect)s has picked a time."),
             said_by=link.name, at=at)  # fmt: skip
    return claim


@transaction.atomic
def none_fits(link: ProspectLink, *, text: str, at: datetime) -> Nomination:
    """None of the times suits them: the advocate is asked for others in their words."""
    _use(link, at=at)
    if is_set(link.nomination, at=at):
        return another_time(link.nomination, text=text, at=at, said_by=link.name)
    done = desk.no_time_fits(link.nomination, text=text, by=None, at=at, said_by=link.name)
    _tell_us(link.nomination.request, link.nomination, _("None of the times suits %(name)s of %(prospect)s."),
             said_by=link.name, at=at)  # fmt: skip
    return done


@transaction.atomic
def call_off(link: ProspectLink, *, reason: str, at: datetime) -> ReferenceRequest:
    """The prospect wants no conversation any more: calendars are free, and the requester decides what next."""
    _use(link, at=at)
    locked = desk._lock(link.nomination.request)
    desk._must_be_active(locked)
    nominated = desk._reread(link.nomination, locked)
    claim = nominated.claim
    if nominated.status != Nomination.Status.ACCEPTED or claim is None or not may_be_handed(nominated):
        raise Refused(_("There is nothing to call off any more."))
    if claim.scheduled_for and claim.scheduled_for <= at:
        raise Refused(_("Its time has come already."))
    reason = desk._text(reason, _("Say in a few words why; everybody who planned with it reads them."))
    desk._lock_people([nominated.advocate_id])
    was_set = is_set(nominated, at=at)
    mails.called_off(nominated, at=at, because="prospect", said=reason)
    told = _("%(prospect)s does not need it any more: %(reason)s") % {"prospect": locked.prospect, "reason": reason}
    board.decline(claim, reason=told[:300], at=at, because="called_off")
    nominated.move_to(Nomination.Status.RECALLED)
    budget.release(Channel.DESK, locked.pk, nominated.advocate, at=at)
    _revoke(nominated, at=at)
    asked = RequestNote.objects.create(
        request=locked, at=at, for_requester=True, asks=True,
        text=_("%(name)s has called it off: %(reason)s Shall we withdraw the request, or ask somebody else?")
        % {"name": link.name, "reason": reason if reason.endswith((".", "!", "?")) else f"{reason}."},
    )  # fmt: skip
    if not was_set:  # otherwise the mail that frees the calendar has said it
        mails.question(asked, at=at)
    _tell_us(locked, nominated, _("%(name)s of %(prospect)s has called it off."), said_by=link.name, at=at)
    desk._settle(locked, at=at)
    return locked


def may_tell(nominated: Nomination, *, at: datetime) -> bool:
    """Whether the set time is over and the prospect may say how it was, while nobody has settled it."""
    claim = nominated.claim
    if nominated.status != Nomination.Status.ACCEPTED or claim is None or nominated.request.status in rules.ENDED:
        return False
    if claim.status not in {Claim.Status.SCHEDULED, Claim.Status.DELIVERED} or claim.scheduled_for is None:
        return False
    return bool(claim.ends_at and claim.ends_at <= at < claim.ends_at + TELL_WITHIN)


@transaction.atomic
def say_how_it_was(link: ProspectLink, *, happened: bool, text: str, at: datetime) -> ReferenceRequest:
    """The prospect says whether it took place, and how it was; with that their link has served its purpose.

    It settles nothing: the requester and the advocate do. Where it did not take place, somebody finds out why.
    """
    _use(link, at=at)
    locked = desk._lock(link.nomination.request)
    desk._must_be_active(locked)
    nominated = desk._reread(link.nomination, locked)
    if not may_tell(nominated, at=at) or nominated.claim is None:
        raise Refused(_("There is nothing to tell any more. Thank you all the same!"))
    said = _("%(name)s of %(prospect)s says that it took place.") if happened else _(
        "%(name)s of %(prospect)s says that it did not take place."
    )  # fmt: skip
    words = " ".join(text.split())[:1000]
    note = said % {"name": link.name, "prospect": locked.prospect}
    RequestNote.objects.create(
        request=locked, at=at, for_requester=True, text=f"{note} “{words}”" if words else note
    )  # fmt: skip
    if not happened:
        board.look_into_it(nominated.claim, side=ClaimFeedback.Side.REQUESTER, at=at)
    _tell_us(locked, nominated, said, said_by=link.name, at=at)
    _revoke(nominated, at=at)
    desk._settle(locked, at=at)
    return locked


def _use(link: ProspectLink, *, zone: str = "", at: datetime) -> None:
    """Under lock, a link must still open: it may have been taken back since its page was shown."""
    locked = desk._lock(link.nomination.request)
    link.nomination = desk._reread(link.nomination, locked)
    fresh = ProspectLink.objects.select_for_update().get(pk=link.pk)
    if fresh.revoked_at is not None:
        raise Refused(_("This link was taken back meanwhile. Ask for a new one."))
    fresh.used_at = at
    fresh.time_zone = known_zone(zone) or fresh.time_zone
    fresh.save(update_fields=["used_at", "time_zone"])
    link.time_zone = fresh.time_zone


def _tell_us(wanted: ReferenceRequest, nominated: Nomination, said: str, *, said_by: str, at: datetime) -> None:
    """The requester and the desk hear of it in the portal."""
    text = said % {"name": said_by or wanted.requester, "prospect": wanted.prospect}
    desk._news(wanted, "prospect", f"{nominated.pk}:{at.isoformat()}", text, at=at)
    if wanted.manager:
        notify(wanted.manager, "prospect_said", key=f"{nominated.pk}:{at.isoformat()}", text=text[:300],
               url=desk._desk_url(wanted), at=at)  # fmt: skip


# --- A time that is set -----------------------------------------------------------------------------------------------
def is_set(nominated: Nomination, *, at: datetime) -> bool:
    """Whether a time is set and still to come."""
    claim = nominated.claim
    return bool(claim and claim.status == Claim.Status.SCHEDULED and claim.scheduled_for and claim.scheduled_for > at)


@transaction.atomic
def move(nomination: Nomination, time: ProposedTime, *, at: datetime, by: Any = None, said_by: str = "") -> Claim:
    """Another of the times the advocate has proposed instead of the one that is set; every calendar follows."""
    locked = desk._lock(nomination.request)
    nominated = desk._reread(nomination, locked)
    claim = nominated.claim
    if claim is None or not is_set(nominated, at=at):
        raise Refused(_("There is no set time to move."))
    known = nominated.times.filter(pk=time.pk).first()
    if known is None:
        raise Refused(_("The times have changed meanwhile. Pick one of those that are shown now."))
    if known.starts_at == claim.scheduled_for:
        return claim
    if known.starts_at <= at:
        raise Refused(_("That time has passed. Pick another one."))
    claim = board.reschedule(claim, starts_at=known.starts_at, at=at, by=by)
    desk._take_over_time(nominated, claim, at=at)
    _tell_us(locked, nominated, _("%(name)s of %(prospect)s has moved the time.") if said_by else
             _("The time with %(prospect)s has moved."), said_by=said_by, at=at)  # fmt: skip
    desk._settle(locked, at=at)
    return claim


@transaction.atomic
def another_time(nomination: Nomination, *, text: str, at: datetime, by: Any = None, said_by: str = "") -> Nomination:
    """The set time does not hold and none of the others suits: calendars are freed, and the advocate proposes anew."""
    locked = desk._lock(nomination.request)
    nominated = desk._reread(nomination, locked)
    claim = nominated.claim
    if claim is None or not is_set(nominated, at=at):
        raise Refused(_("There is no set time to move."))
    text = desk._text(text, _("Say in a few words when it would suit, so that the next times fit."))
    gone = board_mails.out_of_the_calendar(claim, at=at)
    mails.called_off(nominated, at=at, because="moving", said=text)
    nominated.claim = board.unschedule(claim, at=at)
    nominated.times.all().delete()
    mails.other_times(nominated, said=text, at=at, gone=gone)
    said = _("The set time does not suit any more: %(text)s") % {"text": text}
    RequestNote.objects.create(
        request=locked, by=by, at=at, text=f"{said_by}: {said}" if said_by else said, for_requester=True
    )
    if nominated.advocate.user:
        notify(nominated.advocate.user, "other_times", key=f"{nominated.pk}:{at.isoformat()}",
               text=_("%(prospect)s needs other times.") % {"prospect": locked.prospect},
               url=desk._answer_url(nominated), at=at)  # fmt: skip
    _tell_us(locked, nominated, _("The set time does not suit %(prospect)s any more."), said_by=said_by, at=at)
    desk._settle(locked, at=at)
    return desk._reread(nominated, locked)


@transaction.atomic
def meet_at(nomination: Nomination, *, place: str, by: Any, at: datetime) -> Nomination:
    """Where they meet: a link, a number to dial or an address, for all who take part and in every calendar."""
    locked = desk._lock(nomination.request)
    desk._must_be_active(locked)
    nominated = desk._reread(nomination, locked)
    place = " ".join(place.split())
    if len(place) > LONGEST_PLACE:
        raise Refused(_("That is too long: keep it to %(most)s characters.") % {"most": LONGEST_PLACE})
    if nominated.status != Nomination.Status.ACCEPTED or nominated.claim is None:
        raise Refused(_("There is nothing to meet for any more."))
    if nominated.claim.place == place:
        return nominated
    desk._lock_people([nominated.advocate_id])
    nominated.claim = board.meet_at(nominated.claim, place=place, at=at)
    if is_set(nominated, at=at):
        mails.time_set(nominated, nominated.claim, at=at, placed=True)
    said = _("They meet here: %(place)s") % {"place": place} if place else _("Where they meet is open again.")
    RequestNote.objects.create(request=locked, by=by, at=at, text=said, for_requester=True)
    return nominated


@transaction.atomic
def times_have_passed(nomination: Nomination, *, at: datetime) -> Nomination:
    """Nobody picked one of the times before they were over: the advocate is asked for others, with our apology."""
    locked = desk._lock(nomination.request)
    nominated = desk._reread(nomination, locked)
    times = list(nominated.times.all())
    open_still = any(time.starts_at > at or time.chosen_at for time in times)
    if locked.status in rules.ENDED or not rules.wants_time(nominated) or not times or open_still:
        return nominated
    nominated.times.all().delete()
    said = _("The times were over before one was picked; %(name)s is asked for others.")
    words = {"name": nominated.advocate}
    RequestNote.objects.create(request=locked, at=at, text=said % words, for_requester=True)
    mails.other_times(nominated, said="", passed=True, at=at)
    if nominated.advocate.user:
        notify(nominated.advocate.user, "other_times", key=f"{nominated.pk}:{at.isoformat()}",
               text=_("%(prospect)s needs other times.") % {"prospect": locked.prospect},
               url=desk._answer_url(nominated), at=at)  # fmt: skip
    desk._news(locked, "times_passed", f"{nominated.pk}:{at.isoformat()}", said % words, at=at)
    nominated = desk._reread(nominated, locked)
    desk._settle(locked, at=at)
    return nominated


# --- Before they meet -------------------------------------------------------------------------------------------------
@transaction.atomic
def rather_not(nomination: Nomination, *, text: str, at: datetime) -> Nomination:
    """The advocate says what they would rather not talk about; the other side reads it in these words."""
    locked = desk._lock(nomination.request)
    nominated = desk._reread(nomination, locked)
    desk._must_be_active(locked)
    nominated.not_about = text.strip()[:500]
    nominated.save(update_fields=["not_about"])
    return nominated
