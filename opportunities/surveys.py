"""Surveys: what is asked, who can be asked, when the program asks about itself, what the answers say (O9). Reads only.

Nothing here is read by anything that chooses whom to ask for a public review (P19).
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Min, Q, QuerySet
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l

from advocacy.crm.catalogue import Purpose
from advocacy.crm.models import ConsentState, Contact
from advocacy.lib.months import months_after
from advocates import segments
from advocates.models import Advocate
from opportunities.models import AnsweredBy, Feedback, Survey, SurveyAnswer, SurveyInvite
from opportunities.models.surveys import SCALES

COUNTS_AS = "survey"
"""The kind an ask for feedback is in the ask budget, and what "never this kind" names."""
FEW = 5
"""Where names are not shown, nothing is told of fewer answers than this."""
GRACE = timedelta(days=21)
"""Whoever cannot be asked about the program on their day is asked as soon as they can, for so long."""
DAYS = {"day-30": 30, "day-90": 90}
LONGEST_WORDS = 2_000


# --- Questions --------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Question:
    """One question as it is asked; ``number`` is its place, from 1."""

    key: str
    label: str
    type: str
    number: int = 1
    choices: tuple[str, ...] = ()
    required: bool = False

    @property
    def scale(self) -> list[int]:
        """The numbers to choose from; empty where it is not answered by one."""
        low, high = SCALES.get(self.type, (1, 0))
        return list(range(low, high + 1))

    @property
    def in_words(self) -> bool:
        return self.type == AnsweredBy.TEXT

    def read(self, given: str) -> tuple[int | None, str] | None:
        """What is kept of what was given: a number or words; None where nothing or nothing fitting was given."""
        said = given.replace("\x00", "").strip()
        if scale := self.scale:
            number = int(said) if said.isascii() and said.isdecimal() and len(said) < 3 else None
            return (number, "") if number in scale else None
        if self.type == AnsweredBy.CHOICE:
            return (None, said) if said in self.choices else None
        return (None, said[:LONGEST_WORDS]) if said else None


def questions(survey: Survey) -> list[Question]:
    """The questions of a survey, in order."""
    return [
        Question(
            str(one["key"]), str(one["label"]), str(one["type"]), number, tuple(map(str, one.get("choices") or ())),
            bool(one.get("required")),
        )
        for number, one in enumerate(survey.questions, start=1)
    ]  # fmt: skip


USUAL: Mapping[str, Sequence[tuple[Any, str, bool, Sequence[Any]]]] = {
    Survey.Kind.NPS: (
        (_l("How likely are you to recommend us to a colleague or friend?"), AnsweredBy.TEN, True, ()),
        (_l("What is the main reason for your answer?"), AnsweredBy.TEXT, False, ()),
    ),
    Survey.Kind.CSAT: (
        (_l("How satisfied are you with us?"), AnsweredBy.FIVE, True, ()),
        (_l("What could we do better?"), AnsweredBy.TEXT, False, ()),
    ),
    Survey.Kind.ROADMAP: (
        (_l("Which of these would help you most?"), AnsweredBy.CHOICE, True, ()),
        (_l("What would you do with it?"), AnsweredBy.TEXT, False, ()),
    ),
    Survey.Kind.PROGRAM: (
        (_l("How glad are you to be in the program?"), AnsweredBy.TEN, True, ()),
        (_l("What should we change, begin or stop?"), AnsweredBy.TEXT, False, ()),
    ),
}
"""What each kind begins with: label, type, required, choices."""

HEARD_AS: Mapping[str, tuple[str, str]] = {
    Survey.Kind.NPS: ("nps", AnsweredBy.TEN),
    Survey.Kind.CSAT: ("csat", AnsweredBy.FIVE),
}
"""The signal an answer is, and by what kind of question: the first of its type. What is said of the program is none."""


def scored(survey: Survey) -> str:
    """The key of the question whose answer is the score of such a survey; empty where it has none."""
    type_ = HEARD_AS.get(survey.kind, ("", ""))[1]
    return next((one.key for one in questions(survey) if one.type == type_), "")


def heard(survey: Survey) -> tuple[str, str] | None:
    """The signal that answers to this survey are, and the key of the question; None where they are none."""
    if survey.kind not in HEARD_AS or not survey.shows_names:
        return None
    return HEARD_AS[survey.kind][0], scored(survey)


def why_not_open(survey: Survey, *, at: datetime) -> str | None:
    """What is amiss with a draft that is to be opened, as a sentence; None when nothing is."""
    asked = questions(survey)
    if not asked:
        return _("Write at least one question.")
    wanted = HEARD_AS.get(survey.kind)
    if wanted and wanted[1] not in {one.type for one in asked}:
        said = _("A survey of this kind has a question that is answered on the scale %(scale)s.")
        return said % {"scale": AnsweredBy(wanted[1]).label}
    if survey.closes_at is not None and survey.closes_at <= at:
        return _("Its last day is over. Choose another one.")
    if survey.is_of_program:
        if Survey.objects.filter(kind=Survey.Kind.PROGRAM, status=Survey.Status.OPEN).exclude(pk=survey.pk).exists():
            return _("Another survey about the program is open. Close that one first.")
        return None
    if survey.team_id is None:
        return _("Say which team reads the answers.")
    return None


# --- Who --------------------------------------------------------------------------------------------------------------
def _belonging(definition: Any, *, at: datetime) -> "QuerySet[Contact]":
    people = segments.Segment.read(definition).people(at=at) if definition else segments.everybody()
    return people.filter(advocate__status=Advocate.Status.MEMBER)


def audience(survey: Survey, *, at: datetime) -> "QuerySet[Contact]":
    """Members it is for who may be asked for feedback; rest and caps are looked at one by one."""
    definition = survey.definition if survey.status != Survey.Status.DRAFT or survey.cohort is None else None
    if survey.status == Survey.Status.DRAFT and survey.cohort is not None:
        definition = survey.cohort.definition
    people: Any = _belonging(definition, at=at)
    found: QuerySet[Contact] = people.consenting(Purpose.SURVEYS, at=at).exclude(email="")
    return found


@dataclass(frozen=True)
class Reach:
    """How many members it is for, and how many of them have agreed to be asked."""

    members: int
    agreed: int


def reach(survey: Survey, *, at: datetime) -> Reach:
    """Whom it would reach, before it is opened."""
    definition = survey.cohort.definition if survey.cohort is not None else None
    return Reach(_belonging(definition, at=at).count(), audience(survey, at=at).count())


def occasions(*, at: datetime) -> "Iterator[tuple[str, QuerySet[Contact]]]":
    """Who is to be asked about the program now, by occasion: 30 and 90 days after joining, and every year."""
    rows: Any = segments.everybody().filter(advocate__status=Advocate.Status.MEMBER).exclude(email="")
    rows = rows.consenting(Purpose.SURVEYS, at=at)
    first = Advocate.objects.filter(status=Advocate.Status.MEMBER).aggregate(first=Min("joined_at"))["first"]
    if first is None:
        return
    spans = [(slot, at - timedelta(days=days)) for slot, days in DAYS.items()]
    years = max(0, at.year - first.year)
    day = timezone.localtime(at).date()
    for year in range(1, years + 1):
        back = day - months_after(day, -12 * year)
        spans.append((f"year-{year}", at - back))
    for slot, joined in spans:
        asked = SurveyInvite.objects.filter(survey__kind=Survey.Kind.PROGRAM, slot=slot).values("contact")
        due = rows.filter(advocate__joined_at__gt=joined - GRACE, advocate__joined_at__lte=joined)
        yield slot, due.exclude(pk__in=asked).order_by("pk")


def agreed(contact: Contact, *, at: datetime) -> bool:
    """Whether somebody has agreed to be asked for feedback."""
    return ConsentState.objects.filter(contact=contact, purpose=Purpose.SURVEYS).in_force(at=at).exists()


# --- The page of one person -------------------------------------------------------------------------------------------
def why_closed(invite: SurveyInvite, *, at: datetime) -> str | None:
    """Why this person cannot answer any more, as a sentence for them; None when they can."""
    if invite.finished_at is not None:
        day = date_format(timezone.localtime(invite.finished_at), "j F Y")
        return _("You have answered this already, on %(day)s. Thank you!") % {"day": day}
    survey = invite.survey
    if survey.is_open(at=at) and invite.answer_until > at:
        return None
    ended = min(invite.answer_until, survey.closed_at or invite.answer_until)
    return _("This closed on %(day)s. Thank you all the same!") % {
        "day": date_format(timezone.localtime(ended), "j F Y")
    }


# --- What the answers say ---------------------------------------------------------------------------------------------
def nps(counts: Mapping[int, int]) -> float | None:
    """The share of 9 and 10 less the share of 0 to 6, in points from -100 to 100; None without answers."""
    total = sum(counts.values())
    if not total:
        return None
    promoters = sum(number for score, number in counts.items() if score >= 9)
    detractors = sum(number for score, number in counts.items() if score <= 6)
    return 100 * (promoters - detractors) / total


def satisfied(counts: Mapping[int, int]) -> float | None:
    """The share of 4 and 5; None without answers."""
    total = sum(counts.values())
    return sum(number for score, number in counts.items() if score >= 4) / total if total else None


@dataclass(frozen=True)
class Response:
    """How many were reached and how many of them have answered at least one question."""

    asked: int = 0
    reached: int = 0
    answered: int = 0
    finished: int = 0

    @property
    def rate(self) -> float | None:
        return self.answered / self.reached if self.reached else None


def responses(surveys: Sequence[int]) -> dict[int, Response]:
    """The response to each of these surveys, in one query."""
    rows: Any = (
        SurveyInvite.objects.filter(survey__in=list(surveys))
        .order_by()
        .values("survey")
        .annotate(
            asked=Count("pk"), reached=Count("pk", filter=Q(unreached_at__isnull=True)),
            answered=Count("pk", filter=Q(answered_at__isnull=False)),
            finished=Count("pk", filter=Q(finished_at__isnull=False)),
        )
    )  # fmt: skip
    found = {row.pop("survey"): Response(**row) for row in rows}
    return {pk: found.get(pk, Response()) for pk in surveys}


@dataclass(frozen=True)
class Result:
    """What was answered to one question: how often each number or choice."""

    question: Question
    counts: Mapping[Any, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    @property
    def nps(self) -> float | None:
        return nps(self.counts) if self.question.type == AnsweredBy.TEN else None

    @property
    def satisfied(self) -> float | None:
        return satisfied(self.counts) if self.question.type == AnsweredBy.FIVE else None

    @property
    def points(self) -> list[tuple[str, int]]:
        """Every number or choice there is, also those nobody took."""
        known: Sequence[Any] = self.question.scale or self.question.choices
        return [(str(one), self.counts.get(one, 0)) for one in known]


def results(survey: Survey) -> list[Result]:
    """What was answered to every question but those in words, in two queries."""
    asked = [one for one in questions(survey) if not one.in_words]
    rows = SurveyAnswer.objects.filter(invite__survey=survey, question__in=[one.key for one in asked]).order_by()
    found: dict[str, dict[Any, int]] = defaultdict(dict)
    for key, number, text, times in rows.values_list("question", "number", "text").annotate(times=Count("pk")):
        found[key][number if number is not None else text] = times
    return [Result(one, found[one.key]) for one in asked]


def is_hidden(survey: Survey, response: Response) -> bool:
    """Whether too few have answered a survey without names for anything to be told."""
    return not survey.shows_names and response.answered < FEW


def feedback(survey: Survey | None = None) -> "QuerySet[Feedback]":
    """Words with what came of them; of surveys without names only where enough have answered."""
    rows = Feedback.objects.select_related("survey", "team", "answer__invite__contact", "answer__invite__account", "by")
    if survey is not None:
        return rows.filter(survey=survey)
    few = (
        SurveyInvite.objects.filter(survey__shows_names=False, answered_at__isnull=False)
        .order_by()
        .values("survey")
        .annotate(number=Count("pk"))
        .filter(number__gte=FEW)
        .values("survey")
    )
    return rows.filter(Q(survey__shows_names=True) | Q(survey__in=few))
