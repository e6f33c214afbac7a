"""Mails of surveys. Asking needs the consent to surveys, read again as the mail leaves, and counts in the daily cap;
what came of somebody's words answers them, and needs none."""

from datetime import datetime
from typing import Any

from django.db.models import CharField
from django.db.models.functions import Cast

from advocacy.crm.catalogue import Purpose
from advocacy.delivery import outbox
from advocacy.delivery.models import Message
from opportunities.models import Feedback, Survey, SurveyInvite
from opportunities.surveys import questions

SURVEY, AGAIN = "survey", "survey_reminder"
OUTCOME = "survey_outcome"


def survey(invite: SurveyInvite, *, manager: Any, at: datetime, again: bool = False) -> Message | None:
    """The first question, answered by a link that only fills it in."""
    asked = questions(invite.survey)
    first = asked[0]
    closes_at = invite.survey.closes_at
    return outbox.owe(
        AGAIN if again else SURVEY,
        to=invite.contact,
        template="opportunities/survey",
        dedupe_key=str(invite.public_id),
        at=at,
        purpose=Purpose.SURVEYS,
        reply_to=manager.email if manager else "",
        params={
            "invite": str(invite.public_id),
            "again": again,
            "title": invite.survey.title,
            "intro": invite.survey.intro,
            "question": first.label,
            "scale": first.scale,
            "choices": list(first.choices),
            "number": len(asked),
            "closes_at": closes_at.isoformat() if closes_at else "",
            "shows_names": invite.survey.shows_names,
        },
    )


def is_answered(invite: SurveyInvite) -> None:
    """Whoever has begun to answer gets neither the question nor its reminder any more."""
    waiting = Message.objects.filter(kind__in=[SURVEY, AGAIN], dedupe_key=str(invite.public_id))
    waiting.filter(status=Message.Status.DUE).update(status=Message.Status.CANCELLED, result="answered")


def call_back(survey: Survey) -> int:
    """Mails that still wait are not sent: the page behind them takes no more answers."""
    keys = survey.invites.filter(answered_at__isnull=True).annotate(key=Cast("public_id", CharField())).values("key")
    waiting = Message.objects.filter(kind__in=[SURVEY, AGAIN], status=Message.Status.DUE, dedupe_key__in=keys)
    return waiting.update(status=Message.Status.CANCELLED, result="The survey was closed.")


def what_came_of_it(feedback: Feedback, *, by: Any, at: datetime) -> Message | None:
    """Their own words, where they stand now, and what came of them.

    Where names are not shown, colleagues who read the outbox must not learn them: both stand behind the link only.
    """
    invite, named = feedback.answer.invite, feedback.survey.shows_names
    return outbox.owe(
        OUTCOME,
        to=invite.contact,
        template="opportunities/survey_outcome",
        dedupe_key=f"{feedback.public_id}:{feedback.status}:{at.isoformat()}",
        at=at,
        counts=False,
        reply_to=getattr(by, "email", ""),
        params={
            "title": feedback.survey.title,
            "invite": str(invite.public_id),
            "done": feedback.status == Feedback.Status.DONE,
            "by": str(by or ""),
            "words": feedback.answer.text if named else "",
            "outcome": feedback.note if named else "",
        },
    )
