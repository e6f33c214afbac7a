"""What the pages of a request show: a sentence for where it stands, who said yes, and what happened in order."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from opportunities import desk
from opportunities.models import (
    UNDER_WAY,
    Claim,
    ClaimFeedback,
    Nomination,
    ProposedTime,
    ReferenceRequest,
    RequestNote,
)

Status = ReferenceRequest.Status
WaitingFor = ReferenceRequest.WaitingFor


def nominations_of(wanted: ReferenceRequest) -> Any:
    """The nominations of a request with all its pages show, in a fixed number of queries."""
    rows = Nomination.objects.filter(request=wanted).select_related(
        "advocate__contact__account", "claim", "nominated_by", "owner", "request__kind"
    )
    return rows.prefetch_related("times", "claim__feedback").order_by("asked_at", "pk")


@dataclass(frozen=True)
class Yes:
    """An advocate who said yes, as the requester may see them from then on."""

    nomination: Nomination
    claim: Claim | None
    times: list[ProposedTime]
    over: bool
    feedback: ClaimFeedback | None

    @property
    def needs_time(self) -> bool:
        return self.timed and desk.wants_time(self.nomination)

    @property
    def missed_by_prospect(self) -> bool:
        """Whether the prospect did not come and nobody has asked for another time yet."""
        if not desk.missed_by_prospect(self.nomination):
            return False
        return any(time.chosen_at for time in self.nomination.times.all())

    @property
    def timed(self) -> bool:
        return self.nomination.request.kind.has_step("scheduled")

    @property
    def other_times(self) -> list[ProposedTime]:
        """Times still to come besides the one that is set."""
        return [time for time in self.times if self.claim and time.starts_at != self.claim.scheduled_for]

    @property
    def is_set(self) -> bool:
        return bool(self.claim and self.claim.status == Claim.Status.SCHEDULED and not self.over)

    @property
    def may_tell(self) -> bool:
        """Whether it is time to say how it was."""
        if self.claim is None or self.feedback is not None:
            return False
        if self.claim.status == Claim.Status.DELIVERED or (self.claim.status in UNDER_WAY and not self.timed):
            return True
        if self.claim.status == Claim.Status.VERIFIED:  # the desk vouched for it; their word is wanted all the same
            return not self.nomination.request.beside_the_desk
        return self.claim.status == Claim.Status.SCHEDULED and self.over


def yes_of(nomination: Nomination, *, at: datetime) -> Yes:
    claim = nomination.claim
    told = list(claim.feedback.all()) if claim else []
    return Yes(
        nomination=nomination,
        claim=claim,
        times=[time for time in nomination.times.all() if time.starts_at > at],
        over=bool(claim and desk.took_place(claim, at=at)),
        feedback=next((one for one in told if one.side == ClaimFeedback.Side.REQUESTER), None),
    )


@dataclass(frozen=True)
class Event:
    """One line of what happened; ``mark`` is ok, bad, now or nothing."""

    at: datetime
    text: str
    more: str = ""
    mark: str = ""


@dataclass(frozen=True)
class NoteTold:
    """A note as the timeline reads it, wherever it was read from."""

    at: datetime
    text: str
    by: str = ""
    asks: bool = False
    answered: bool = False


def told(note: RequestNote) -> NoteTold:
    return NoteTold(note.at, note.text, str(note.by or ""), note.asks, note.answered_at is not None)


def where_it_stands(wanted: ReferenceRequest, nominations: Sequence[Nomination], *, at: datetime) -> str:
    """One sentence for the requester; no name before its yes."""
    waiting, status = wanted.waiting_for, wanted.status
    if status in desk.ENDED:
        return {
            Status.FULFILLED: _("It is fulfilled. Thank you for telling us how it was."),
            Status.DEFLECTED: _("It was answered with something we have published."),
            Status.UNFILLED: _("We found nobody. The reason is below."),
            Status.WITHDRAWN: _("It was withdrawn."),
        }[Status(status)]
    if waiting == WaitingFor.REQUESTER:
        if status == Status.AGREED and any(yes_of(one, at=at).missed_by_prospect for one in nominations):
            return _("%(prospect)s did not come. Ask for another time, or withdraw the request.") % {
                "prospect": wanted.prospect
            }
        if status == Status.AGREED and wanted.kind.has_step("scheduled"):
            return _("It is your turn: pick one of the times.")
        if status in {Status.AGREED, Status.SCHEDULED}:
            return _("It is your turn: say how it was.")
        return _("It is your turn: the desk has a question for you.")
    if waiting == WaitingFor.ADVOCATE:
        asked = sum(one.status == Nomination.Status.ASKED for one in nominations)
        if status == Status.SCHEDULED:
            return _("We are waiting for the advocate to say how it was.")
        if status == Status.AGREED:
            return _("An advocate said yes; we are waiting for them to go on.")
        said = ngettext(
            "We have asked %(count)s advocate and wait for an answer.",
            "We have asked %(count)s advocates and wait for an answer.",
            asked,
        )
        return said % {"count": asked}
    if waiting == WaitingFor.PROSPECT:
        if any(desk.prospect_picks(one, at=at) for one in nominations):
            return _("We are waiting for %(prospect)s to pick a time.") % {"prospect": wanted.prospect}
        times = [one.claim.scheduled_for for one in nominations if one.claim and one.claim.scheduled_for]
        following = min((time for time in times if time > at), default=None)
        if following:
            return _("It is set for %(when)s.") % {"when": moment(following)}
        return _("It is to take place.")
    if waiting == WaitingFor.APPROVER:
        name = wanted.approver or _("The spokesperson")
        return _("%(name)s has to approve it before anybody is asked.") % {"name": name}
    if waiting == WaitingFor.OWNER:
        return _("We are waiting for the account owner’s word.")
    if wanted.manager is None:
        return _("It is with the desk; somebody takes it on next.")
    return _("%(manager)s is looking for the right advocate.") % {"manager": wanted.manager}


def next_at_desk(wanted: ReferenceRequest, nominations: Sequence[Nomination], *, at: datetime) -> str:
    """One sentence for the desk: what comes next, and whose turn it is."""
    waiting, status = wanted.waiting_for, wanted.status
    if status == Status.FULFILLED:
        return (
            _("It is fulfilled. What is left is to thank whoever has not been thanked.")
            if any(
                one.claim and one.claim.status == Claim.Status.VERIFIED and not one.claim.thanked_at
                for one in nominations
            )
            else _("It is fulfilled.")
        )
    if status == Status.UNFILLED:
        return _("Nobody could be found.")
    if waiting == WaitingFor.REQUESTER:
        name = {"name": wanted.requester}
        if status == Status.AGREED and wanted.kind.has_step("scheduled"):
            return _("An advocate said yes: %(name)s picks a time.") % name
        if status in {Status.AGREED, Status.SCHEDULED}:
            return _("%(name)s is to say how it was.") % name
        return _("%(name)s has a question of yours to answer.") % name
    if waiting == WaitingFor.DESK and status not in desk.ENDED:
        if status in {Status.AGREED, Status.SCHEDULED}:
            return _("It is the desk’s turn: look at how it goes with who said yes.")
        if wanted.manager is None:
            return _("Nobody has it yet: take it, and ask who fits.")
        return _("It is the desk’s turn: ask who fits, or answer with proof.")
    return where_it_stands(wanted, nominations, at=at)


def moment(when: datetime) -> str:
    """A day and an hour on the reader's clock."""
    return date_format(timezone.localtime(when), "l j F, H:i")


