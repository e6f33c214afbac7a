"""Who an opportunity is open to: the list and the single question give one answer (O2, O3)."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from advocacy.crm.catalogue import Purpose
from advocates.models import Advocate
from opportunities import board, eligibility
from opportunities.actions import board as actions
from opportunities.models import Opportunity, OpportunityKind, Waiting
from opportunities.models.board import validate_audience
from tests.factories import NOON, make_account, make_advocate, make_opportunity, make_request

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


def kind(slug: str = "talk", **fields: Any) -> OpportunityKind:
    defaults = {"name": slug.capitalize(), "points": 80, "steps": ["claimed", "scheduled", "delivered", "verified"]}
    return OpportunityKind.objects.update_or_create(slug=slug, defaults={**defaults, **fields})[0]


def offered(advocate: Advocate) -> set[str]:
    return set(board.open_to(advocate, at=NOON).values_list("title", flat=True))


class TestWhatIsOpenToSomebody:
    def test_open_listed_not_closed_not_claimed_with_a_seat_left(self) -> None:
        ines, omar = make_advocate("Ines"), make_advocate("Omar")
        make_opportunity("Open", kind=kind())
        make_opportunity("Closes later", kind=kind(), closes_at=NOON + DAY)
        make_opportunity("Closed", kind=kind(), closes_at=NOON)
        make_opportunity("Draft", kind=kind(), status="draft")
        make_opportunity("Called off", kind=kind(), status="cancelled")
        make_opportunity("Frame of a request", kind=kind(), request=make_request())
        actions.claim(ines, make_opportunity("Mine", kind=kind()), at=NOON)
        actions.claim(omar, make_opportunity("Full", kind=kind(), seats=1), at=NOON)
        actions.claim(omar, make_opportunity("One left", kind=kind(), seats=2), at=NOON)
        assert offered(ines) == {"Open", "Closes later", "One left"}

    def test_only_with_the_consent_of_its_kind(self) -> None:
        make_opportunity("Stage", kind=kind("stage", purpose=Purpose.SPEAKING))
        make_opportunity("Review", kind=kind("written", purpose=""))
        assert offered(make_advocate("Ines")) == {"Stage", "Review"}
        assert offered(make_advocate("Omar", consents=[Purpose.QUOTE])) == {"Review"}

    def test_nothing_while_the_account_rests_or_for_somebody_who_left(self) -> None:
        make_opportunity("Open", kind=kind())
        assert offered(make_advocate("Ines", make_account(readiness="paused"))) == set()
        assert offered(make_advocate("Mei", status=Advocate.Status.LEFT)) == set()

    def test_a_public_review_and_its_reward_also_while_the_account_rests(self) -> None:
        """Bad news may be why it rests; whoever was unhappy may review us like anybody else (P19)."""
        make_opportunity("Call", kind=kind())
        review = make_opportunity("Write a review", kind=kind("review", is_review=True), points=50)
        glad, resting = make_advocate("Ines"), make_advocate("Omar", make_account(readiness="paused"))
        assert offered(glad) == {"Call", "Write a review"}
        assert offered(resting) == {"Write a review"}
        claims = [actions.claim(one, review, at=NOON) for one in (glad, resting)]
        assert {claim.opportunity.points for claim in claims} == {50}

    def test_never_of_a_kind_they_ruled_out(self) -> None:
        make_opportunity("Talk", kind=kind())
        assert offered(make_advocate("Ines", never=["talk"])) == set()

    def test_again_after_it_was_taken_back(self) -> None:
        ines, opportunity = make_advocate("Ines"), make_opportunity("Talk", kind=kind())
        claim = actions.claim(ines, opportunity, at=NOON - DAY)
        assert offered(ines) == set()
        actions.withdraw(claim, reason="Busy.", at=NOON)
        assert offered(ines) == {"Talk"}

    def test_a_seat_kept_for_somebody_is_open_to_nobody_else(self) -> None:
        ines, omar = make_advocate("Ines"), make_advocate("Omar")
        opportunity = make_opportunity("Talk", kind=kind(), seats=1)
        Waiting.objects.create(
            opportunity=opportunity, advocate=omar, since=NOON - DAY, offered_at=NOON, offer_until=NOON + DAY
        )
        assert (offered(ines), offered(omar)) == (set(), {"Talk"})
        assert not board.open_to(omar, at=NOON).get().seats_taken


class TestForWhom:
    def test_all_any_and_exclude_which_wins_whatever_their_case(self) -> None:
        account = make_account("Brightwater", region="Europe", industry="Food", products=["Planner"])
        ines = make_advocate("Ines", account, expertise=["cold chain"])
        for title, audience in {
            "everybody": {},
            "all": {"all": ["region:EUROPE", "industry:food"]},
            "one missing": {"all": ["region:europe", "industry:steel"]},
            "any": {"any": ["industry:steel", "product:planner"]},
            "none of any": {"any": ["industry:steel"]},
            "excluded": {"any": ["industry:food"], "exclude": ["expertise:Cold Chain"]},
            "empty lists": {"all": [], "any": [], "exclude": []},
        }.items():
            make_opportunity(title, kind=kind(), audience=audience)
        assert offered(ines) == {"everybody", "all", "any", "empty lists"}

    def test_a_stage_is_reached_or_not(self) -> None:
        make_opportunity("Creators", kind=kind(), audience={"all": ["stage:4"]})
        assert offered(make_advocate("Ines", stage=Advocate.Stage.PROVEN)) == {"Creators"}
        assert offered(make_advocate("Omar", stage=Advocate.Stage.SOCIALIZER)) == set()

    @pytest.mark.parametrize("wrong", [[], {"some": []}, {"all": "region:x"}, {"all": ["region"]}, {"all": [3]}])
    def test_anything_else_is_refused_when_saved(self, wrong: Any) -> None:
        with pytest.raises(Exception, match=r"region:Europe|only all"):
            validate_audience(wrong)

    facts = some.sampled_from(["region:europe", "region:Asia", "industry:food", "stage:2", "stage:5", "persona:user"])
    lists = some.lists(facts, max_size=3)

    @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(audience=some.fixed_dictionaries({}, optional={"all": lists, "any": lists, "exclude": lists}))
    def test_the_database_and_python_give_one_answer(self, audience: dict[str, list[str]]) -> None:
        Opportunity.objects.all().delete()
        ines = Advocate.objects.filter(contact__given_name="Prop").first() or make_advocate(
            "Prop", make_account(region="Europe"), stage=Advocate.Stage.SOCIALIZER
        )
        opportunity = make_opportunity("Any", kind=kind(), audience=audience)
        listed = board.open_to(ines, at=NOON).exists()
        assert listed == (eligibility.why_not(ines, opportunity, at=NOON) is None)
        assert listed == eligibility.meant_for(audience, eligibility.who(ines, at=NOON).facts)


class TestFit:
    def test_the_database_and_python_judge_alike(self) -> None:
        ines = make_advocate(
            "Ines", make_account(region="Europe", industry="Food"), wants=["talk"], expertise=["Cold Chain", "waste"]
        )
        kinds = [kind(), kind("written")]
        for number in range(64):
            make_opportunity(
                f"Call {number}", kind=kinds[number % 2], topics=["cold chain"] if number & 2 else ["forecast"],
                industries=["Food", "Steel"] if number & 4 else [], regions=["Europe"] if number & 8 else ["Asia"],
                closes_at=NOON + (2 if number & 16 else 90) * DAY if number % 3 else None,
                opened_at=NOON - (1 if number & 32 else 40) * DAY,
            )  # fmt: skip
        person = eligibility.who(ines, at=NOON)
        rows = list(board.in_order(board.open_for(person, at=NOON), person, "", day=NOON.date()))
        board.judge(rows, person, day=NOON.date())
        weights = {part.name: part.weight for part in board.PARTS}
        assert len(rows) == 64
        assert [sum(map(weights.__getitem__, row.fits)) for row in rows] == [
            row.key >> board.SHUFFLE_BITS  # type: ignore[attr-defined]
            for row in rows
        ]
        assert {name for row in rows for name in row.fits} == set(weights)  # type: ignore[attr-defined]
