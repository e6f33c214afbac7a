"""Opportunities on the board, claims of them, and the reference desk."""

from opportunities.models.board import (
    COURSE,
    HOLDING_A_SEAT,
    UNDER_WAY,
    BoardVisit,
    Claim,
    ClaimFeedback,
    Group,
    Opportunity,
    OpportunityKind,
    SeatsTaken,
    Step,
    Waiting,
)
from opportunities.models.desk import (
    ClockSpan,
    MatchWeight,
    Nomination,
    ProposedTime,
    ReferenceRequest,
    RequestNote,
    TrackRecord,
)
from opportunities.models.promises import DeskHours, Promise

__all__ = [
    "COURSE",
    "HOLDING_A_SEAT",
    "UNDER_WAY",
    "BoardVisit",
    "Claim",
    "ClaimFeedback",
    "ClockSpan",
    "DeskHours",
    "Group",
    "MatchWeight",
    "Nomination",
    "Opportunity",
    "OpportunityKind",
    "Promise",
    "ProposedTime",
    "ReferenceRequest",
    "RequestNote",
    "SeatsTaken",
    "Step",
    "TrackRecord",
    "Waiting",
]
