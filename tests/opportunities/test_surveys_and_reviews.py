"""Answers are feelings: of two customers who differ only in them, a public review is asked of both or of none (P19)."""

import ast
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from advocacy.crm.catalogue import SIGNAL_KINDS
from advocacy.crm.models import Contact, Pause, Signal
from advocacy.delivery.models import Message
from advocacy.users.models import Role
from advocates import reviews, segments
from advocates.actions import lifecycle
from advocates.models import Advocate
from advocates.segments import Condition, Segment, Takes
from opportunities import board
from opportunities.actions import board as board_actions
from opportunities.actions import campaigns, surveys
from opportunities.eligibility import standing, who
from opportunities.models import Feedback, ReviewAsk, ReviewSite, Survey, SurveyInvite
from tests.factories import NOON, make_account, make_advocate, make_kind, make_opportunity, make_user
from tests.opportunities.test_surveys import DAY, SCORE, STARS, WHY, asked, make_survey, say

pytestmark = pytest.mark.django_db
LATER = NOON + timedelta(hours=1)


@pytest.fixture
def glad_and_not() -> tuple[Advocate, Advocate]:
    """Ines answers with the best there is, Omar with the worst; everything else is the same."""
    glad, not_glad = (make_advocate(name, make_account(f"{name}’s company")) for name in ("Ines", "Omar"))
    for kind, questions, best, worst in (
        ("nps", [SCORE, WHY], 10, 0), ("csat", [STARS, WHY], 5, 1), ("roadmap", [SCORE, WHY], 10, 0),
    ):  # fmt: skip
        survey = make_survey(f"About {kind}", kind=kind, questions=questions)
        for one, score, words in ((glad, best, "Wonderful"), (not_glad, worst, "Dreadful")):
            say(_invited(survey, one), score, words)
    for one_of_them in Feedback.objects.all():
        surveys.follow_up(one_of_them, status="done", note="Read.", by=None, at=NOON)
    lifecycle.follow_signals(at=LATER)
    return Advocate.objects.get(pk=glad.pk), Advocate.objects.get(pk=not_glad.pk)


def _invited(survey: Survey, advocate: Advocate) -> SurveyInvite:
    """Asked, whatever they were asked before: this is about answers, not about rest."""
    return SurveyInvite.objects.create(
        survey=survey, contact=advocate.contact, account=advocate.contact.account, asked_at=NOON - DAY
    )


def values_of(fact: segments.Fact) -> list[Any]:
    if fact.takes == Takes.NUMBER:
        return [number for number in (0, 1, 2, 5, 6, 9, 10, 30, 365) if number <= fact.most]
    if fact.takes == Takes.CHOICE:
        return [key for key, _label in fact.options]
    return [["Europe"], ["Food"], ["DE"], ["Head"], ["elsewhere"]]


def test_answers_do_reach_the_rest_of_the_program(glad_and_not: tuple[Advocate, Advocate]) -> None:
    """Else the tests below would prove nothing: bad answers pause asks, and rules hear them."""
    assert Signal.objects.filter(kind__in=["nps", "csat"]).count() == 4
    assert Pause.objects.filter(account=glad_and_not[1].contact.account).exists()
    assert not Pause.objects.filter(account=glad_and_not[0].contact.account).exists()


def test_both_find_the_same_review_on_the_board_with_the_same_reward(glad_and_not: tuple[Advocate, Advocate]) -> None:
    make_kind("review-site-review")
    review = make_opportunity("Tell others", kind=make_kind("review-site-review"))
    assert review.kind.is_review
    glad, other = glad_and_not
    at = LATER
    assert [standing(who(one, at=at), review, at=at).code for one in glad_and_not] == ["open", "open"]
    assert [review in board.open_to(one, at=at) for one in glad_and_not] == [True, True]
    claims = [board_actions.claim(one, review, at=at) for one in (glad, other)]
    assert claims[0].opportunity.points == claims[1].opportunity.points


def test_a_review_campaign_asks_both_in_the_same_words(glad_and_not: tuple[Advocate, Advocate]) -> None:
    rita = make_user("Rita Morgan", Role.MANAGER)
    site = ReviewSite.objects.create(name="SoftRate", url="https://softrate.test/write")
    written = campaigns.write(
        None, title="Spring", site=site, cohort=None, words="Good or bad.", thanks="A book", closes_on=None, by=rita,
        at=LATER,
    )  # fmt: skip
    campaigns.start(written, by=rita, at=LATER)
    campaigns.work(at=LATER)
    assert set(ReviewAsk.objects.values_list("contact", flat=True)) == {one.contact_id for one in glad_and_not}
    theirs = {"ask_id", "given_name"}
    first, second = (
        {name: value for name, value in mail.params.items() if name not in theirs}
        for mail in Message.objects.filter(kind="review_ask")
    )
    assert first == second


def test_whatever_tells_them_apart_cannot_choose_whom_to_ask_for_a_review(
    glad_and_not: tuple[Advocate, Advocate],
) -> None:
    people = {one.contact_id for one in glad_and_not}
    telling = []
    for fact in segments.facts().values():
        for value in values_of(fact):
            for part in ("all", "exclude"):
                segment = Segment(**{part: (Condition(fact, value),)})
                found = set(Contact.objects.filter(pk__in=segment.people(at=LATER).values("pk"))
                            .values_list("pk", flat=True))  # fmt: skip
                if len(found & people) == 1:
                    telling.append(fact.key)
                    assert reviews.why_not(asks_public_review=True, among=[segment]), fact.key
    assert "signal.nps.least" in telling  # they are told apart by some


def test_the_signals_that_answers_become_start_no_ask_for_a_review() -> None:
    for kind in ("nps", "csat"):
        assert SIGNAL_KINDS[kind].tells_feelings and SIGNAL_KINDS[kind].in_portal
        assert reviews.why_not(asks_public_review=True, signals=[kind])


def test_who_is_to_be_asked_for_a_review_is_worked_out_without_reading_surveys() -> None:
    """The modules that choose people name no table of surveys; whoever wants to must pass this test first."""
    tables = {"Survey", "SurveyInvite", "SurveyAnswer", "Feedback", "surveys", "survey_effects"}
    root = Path(__file__).parents[2]
    for module in (
        "advocates/reviews.py", "advocates/segments.py", "advocates/budget.py", "advocates/commitments.py",
        "opportunities/eligibility.py", "opportunities/board.py", "opportunities/matching.py",
        "opportunities/campaigns.py", "opportunities/actions/campaigns.py",
        "opportunities/actions/offers.py", "opportunities/actions/board.py", "newsletter/personal.py",
    ):  # fmt: skip
        tree = ast.parse((root / module).read_text())
        named = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        named |= {alias.name.rpartition(".")[2] for node in ast.walk(tree)
                  if isinstance(node, (ast.Import, ast.ImportFrom)) for alias in node.names}  # fmt: skip
        assert not named & tables, module


def test_being_asked_or_not_is_no_fact_either() -> None:
    """Whether somebody answered at all is no fact a cohort or an audience can name."""
    assert not [key for key in segments.facts() if "survey" in key or "feedback" in key]
    assert asked(make_advocate("Mei"))
