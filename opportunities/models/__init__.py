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
from opportunities.models.campaigns import ReviewAsk, ReviewCampaign, ReviewSite
from opportunities.models.desk import (
    ClockSpan,
    MatchWeight,
    Nomination,
    ProposedTime,
    ReferenceRequest,
    RequestNote,
    TrackRecord,
)
from opportunities.models.groups import CustomerGroup, GroupMembership
from opportunities.models.promises import DeskHours, Promise
from opportunities.models.proof import Approval, ApprovalComment, Proof, ProofUse
from opportunities.models.prospects import Briefing, ProspectLink
from opportunities.models.showing import Findable, Scope
from opportunities.models.sops import Sop, SopVersion
from opportunities.models.stories import RESULT, STORY_TEXTS, Story
from opportunities.models.surveys import AnsweredBy, Feedback, Survey, SurveyAnswer, SurveyInvite
from opportunities.models.urgent import Spokesperson

__all__ = [
    "COURSE",
    "HOLDING_A_SEAT",
    "RESULT",
    "STORY_TEXTS",
    "UNDER_WAY",
    "AnsweredBy",
    "Approval",
    "ApprovalComment",
    "BoardVisit",
    "Briefing",
    "Claim",
    "ClaimFeedback",
    "ClockSpan",
    "CustomerGroup",
    "DeskHours",
    "Feedback",
    "Findable",
    "Group",
    "GroupMembership",
    "MatchWeight",
    "Nomination",
    "Opportunity",
    "OpportunityKind",
    "Promise",
    "Proof",
    "ProofUse",
    "ProposedTime",
    "ProspectLink",
    "ReferenceRequest",
    "RequestNote",
    "ReviewAsk",
    "ReviewCampaign",
    "ReviewSite",
    "Scope",
    "SeatsTaken",
    "Sop",
    "SopVersion",
    "Spokesperson",
    "Step",
    "Story",
    "Survey",
    "SurveyAnswer",
    "SurveyInvite",
    "TrackRecord",
    "Waiting",
]
