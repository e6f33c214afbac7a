"""What surveys show elsewhere: an entry in the navigation, a card for who is asked, words that wait for an answer."""

from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from advocacy.lib.home import Card, NavItem, TodayItem, register
from opportunities.models import Feedback, SurveyInvite

ON_HOME = 3


def asked_of_me(request: HttpRequest) -> dict[str, Any] | None:
    """Surveys this advocate has not finished."""
    rows = SurveyInvite.objects.waiting(at=timezone.now()).filter(contact__advocate__user=request.user.pk)
    found = list(rows.select_related("survey").order_by("-asked_at", "-pk")[:ON_HOME])
    return {"rows": found} if found else None


def words_waiting(request: HttpRequest) -> int:
    """Words nobody has looked at."""
    return Feedback.objects.visible_to(request.user).filter(status=Feedback.Status.NEW)[:99].count()


register(
    NavItem(_("Surveys"), "opportunities:surveys", "question", "opportunities.read_surveys", 66, section="staff"),
    Card("surveys", "opportunities.answer_survey", 12, "opportunities/home/surveys.html", asked_of_me),
    TodayItem(
        "survey_words", _("Words from surveys nobody has looked at"), "opportunities.read_surveys", 60,
        "opportunities:survey_feedback", words_waiting,
    ),
)  # fmt: skip