def happened(
    wanted: ReferenceRequest, nominations: Iterable[Nomination], notes: Iterable[NoteTold], *, for_desk: bool
) -> list[Event]:
    """What happened, oldest first. Requesters read no name before its yes, and no refusal with a name at all."""
    events = [Event(wanted.filed_at, _("%(name)s filed it") % {"name": wanted.requester})]
    asked: dict[datetime, list[Nomination]] = {}
    for one in nominations:
        if one.reached_the_advocate:
            asked.setdefault(one.asked_at, []).append(one)
        events += _of_owner(one, for_desk=for_desk)
        events += _of_nomination(one, for_desk=for_desk)
    for at, group in asked.items():
        names = ", ".join(str(one.advocate) for one in group)
        said = ngettext("%(count)s advocate asked", "%(count)s advocates asked", len(group)) % {"count": len(group)}
        by = group[0].nominated_by
        if for_desk:
            said = _("%(by)s asked %(names)s") % {"by": by, "names": names} if by else _("Asked: ") + names
        events.append(Event(at, said))
    for note in notes:
        name = note.by or _("Somebody")
        said = _("%(name)s asked") if note.asks else _("%(name)s wrote")
        events.append(Event(note.at, said % {"name": name}, more=note.text))
    if wanted.closed_at:
        mark = "ok" if wanted.status == Status.FULFILLED else "bad"
        word = Status(wanted.status).label
        events.append(Event(wanted.closed_at, str(word).capitalize(), more=wanted.close_reason, mark=mark))
    return sorted(events, key=lambda event: event.at)


FALLEN_THROUGH = frozenset({Claim.Status.WITHDRAWN, Claim.Status.DECLINED, Claim.Status.MISSED})


