"""A lifecycle rule offers members what is open to them, within their budget (P17, P19, P20)."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from advocacy.crm.catalogue import Purpose
from advocacy.crm.models import Contact
from advocacy.delivery.models import Message
from advocates import budget
from advocates.actions import lifecycle
from advocates.lifecycle import check_rule
from advocates.models import Ask, AwayPeriod, Firing, LifecycleRule, Task
from opportunities.actions import offers
from opportunities.models import Claim
from tests.conftest import QueriesOf
from tests.factories import (
    NOON,
    make_account,
    make_advocate,
    make_contact,
    make_kind,
    make_opportunity,
    make_signal,
)

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def rule() -> LifecycleRule:
    LifecycleRule.objects.update(enabled=False)
    return LifecycleRule.objects.create(
        name="Two webinars", signal="two_webinars", effect="offer", enabled=True, enabled_from=NOON - 10 * DAY,
        effect_params={"kinds": ["webinar", "blog-post"]},
    )  # fmt: skip


def attended(contact: Contact, at: Any = NOON - DAY) -> None:
    make_signal("two_webinars", contact.account, contact=contact, at=at)


class TestMany:
    @settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        people=st.lists(
            st.fixed_dictionaries(
                {
                    "status": st.sampled_from(["member", "member", "member", "invited", "left"]),
                    "readiness": st.sampled_from(["ready", "ready", "paused"]),
                    "never": st.sampled_from([[], [], ["webinar"]]),
                    "joined": st.integers(-40, 5),
                    "consents": st.sampled_from([[], [Purpose.SPEAKING]]),
                    "asked": st.lists(st.integers(-100, 10), max_size=2),
                    "away": st.booleans(),
                    "claims": st.booleans(),
                }
            ),
            min_size=1, max_size=4,
        ),
        there=st.lists(
            st.tuples(
                st.sampled_from(["webinar", "blog-post", "stage"]), st.none() | st.integers(-5, 9),
                st.sampled_from([{}, {}, {"all": ["region:asia"]}]), st.sampled_from([None, None, None, 1]),
            ),
            max_size=4,
        ),
        moments=st.lists(st.integers(-30, 20), min_size=1, max_size=3),
    )  # fmt: skip
    def test_it_is_what_asking_about_each_alone_says(self, people: Any, there: Any, moments: list[int]) -> None:
        with transaction.atomic():
            make_kind("stage", purpose=Purpose.SPEAKING)
            kinds = ["webinar", "blog-post", "stage"]
            opportunities = [
                make_opportunity(
                    kind=kind, seats=seats, audience=audience, opened_at=NOON - 90 * DAY,
                    closes_at=None if closes is None else NOON + closes * DAY,
                )
                for kind, closes, audience, seats in there
            ]  # fmt: skip
            asked: list[tuple[Contact, datetime]] = []
            for number, one in enumerate(people):
                ines = make_advocate(
                    "Ines", make_account(readiness=one["readiness"]), user=False, consents=one["consents"],
                    status=one["status"], never=one["never"], joined_at=NOON + one["joined"] * DAY,
                )  # fmt: skip
                for day in one["asked"]:
                    Ask.objects.create(
                        channel="desk", source_id=f"{number}:{day}:{len(asked)}", advocate=ines, kind="",
                        account=ines.contact.account, asked_at=NOON + day * DAY,
                    )  # fmt: skip
                    asked.append((ines.contact, NOON + day * DAY))
                if one["away"]:
                    day = NOON.date()
                    AwayPeriod.objects.create(advocate=ines, starts_on=day, ends_on=day + 6 * DAY)
                if one["claims"] and opportunities:
                    Claim.objects.create(opportunity=opportunities[0], advocate=ines, claimed_at=NOON)
                asked += [(ines.contact, NOON + day * DAY) for day in moments]
            alone = [offers.why_not_offer(contact, kinds, at=at) for contact, at in asked]
            assert offers.why_not_offers(asked, kinds) == alone
            transaction.set_rollback(True)

    def test_a_dry_run_of_many_costs_no_more_queries_than_of_few(
        self, rule: LifecycleRule, queries_of: QueriesOf
    ) -> None:
        make_opportunity("Tell us how you plan", kind="webinar", opened_at=NOON - 90 * DAY)

        def look() -> None:
            assert all(one.fires for one in lifecycle.dry_run(rule, at=NOON, start=NOON - 30 * DAY))

        def more(number: int) -> None:
            for _each in range(number):
                attended(make_advocate("Ines", user=False).contact)

        more(2)
        few = queries_of(look)
        more(20)
        assert queries_of(look) == few


class TestAnOffer:
    def test_it_goes_to_the_member_as_one_mail_and_one_ask(self, rule: LifecycleRule) -> None:
        ines = make_advocate("Ines")
        make_opportunity("Tell us how you plan", kind="webinar")
        make_opportunity("Write about your first year", kind="blog-post", closes_at=NOON + 9 * DAY)
        make_opportunity("A call", kind="podcast")
        attended(ines.contact)
        (said,) = lifecycle.dry_run(rule, at=NOON)
        assert said.fires and said.people == [ines.contact]
        lifecycle.follow_signals(at=NOON)
        firing = Firing.objects.get()
        assert firing.status == "done"
        assert firing.reasons[-1] == ("Ines Barbosa was offered “Write about your first year”, “Tell us how you plan”.")
        mail = Message.objects.get(kind="offered")
        assert (mail.contact, mail.purpose) == (ines.contact, "program_mail")
        assert [item["title"] for item in mail.params["items"]] == [
            "Write about your first year", "Tell us how you plan",
        ]  # fmt: skip
        assert Ask.objects.get().channel == "rule"

    def test_whoever_rests_is_not_asked(self, rule: LifecycleRule) -> None:
        ines = make_advocate("Ines")
        make_opportunity(kind="webinar")
        budget.ask(ines, channel="desk", source_id=1, kind="", at=NOON - 2 * DAY)
        attended(ines.contact)
        (said,) = lifecycle.dry_run(rule, at=NOON)
        assert not said.fires
        lifecycle.follow_signals(at=NOON)
        assert Firing.objects.get().status == "refused"
        assert not Message.objects.filter(kind="offered").exists() and Ask.objects.count() == 1

    def test_a_customer_who_is_no_member_and_a_board_with_nothing_for_them_offer_nothing(self) -> None:
        make_opportunity(kind="podcast")
        mei, ines = make_contact("Mei"), make_advocate("Ines")
        attended(mei)
        attended(ines.contact)
        lifecycle.follow_signals(at=NOON)
        reasons = [reason for firing in Firing.objects.all() for reason in firing.reasons]
        assert "Mei Barbosa is not a member; only members are offered something." in reasons
        assert "Nothing of these kinds is open to Ines Barbosa." in reasons
        assert not Task.objects.exists()

    def test_two_offers_in_one_dry_run_do_not_fall_into_one_rest(self, rule: LifecycleRule) -> None:
        ines = make_advocate("Ines")
        make_opportunity(kind="webinar")
        LifecycleRule.objects.filter(pk=rule.pk).update(reentry=True)
        rule.refresh_from_db()
        attended(ines.contact, NOON - 2 * DAY)
        attended(ines.contact, NOON - DAY)
        assert [said.fires for said in lifecycle.dry_run(rule, at=NOON)] == [True, False]
        lifecycle.follow_signals(at=NOON)
        assert sorted(Firing.objects.values_list("status", flat=True)) == ["done", "refused"]


class TestSavingIt:
    @pytest.mark.parametrize(
        ("params", "said"),
        [
            ({}, "at least one kind"),
            ({"kinds": []}, "at least one kind"),
            ({"kinds": "webinar"}, "at least one kind"),
            ({"kinds": ["flying"]}, "no kind “flying”"),
            ({"kinds": ["webinar", "review-site-review"]}, "public review is never asked for"),
        ],
    )
    def test_only_known_kinds_and_never_a_public_review(self, params: dict[str, Any], said: str) -> None:
        make_kind("webinar")
        make_kind("review-site-review", is_review=True)
        wrong = check_rule(signal="two_webinars", conditions=[], effect="offer", effect_params=params, whom="champion")
        assert any(said in sentence for sentence in wrong["effect_params"])

    def test_a_kind_that_became_a_review_since_is_refused_when_it_would_be_sent(self) -> None:
        ines = make_advocate("Ines")
        opportunity = make_opportunity(kind="webinar")
        opportunity.kind.is_review = True
        opportunity.kind.save()
        attended(ines.contact)
        lifecycle.follow_signals(at=NOON)
        assert Firing.objects.get().status == "refused" and not Message.objects.filter(kind="offered").exists()
