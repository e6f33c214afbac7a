"""Opportunities on the board, claims of them, and the reference desk."""

from opportunities.models.board import (
    HOLDING_A_SEAT,
    Claim,
    ClaimFeedback,
    Opportunity,
    OpportunityKind,
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

__all__ = [
    "HOLDING_A_SEAT",
    "Claim",
    "ClaimFeedback",
    "ClockSpan",
    "MatchWeight",
    "Nomination",
    "Opportunity",
    "OpportunityKind",
    "ProposedTime",
    "ReferenceRequest",
    "RequestNote",
    "TrackRecord",
    "Waiting",
]
