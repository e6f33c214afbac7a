"""What is measured of surveys: how many answer, and how likely they are to recommend us (O9)."""

from typing import Any

from django.db.models import Count, F, FloatField, Q, QuerySet
from django.db.models.functions import Cast
from django.utils.translation import gettext_lazy

from advocacy.dashboards.filters import Filters
from advocacy.dashboards.links import link
from advocacy.dashboards.periods import Period
from advocacy.dashboards.registry import Column, Part, Rows, Unit, Value, measure
from advocacy.dashboards.sql import by_month
from opportunities.models import Survey, SurveyAnswer, SurveyInvite
from opportunities.surveys import nps as score_of

SURVEY_PAGE = link("opportunities:survey_results", "survey.public_id")
ANSWERED_SURVEY = link("opportunities:survey_results", "invite.survey.public_id")
SEES_PEOPLE = "crm.view_contact"
PROMOTERS, PASSIVES, DETRACTORS = "promoters", "passives", "detractors"
BANDS: dict[str, tuple[Any, Q]] = {
    PROMOTERS: (gettext_lazy("Promoters, 9 and 10"), Q(number__gte=9)),
    PASSIVES: (gettext_lazy("Passives, 7 and 8"), Q(number__gte=7, number__lte=8)),
    DETRACTORS: (gettext_lazy("Detractors, 0 to 6"), Q(number__lte=6)),
}


# --- Response ---------------------------------------------------------------------------------------------------------
def _reached(period: Period, filters: Filters) -> "QuerySet[SurveyInvite]":
    rows = SurveyInvite.objects.reached().filter(period.holds("asked_at"))
    return filters.narrow(rows, region="account__region", industry="account__industry", team="survey__team__slug")


def _named(row: SurveyInvite) -> str:
    return row.contact.full_name if row.survey.shows_names else ""


def response_rows(period: Period, filters: Filters) -> Rows:
    columns = [
        Column(gettext_lazy("Survey"), lambda row: row.survey.title, link=SURVEY_PAGE),
        Column(gettext_lazy("Person"), _named, right=SEES_PEOPLE),
        Column(gettext_lazy("Asked"), lambda row: row.asked_at, Unit.INSTANT),
        Column(gettext_lazy("First answer"), lambda row: row.answered_at if row.survey.shows_names else None,
               Unit.INSTANT),
    ]  # fmt: skip
    wanted = _reached(period, filters).select_related("survey", "contact")
    return Rows(wanted, columns, order=("-asked_at", "-pk"), what=gettext_lazy("questions to people"))


@measure(
    "survey_response_rate",
    name=gettext_lazy("Response to surveys"),
    unit=Unit.SHARE,
    better="up",
    chart="bars",
    order=40,
    definition=gettext_lazy(
        "Of the people whom a survey reached in the period, the share that has answered at least one question, by now. "
        "Mails that could not leave do not count."
    ),
    numerator=gettext_lazy("People who answered at least one question"),
    denominator=gettext_lazy("People whom a survey reached in the period"),
    sources=("opportunities.SurveyInvite",),
    rows=response_rows,
)
def survey_response_rate(period: Period, filters: Filters) -> Value:
    found = _reached(period, filters)
    answered = Count("pk", filter=Q(answered_at__isnull=False))
    sums = found.aggregate(n=Count("pk"), answered=answered)
    rate = Cast(answered, FloatField()) / Cast(Count("pk"), FloatField())
    return Value(
        sums["answered"] / sums["n"] if sums["n"] else None,
        sums["answered"],
        sums["n"],
        n=sums["n"],
        months=lambda: by_month(found, "asked_at", period, rate, empty=None),
    )


# --- NPS --------------------------------------------------------------------------------------------------------------
def _scores(period: Period, filters: Filters) -> "QuerySet[SurveyAnswer]":
    """The answers on 0 to 10 to surveys about recommending us, where names are shown: without them few would tell."""
    rows = SurveyAnswer.objects.filter(
        period.holds("at"), invite__survey__kind=Survey.Kind.NPS, invite__survey__shows_names=True,
        number__isnull=False, question=F("invite__survey__scored"),
    )  # fmt: skip
    return filters.narrow(
        rows, region="invite__account__region", industry="invite__account__industry", team="invite__survey__team__slug"
    )


def nps_rows(period: Period, filters: Filters) -> Rows:
    found = _scores(period, filters)
    if filters.part:
        found = found.filter(BANDS[filters.part][1]) if filters.part in BANDS else found.none()
    columns = [
        Column(gettext_lazy("Survey"), lambda row: row.invite.survey.title, link=ANSWERED_SURVEY),
        Column(gettext_lazy("Person"), lambda row: row.invite.contact.full_name, right=SEES_PEOPLE),
        Column(gettext_lazy("Account"), lambda row: row.invite.account.name),
        Column(gettext_lazy("Answer"), lambda row: row.number, Unit.COUNT),
        Column(gettext_lazy("Answered"), lambda row: row.at, Unit.INSTANT),
    ]
    wanted = found.select_related("invite__survey", "invite__contact", "invite__account")
    return Rows(wanted, columns, order=("-at", "-pk"), what=gettext_lazy("answers"))


@measure(
    "nps",
    name=gettext_lazy("NPS"),
    unit=Unit.COUNT,
    better="up",
    chart="shares",
    order=41,
    part_word=gettext_lazy("Answer"),
    count_word=gettext_lazy("People"),
    definition=gettext_lazy(
        "The share of those who answered 9 or 10 when asked how likely they are to recommend us, less the share of "
        "those who answered 0 to 6: from −100 to 100. Surveys without names are left out. It chooses nobody: whoever "
        "is asked for a public review is asked whatever they answered."
    ),
    numerator=gettext_lazy("Promoters less detractors"),
    denominator=gettext_lazy("Answers in the period"),
    sources=("opportunities.SurveyAnswer",),
    rows=nps_rows,
)
def nps(period: Period, filters: Filters) -> Value:
    found = _scores(period, filters)
    counts = dict(found.order_by().values_list("number").annotate(n=Count("pk")))
    total, score = sum(counts.values()), score_of(counts)
    bands = {
        PROMOTERS: sum(n for number, n in counts.items() if number >= 9),
        PASSIVES: sum(n for number, n in counts.items() if number in (7, 8)),
        DETRACTORS: sum(n for number, n in counts.items() if number <= 6),
    }
    return Value(
        None if score is None else round(score),
        bands[PROMOTERS] - bands[DETRACTORS],
        total,
        n=total,
        parts=[Part(key, BANDS[key][0], number) for key, number in bands.items()] if total else [],
    )
