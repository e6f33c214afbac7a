"""Surveys in the demo program: the program asks about itself, NPS twice, the roadmap lately; words lead to something.

It draws from a generator of its own, so that the rest of the demo stays as it is.
"""

from datetime import date, timedelta
from random import Random
from typing import Any

from advocacy.crm.models import StakeholderTeam
from advocates.models import Cohort
from opportunities import surveys as rules
from opportunities.actions import surveys
from opportunities.models import AnsweredBy, Feedback, Survey, SurveyInvite

SEED = 20260311
ANSWERS = 0.56
INES = "advocate@demo.test"

NPS = [
    {"key": "score", "label": "How likely are you to recommend us to a colleague or friend?", "type": AnsweredBy.TEN,
     "required": True},
    {"key": "why", "label": "What is the main reason for your answer?", "type": AnsweredBy.TEXT, "required": False},
]  # fmt: skip
ROADMAP = [
    {"key": "pick", "label": "Which of these would help you most?", "type": AnsweredBy.CHOICE, "required": True,
     "choices": ["Plans for night shifts", "A forecast for each store", "Alerts on the phone", "A quicker export"]},
    {"key": "use", "label": "What would you do with it?", "type": AnsweredBy.TEXT, "required": False},
]  # fmt: skip
SATISFIED = [
    {"key": "stars", "label": "How satisfied are you with how we solved it?", "type": AnsweredBy.FIVE,
     "required": True},
    {"key": "better", "label": "What could we have done better?", "type": AnsweredBy.TEXT, "required": False},
]  # fmt: skip

WORDS = {
    "score": ["The forecast is right more often than we are.", "Support answers the same day.",
              "Setting up a new site takes too long.", "It saved our summer.", "The mobile view needs work.",
              "Good people, good product."],
    "pick": ["We would finally drop the spreadsheet.", "The night team asks for it every week.",
             "One list in the morning instead of four mails."],
    "glad": ["Fewer mails, more of the roundtables, please.", "I met three people I still talk to.",
             "Tell me earlier what is coming up.", "More for people who do not travel."],
}  # fmt: skip
CAME_OF_IT = {
    "done": ["It is there since the last release. Thank you for the push.", "We have changed it; tell us how it feels.",
             "You get one mail a week at most from now on."],
    "not_now": ["Not this year: the new forecast comes first.", "We looked at it, and cannot do it well enough yet."],
}  # fmt: skip


def begin(world: Any) -> None:
    world.kept["survey_rng"] = Random(SEED)  # noqa: S311 - not a secret
    product, _new = StakeholderTeam.objects.get_or_create(slug="product", defaults={"name": "Product"})
    success = StakeholderTeam.objects.filter(slug__contains="success").first() or product
    # Inês wants two asks a quarter and has one coming from the desk: what she is asked here is older than that.
    europe, member = {"fact": "account.region", "value": ["Europe"]}, {"fact": "program.status", "value": "member"}
    near, _new = Cohort.objects.get_or_create(
        name="Members in Europe",
        defaults={
            "note": "Asked first when something is new.", "by": world.users["lead"],
            "definition": {"all": [europe, member], "any": [], "exclude": []},
        },
    )  # fmt: skip
    far, _new = Cohort.objects.get_or_create(
        name="Members beyond Europe",
        defaults={"by": world.users["lead"], "definition": {"all": [member], "any": [], "exclude": [europe]}},
    )
    agenda: dict[date, list[dict[str, Any]]] = {}
    world.kept["survey_agenda"] = agenda

    def later(ago: int, **fields: Any) -> None:
        opens = world.today - timedelta(days=ago)
        if opens > world.first_day:
            agenda.setdefault(opens, []).append(fields)

    before, lately = (f"How are we doing? {world.today - timedelta(days=ago):%B %Y}" for ago in (170, 16))
    later(170, title=before, kind="nps", questions=NPS, team=success, days=21)
    later(16, title=lately, kind="nps", questions=NPS, team=success, cohort=far, days=25)
    later(
        97, title="What comes next in Planner", kind="roadmap", questions=ROADMAP, team=product, cohort=near, days=110
    )
    later(30, title="After a solved problem", kind="csat", questions=SATISFIED, team=success, by_rule=True)
    Survey.objects.filter(kind=Survey.Kind.PROGRAM, by=None).update(by=world.users["lead"])


def day(world: Any, day: date) -> None:
    at = world.at(day, 8, 30)
    for fields in world.kept["survey_agenda"].pop(day, []):
        days = fields.pop("days", None)
        made = Survey.objects.create(
            by=world.users["lead"], created_at=at, closes_at=at + timedelta(days=days) if days else None,
            intro="Twice a year we ask everybody the same." if fields["kind"] == "nps" else "", **fields,
        )  # fmt: skip
        surveys.open_up(made, at=at)
    surveys.close_over(at=at)
    surveys.work(at=at)
    if day.weekday() == 0:
        surveys.ask_about_the_program(at=at)
    _answer(world, day)
    _follow_up(world, day)


def _answer(world: Any, day: date) -> None:
    """Some of those who were asked in the last days answer; Inês leaves the one about the roadmap for later."""
    rng, at = world.kept["survey_rng"], world.at(day, 16, 10)
    waiting = SurveyInvite.objects.waiting(at=at).filter(asked_at__lte=at, asked_at__gt=at - timedelta(days=6))
    for invite in waiting.select_related("survey", "contact").order_by("pk"):
        is_ines = invite.contact.email == INES
        if rng.random() > ANSWERS / 4 or (is_ines and (world.today - day).days < 100):
            continue
        for question in rules.questions(invite.survey):
            surveys.answer(invite, question, _said(rng, question, glad=is_ines), at=at)
        surveys.finish(invite, at=at)


def _said(rng: Random, question: rules.Question, *, glad: bool) -> str:
    if question.type == AnsweredBy.TEN:
        scores, weights = [10, 9, 8, 7, 6, 4], [30, 30, 20, 14, 4, 1]
        return str(9 if glad else rng.choices(scores, weights)[0])
    if question.type == AnsweredBy.FIVE:
        return str(rng.choices([5, 4, 3], [5, 4, 1])[0])
    if question.choices:
        return rng.choices(question.choices, [4, 3, 2, 1][: len(question.choices)])[0]
    words = WORDS[{"why": "score", "use": "pick"}.get(question.key, "glad")]
    return rng.choice(words) if rng.random() < 0.5 else ""


def _follow_up(world: Any, day: date) -> None:
    """Now and then somebody goes through what members wrote."""
    rng, at = world.kept["survey_rng"], world.at(day, 17, 0)
    if day.weekday() not in {1, 3}:
        return
    for words in Feedback.objects.unsettled().filter(created_at__lt=at - timedelta(days=3)).order_by("pk"):
        what = rng.choices(["", "looking", "done", "not_now"], [5, 2, 3, 1])[0]
        if what and words.may_move_to(what):
            surveys.follow_up(
                words, status=what, note=rng.choice(CAME_OF_IT.get(what, [""])), by=world.users["lead"], at=at
            )  # fmt: skip
