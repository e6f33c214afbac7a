"""What is asked of the customers somebody answers for: account owners and CSMs see all of it (D15). Reads only."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from advocacy.crm.models import Account
from advocates.models import Ask, Channel
from opportunities.models import UNDER_WAY, Claim, Nomination

LOOK_BACK = timedelta(days=90)
STOPPABLE = (Nomination.Status.WITH_OWNER, Nomination.Status.ASKED, Nomination.Status.EXPIRED)


def of_person(user: Any) -> Q:
    """Nominations of advocates at accounts this colleague owns or is the CSM of."""
    return Q(advocate__contact__account__owner=user.pk) | Q(advocate__contact__account__csm=user.pk)


def accounts_of(user: Any) -> "QuerySet[Account]":
    return Account.objects.filter(Q(owner=user.pk) | Q(csm=user.pk))


def answers_for(user: Any, account: Account) -> bool:
    """Whether this colleague is the owner or the CSM of an account."""
    return user is not None and user.pk is not None and user.pk in (account.owner_id, account.csm_id)


def nominations_for(user: Any, *, at: datetime) -> "QuerySet[Nomination]":
    """Nominations of the last quarter at one's customers, and whatever is still open or to come."""
    rows = Nomination.objects.filter(of_person(user)).filter(
        Q(asked_at__gt=at - LOOK_BACK) | Q(status__in=STOPPABLE) | Q(claim__status__in=UNDER_WAY)
    )
    return rows.select_related(
        "request__kind", "request__requester", "request__manager", "advocate__contact__account", "claim", "vetoed_by"
    )


def may_stop(one: Nomination, *, at: datetime) -> bool:
    """Whether a nomination can still be stopped: it is open, or its deed is still to come."""
    if one.status in STOPPABLE:
        return one.request.status in one.request.ACTIVE
    claim = one.claim
    if one.status != Nomination.Status.ACCEPTED or claim is None or claim.status not in UNDER_WAY:
        return False
    return claim.ends_at is None or claim.ends_at > at


def other_asks(user: Any, *, at: datetime) -> "QuerySet[Ask]":
    """What else was asked of one's customers in the last quarter: offers, surveys, campaigns."""
    rows = Ask.objects.filter(account__in=accounts_of(user), asked_at__gt=at - LOOK_BACK, released_at__isnull=True)
    return rows.exclude(channel=Channel.DESK).select_related("advocate__contact__account")


# --- The weekly note --------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Week:
    """What the note of one colleague says: a line for each thing that happened or is to come."""

    happened: Sequence[str]
    ahead: Sequence[str]

    def __bool__(self) -> bool:
        return bool(self.happened or self.ahead)


def week_of(user: Any, *, since: datetime, until: datetime, most: int = 20) -> Week:
    """What was asked of one's customers in this week, and which calls are to come in the next."""
    rows = Nomination.objects.filter(of_person(user)).select_related(
        "request__kind", "advocate__contact__account", "claim"
    )
    window = {"gte": since, "lt": until}
    asked = Q(**{f"asked_at__{key}": value for key, value in window.items()})
    answered = Q(**{f"answered_at__{key}": value for key, value in window.items()})
    happened = rows.filter(asked | answered).exclude(status=Nomination.Status.WITH_OWNER).order_by("asked_at", "pk")
    ahead = rows.filter(
        status=Nomination.Status.ACCEPTED, claim__status=Claim.Status.SCHEDULED, claim__scheduled_for__gte=until,
        claim__scheduled_for__lt=until + timedelta(days=7),
    )  # fmt: skip
    return Week(
        [_happened(one) for one in happened[:most]],
        [
            _("%(name)s (%(account)s) speaks with %(prospect)s.") % _words(one)
            for one in ahead.order_by("claim__scheduled_for", "pk")[:most]
        ],
    )


def _words(one: Nomination) -> dict[str, Any]:
    contact = one.advocate.contact
    return {"name": contact.full_name, "account": contact.account.name, "prospect": one.request.prospect}


def _happened(one: Nomination) -> str:
    said = {
        Nomination.Status.ACCEPTED: _("%(name)s (%(account)s) said yes to %(prospect)s."),
        Nomination.Status.DECLINED: _("%(name)s (%(account)s) was asked about %(prospect)s and declined."),
        Nomination.Status.EXPIRED: _("%(name)s (%(account)s) was asked about %(prospect)s and has not answered."),
        Nomination.Status.REFUSED: _("%(name)s (%(account)s) was not asked about %(prospect)s, as you wished."),
        Nomination.Status.RECALLED: _("%(name)s (%(account)s) was asked about %(prospect)s; it was taken back."),
    }.get(Nomination.Status(one.status), _("%(name)s (%(account)s) is asked about %(prospect)s."))
    return said % _words(one)
