"""A request goes out on the board without a name; who takes it up there is put forward by the desk (D6).

The hand somebody raises is a claim of the board, and ends as one: what comes of it is a nomination like any other,
which shows them the prospect's name first, and whose yes is a claim of the request's own frame.
"""

from collections.abc import Mapping
from datetime import datetime, time
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from advocacy.lib.lifecycle import Refused
from advocates import budget
from advocates.models import Channel, Task
from opportunities import broadcast as rules
from opportunities import clock
from opportunities import desk as standing
from opportunities.actions import board, desk, raised_hands
from opportunities.actions.desk import Pick
from opportunities.models import Claim, Nomination, Opportunity, ReferenceRequest


class PointsAt(Refused):
    """The text would give the prospect away; ``words`` are those that would."""

    def __init__(self, words: list[str]) -> None:
        super().__init__(
            _("Your text points at the prospect: %(words)s. Advocates would know who asks.")
            % {"words": ", ".join(f"“{word}”" for word in words)}
        )
        self.words = words


@transaction.atomic
def send_out(
    wanted: ReferenceRequest, *, texts: Mapping[str, str], by: Any, at: datetime, anyway: bool = False
) -> Opportunity:
    """Put a request on the board without a name, in the manager's words; sent out again, the words are replaced.

    ``PointsAt`` where the words point at the prospect; ``anyway`` says that somebody has looked and they do not.
    """
    locked = desk._lock(wanted)
    desk._must_be_active(locked)
    if locked.waits_for_approver:
        raise Refused(_("It waits for the spokesperson’s word. Nobody is asked before that, on the board neither."))
    if standing.yes_count(desk._standings(locked)) >= locked.wanted:
        raise Refused(_("Enough advocates have said yes already."))
    said = {name: str(texts.get(name, "")).strip() for name in rules.TEXTS}
    if not said["title"] or not (said["summary"] or said["what"]):
        raise Refused(_("Write a title, and in a sentence what is asked."))
    pointing = rules.points_at(locked, *said.values())
    if pointing and not anyway:
        raise PointsAt(pointing)
    kind, zone = locked.kind, clock.office().zone
    closes_at = locked.needed_at or datetime.combine(locked.needed_by, time(23, 59), zone)
    if closes_at <= at:
        raise Refused(_("The day it is needed by has passed. Give it a later one first."))
    facts = {
        **said, "kind": kind, "minutes": kind.minutes, "points": kind.points, "seats": None, "closes_at": closes_at,
        "is_public": False, "language": locked.language, "team": locked.team, "run_by": locked.manager or by,
        "industries": _unless_telling(locked, locked.industry), "regions": _unless_telling(locked, locked.region),
        "audience": {"exclude": _not_for(locked)} if _not_for(locked) else {},
    }  # fmt: skip
    one = Opportunity.objects.filter(broadcast_of=locked).first()
    if one is None:
        one = Opportunity.objects.create(broadcast_of=locked, created_at=timezone.now(), **facts)
    else:
        for name, value in facts.items():
            setattr(one, name, value)
        one.save(update_fields=list(facts))
    if one.status != Opportunity.Status.OPEN:
        one = board.open_up(one, at=at)
    desk.note(locked, text=_("Sent out on the board without a name: “%(title)s”.") % {"title": one.title}, by=by, at=at)
    Task.objects.filter(key__startswith=f"nobody-left:{locked.pk}:", done_at__isnull=True).update(done_at=at)
    return one


def _unless_telling(wanted: ReferenceRequest, fact: str) -> list[str]:
    """A fact the board may go by, unless somebody has written the prospect's name into it."""
    return [fact] if fact and not rules.points_at(wanted, fact) else []


def _not_for(wanted: ReferenceRequest) -> list[str]:
    """Nobody of the prospect itself, and nobody who has been put forward for it already."""
    account = wanted.deal.account if wanted.deal else None
    own = [f"account:{account.external_id}"] if account else []
    known = wanted.nominations.values_list("advocate__public_id", flat=True)
    return [*own, *(f"advocate:{public_id}" for public_id in known)]


@transaction.atomic
def take_in(wanted: ReferenceRequest, *, at: datetime) -> None:
    """Off the board again; whoever has raised a hand is thanked and told."""
    locked = desk._lock(wanted)
    desk._lock_people(raised_hands.people(locked))
    raised_hands.close(locked, at=at)


@transaction.atomic
def put_forward(claim: Claim, *, why: str = "", by: Any, at: datetime) -> Nomination:
    """The desk takes up a raised hand: they are put forward for the request, and read who asks before they say yes.

    That they came themselves counts as reason enough against rest and caps; their own word and every gate stand.
    """
    wanted = claim.opportunity.broadcast_of
    if wanted is None:
        raise Refused(_("This was not made of a request."))
    locked = desk._lock(wanted)
    desk._must_be_active(locked)
    fresh = raised_hands.hands(claim.opportunity).filter(pk=claim.pk).first()
    if fresh is None:
        raise Refused(_("They have taken it back meanwhile, or have been answered already."))
    desk._lock_people([fresh.advocate_id])
    goes_on = _("It goes on in person now: you have a question from us that says who asks.")
    board.decline(fresh, reason=goes_on, at=at, by=by, tell=False)
    budget.release(Channel.BOARD, fresh.pk, fresh.advocate, at=at)
    (made,) = desk.nominate(
        locked, [Pick(fresh.advocate_id, why or _("You raised your hand for it on the board."))], by=by, at=at,
        override_reason=_("They took it up on the board themselves."),
    )  # fmt: skip
    return made


@transaction.atomic
def not_this_time(claim: Claim, *, reason: str, by: Any, at: datetime) -> Claim:
    """The desk thanks somebody who has raised a hand and does not take it up; they read the reason, and no name."""
    wanted = claim.opportunity.broadcast_of
    if wanted is None:
        raise Refused(_("This was not made of a request."))
    locked = desk._lock(wanted)
    if pointing := rules.points_at(locked, reason):
        raise PointsAt(pointing)
    return board.decline(claim, reason=reason, at=at, by=by)
