"""The urgent lane: what is wanted within hours, who has to approve it, and how long those who are asked have (O7)."""

from datetime import datetime, timedelta
from typing import Any

from django.db.models import F, Q

from advocacy.crm.models import Program, StakeholderTeam
from opportunities.models import OpportunityKind, ReferenceRequest, Spokesperson

MOST_AT_ONCE = 10
"""How many are asked by one press of the button."""
AT_LEAST = timedelta(minutes=30)
"""How long somebody who is asked has at the least, however near the deadline is."""


def spokesperson(team: StakeholderTeam | None, kind: OpportunityKind) -> Any:
    """Who approves this kind for this team: the most exact row; None where nobody has to."""
    if not kind.is_urgent:
        return None
    rows = Spokesperson.objects.filter(
        Q(team=team) | Q(team__isnull=True), Q(kind=kind) | Q(kind__isnull=True), approver__is_active=True
    )
    exact_first = rows.order_by(F("kind").asc(nulls_last=True), F("team").asc(nulls_last=True))
    found = exact_first.select_related("approver").first()
    return found.approver if found else None


def answer_by(wanted: ReferenceRequest, *, at: datetime) -> datetime:
    """Until when somebody who is asked now is to answer: as the kind or the program says, and before the deadline."""
    hours = wanted.kind.answer_hours or Program.current().nomination_answer_hours
    until = at + timedelta(hours=hours)
    if wanted.needed_at is not None:
        until = min(until, max(wanted.needed_at, at + AT_LEAST))
    return until


def pressing(wanted: ReferenceRequest, *, at: datetime) -> bool:
    """Whether the hour it is needed by is near or gone."""
    return wanted.needed_at is not None and wanted.needed_at <= at + timedelta(hours=2)