def _of_owner(one: Nomination, *, for_desk: bool) -> list[Event]:
    """What was asked of an account owner, and what they said; whoever asks for a reference reads no name of it."""
    if one.owner is None or one.owner_asked_at is None:
        return []
    words = {"owner": one.owner, "name": one.advocate}
    said = {
        Nomination.OwnerSaid.YES: (_("%(owner)s agreed that %(name)s is asked"), _("An account owner agreed"), "ok"),
        Nomination.OwnerSaid.SILENCE: (
            _("%(owner)s was silent, which they count as a yes"), _("An account owner agreed"), "ok",
        ),
        Nomination.OwnerSaid.NO: (
            _("%(owner)s does not want that %(name)s is asked"), _("An account owner did not agree"), "bad",
        ),
    }  # fmt: skip
    events = []
    if one.owner_answered_at != one.owner_asked_at:  # who nominates somebody of their own account is not asked
        question = (
            _("%(owner)s was asked whether %(name)s may be asked") if for_desk else _("An account owner is asked")
        )
        events.append(Event(one.owner_asked_at, question % words))
    if one.owner_reminded_at and for_desk:
        events.append(Event(one.owner_reminded_at, _("%(owner)s was reminded") % words))
    if one.owner_answered_at and one.owner_said:
        for_us, for_them, mark = said[Nomination.OwnerSaid(one.owner_said)]
        more = one.owner_reason if for_desk else ""
        events.append(Event(one.owner_answered_at, (for_us if for_desk else for_them) % words, more=more, mark=mark))
    return events


def _of_nomination(one: Nomination, *, for_desk: bool) -> list[Event]:
    events = []
    name, claim = str(one.advocate), one.claim
    if claim is not None:
        events.append(Event(claim.claimed_at, _("%(name)s said yes") % {"name": name}, mark="ok"))
        events += [
            Event(time.chosen_at, _("Set for %(when)s") % {"when": moment(time.starts_at)}, mark="ok")
            for time in one.times.all()
            if time.chosen_at
        ]
        events += _of_claim(claim, name, for_desk=for_desk)
    elif one.answered_at and one.status == Nomination.Status.DECLINED:
        said = _("%(name)s declined") % {"name": name} if for_desk else _("An advocate declined")
        events.append(Event(one.answered_at, said, more=one.decline_reason if for_desk else "", mark="bad"))
    elif one.status == Nomination.Status.EXPIRED:
        said = _("No answer from %(name)s in time") % {"name": name} if for_desk else _("No answer in time")
        events.append(Event(one.answer_by, said))
    return events


def _of_claim(claim: Claim, name: str, *, for_desk: bool) -> list[Event]:
    events = []
    for told in claim.feedback.all():
        theirs = told.side == ClaimFeedback.Side.ADVOCATE
        who = name if theirs else _("The requester")
        private = theirs and not for_desk  # an advocate tells the desk, not the seller
        if not told.happened:
            said, mark = _("%(who)s says it did not take place"), "bad"
        elif private:
            said, mark = _("%(who)s said how it was"), "ok"
        else:
            said, mark = _("%(who)s said how it was: %(grade)s of 5"), "ok"
        more = "" if private else told.text
        events.append(Event(told.at, said % {"who": who, "grade": told.grade}, more=more, mark=mark))
    if claim.thanked_at:
        events.append(Event(claim.thanked_at, _("%(name)s was thanked") % {"name": name}, mark="ok"))
    if claim.ended_at and claim.status in FALLEN_THROUGH:
        words: dict[str, Any] = {"name": name, "status": claim.get_status_display()}
        said = _("%(name)s took it back") if claim.status == Claim.Status.WITHDRAWN else _("%(name)s: %(status)s")
        events.append(Event(claim.ended_at, said % words, more=claim.reason, mark="bad"))
    return events


def thanks_draft(one: Nomination) -> str:
    """A first draft of the thank-you, with the requester's own words in it; the manager makes it theirs."""
    wanted, claim = one.request, one.claim
    given = one.advocate.contact.given_name or str(one.advocate)
    said = next(
        (told for told in claim.feedback.all() if told.side == ClaimFeedback.Side.REQUESTER and told.happened), None
    ) if claim else None  # fmt: skip
    lines = [_("Dear %(name)s,") % {"name": given}, ""]
    if claim and claim.scheduled_for:
        day = date_format(timezone.localtime(claim.scheduled_for), "j F")
        lines.append(_("Thank you for your time with %(prospect)s on %(day)s.") % {
            "prospect": wanted.prospect, "day": day,
        })  # fmt: skip
    else:
        lines.append(_("Thank you for your help with %(prospect)s.") % {"prospect": wanted.prospect})
    if said and said.text:
        lines.append(_("They said: “%(text)s”") % {"text": said.text.strip()})
    elif said and said.grade >= 4:
        lines.append(_("It helped them a great deal."))
    return "\n".join(lines)
