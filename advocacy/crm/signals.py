"""What signals mean for an account: which pause asks, and what ends that pause (P2, P16). Nothing is read here."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from advocacy.crm.catalogue import SIGNAL_KINDS, is_negative
from advocacy.crm.models import Pause

RECOVERED_BY: dict[str, frozenset[str]] = {
    "nps": frozenset({"nps"}),
    "csat": frozenset({"csat"}),
    "adoption_red_flag": frozenset({"adoption_landmark", "feature_adopted"}),
    "churn_notice": frozenset({"renewed"}),
}
"""Which later good news ends the pause of a bad one; an answer is made good by a better answer."""

LONGEST: dict[str, int] = {"nps": 180, "csat": 90, "adoption_red_flag": 180, "upsell_lost": 30}
"""Days after which a pause ends by itself, where old news stops to matter. An escalation or a notice never does."""


@dataclass(frozen=True)
class Heard:
    """One signal, as far as pauses care."""

    kind: str
    occurrence: str
    occurred_at: datetime
    value: Decimal | None = None
    contact: int | None = None


@dataclass(frozen=True)
class WantedPause:
    """A pause a negative signal asks for."""

    cause: str
    release: str
    key: str
    began_at: datetime
    until: date | None
    kind: str


def wants_pause(signal: Heard) -> WantedPause | None:
    """The pause this signal begins; None for news that is not bad."""
    if not is_negative(signal.kind, signal.value):
        return None
    days = LONGEST.get(signal.kind)
    until = (signal.occurred_at + timedelta(days=days)).date() if days else None
    if signal.kind == "escalation_opened":
        cause, release = Pause.Cause.ESCALATION, Pause.Release.CLOSED
    elif signal.kind in RECOVERED_BY:
        cause, release = Pause.Cause.SIGNAL, Pause.Release.RECOVERED
    else:
        cause, release = Pause.Cause.SIGNAL, Pause.Release.DATE if until else Pause.Release.BY_HAND
    return WantedPause(cause, release, key_of(signal), signal.occurred_at, until, signal.kind)


def key_of(signal: Heard) -> str:
    """What names a pause: the same news twice is one pause."""
    return f"{signal.kind}:{signal.occurrence}"[:200]


def ends(pause: WantedPause, bad: Heard, later: Heard) -> bool:
    """Whether a signal ends the pause that a bad one began."""
    if bad.kind == "escalation_opened":
        # Both carry the ticket's name as their occurrence; one closed ticket must not hide another that is open.
        return later.kind == "escalation_closed" and later.occurrence == bad.occurrence
    if later.occurred_at <= bad.occurred_at or later.kind not in RECOVERED_BY.get(bad.kind, ()):
        return False
    if is_negative(later.kind, later.value):
        return False
    if later.kind == bad.kind and SIGNAL_KINDS[bad.kind].subject == "contact":
        return later.contact == bad.contact  # the person who was unhappy has to be the one who is happy again
    return True
