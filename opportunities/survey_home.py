"""What surveys show elsewhere: an entry in the navigation, a card for who is asked, words that wait for an answer."""

from collections.abc import Collection, Mapping
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from advocacy.lib import places
from advocacy.lib.home import Card, NavItem, TodayItem, register
from advocacy.lib.places import Place
from opportunities import surveys as rules
from opportunities.models import Feedback, SurveyInvite

ON_HOME = 3


def asked_of_me(request: HttpRequest) -> dict[str, Any] | None:
    """Surveys this advocate has not finished."""
    rows = SurveyInvite.objects.waiting(at=timezone.now()).filter(contact__advocate__user=request.user.pk)
    found = list(rows.select_related("survey").order_by("-asked_at", "-pk")[:ON_HOME])
    return {"rows": found} if found else None


def words_waiting(request: HttpRequest) -> int:
    """Words nobody has looked at; of surveys without names only where enough have answered, as on their page."""
    may_read = Feedback.objects.visible_to(request.user).order_by().values("pk")
    return rules.feedback().filter(pk__in=may_read, status=Feedback.Status.NEW)[:99].count()


register(
    NavItem(_("Surveys"), "opportunities:surveys", "question", "opportunities.read_surveys", 66, section="staff"),
    Card("surveys", "opportunities.answer_survey", 12, "opportunities/home/surveys.html", asked_of_me),
    TodayItem(
        "survey_words", _("Words from surveys nobody has looked at"), "opportunities.read_surveys", 60,
        "opportunities:survey_feedback", words_waiting,
    ),
)  # fmt: skip


def _surveys(ids: Collection[int], reader: Any) -> Mapping[int, Place]:
    """What a timeline calls a survey somebody was asked or has answered."""
    may = reader.has_perm("opportunities.view_survey")
    rows = SurveyInvite.objects.filter(pk__in=ids).values_list("pk", "survey__title", "survey__public_id")
    return {
        pk: Place(title, reverse("opportunities:survey_results", args=[key]) if may else "") for pk, title, key in rows
    }


places.register("opportunities.surveyinvite", _surveys)
