"""A lifecycle rule asks for an honest review, whoever it reaches alike; dry runs say so (P17, P19, O8)."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from advocacy.crm import consent, readiness
from advocacy.crm.catalogue import Purpose
from advocacy.crm.models import Contact
from advocacy.delivery.models import Message
from advocacy.lib.lifecycle import Refused
from advocacy.users.models import Role, User
from advocates import budget
from advocates import lifecycle as rules_of_life
from advocates.actions import lifecycle
from advocates.lifecycle import Done, check_rule
from advocates.models import Channel, Cohort, Firing, LifecycleRule
from opportunities import campaigns as rules
from opportunities.actions import campaigns as actions
from opportunities.models import ReviewAsk, ReviewCampaign
from tests.conftest import QueriesOf
from tests.factories import NOON, make_account, make_advocate, make_contact, make_kind, make_signal, make_user
from tests.opportunities.test_review_campaigns import DAY, agreed, asked, cohort_of, written

pytestmark = pytest.mark.django_db
MEMBERS = {"fact": "program.status", "value": "member"}


@pytest.fixture
def rita() -> User:
    return make_user("Rita Morgan", Role.MANAGER)


@pytest.fixture
def campaign(rita: User) -> ReviewCampaign:
    return actions.start(written(rita, title="After a renewal", by_rule=True), by=rita, at=NOON - 90 * DAY)


@pytest.fixture
def rule(campaign: ReviewCampaign) -> LifecycleRule:
    LifecycleRule.objects.update(enabled=False)
    return LifecycleRule.objects.create(
        name="Renewed: review", signal="renewed", effect="review", enabled=True, enabled_from=NOON - 10 * DAY,
        effect_params={"review": str(campaign.public_id)}, at_most=2,
    )  # fmt: skip


def renewed(contact: Contact, at: Any = NOON - DAY) -> None:
    make_signal("renewed", contact.account, at=at)


def run(at: Any = NOON) -> None:
    lifecycle.follow_signals(at=at)


def checked(campaign: ReviewCampaign, signal: str = "renewed", **more: Any) -> dict[str, list[str]]:
    given: dict[str, Any] = {"conditions": [], "whom": "champion", **more}
    return check_rule(signal=signal, effect="review", effect_params={"review": str(campaign.public_id)}, **given)


class TestTheRule:
    def test_it_asks_whom_it_reaches_once_member_or_not(self, rule: LifecycleRule) -> None:
        account = make_account()
        agreed(make_contact("Omar", account))
        ines = make_advocate("Ines", account, consents=[Purpose.PROGRAM_MAIL])
        renewed(ines.contact)
        run()
        run(NOON + DAY)
        assert asked() == {"Ines", "Omar"}
        assert Message.objects.filter(kind="review_ask", purpose=Purpose.PROGRAM_MAIL).count() == 2
        assert not budget.availability(ines, at=NOON).is_open  # it counts for everybody else who would ask her
        assert all(
            any("was asked for a review on SoftRate" in why for why in one.reasons) for one in Firing.objects.all()
        )

    def test_the_same_occasion_a_month_later_asks_nobody_again(self, rule: LifecycleRule) -> None:
        LifecycleRule.objects.filter(pk=rule.pk).update(reentry=True)
        ines = agreed(make_contact("Ines"))
        for days in (0, 30, 400):
            renewed(ines, at=NOON + (days - 1) * DAY)
            run(NOON + days * DAY)
        assert ReviewAsk.objects.count() == 1
        against = [" ".join(one.reasons) for one in Firing.objects.order_by("due_at")]
        assert "within a year" in against[1]
        assert "in this campaign already" in against[2]

    def test_a_rest_a_pause_and_a_full_budget_hold_nobody_back(self, rule: LifecycleRule) -> None:
        tired = make_advocate("Omar", consents=[Purpose.PROGRAM_MAIL])
        budget.ask(tired, channel=Channel.DESK, source_id="1", kind="reference-call", at=NOON - 2 * DAY)
        angry = make_advocate("Mei", consents=[Purpose.PROGRAM_MAIL])
        readiness.pause(angry.contact.account, reason="NPS 0", by=None, at=NOON - 2 * DAY, key="nps")
        for one in (tired, angry):
            renewed(one.contact)
        run()
        assert asked() == {"Omar", "Mei"}

    def test_ones_own_word_holds(self, rule: LifecycleRule) -> None:
        make_kind("review-site-review", is_review=True)
        never = make_advocate("Never", consents=[Purpose.PROGRAM_MAIL], never=["review-site-review"])
        for contact in (never.contact, make_contact("Silent")):
            renewed(contact)
        run()
        assert not ReviewAsk.objects.exists()
        assert not Message.objects.filter(kind="review_ask").exists()

    @pytest.mark.parametrize(
        ("ends", "said"), [("close", "is closed"), ("last day", "is closed"), ("draft", "not been")]
    )
    def test_a_campaign_that_does_not_run_asks_nobody(
        self, rule: LifecycleRule, campaign: ReviewCampaign, ends: str, said: str
    ) -> None:
        if ends == "close":
            actions.close(campaign, at=NOON - 2 * DAY)
        elif ends == "last day":
            ReviewCampaign.objects.filter(pk=campaign.pk).update(closes_on=(NOON - 2 * DAY).date())
        else:
            ReviewCampaign.objects.filter(pk=campaign.pk).update(status="draft")
        renewed(agreed(make_contact("Ines")))
        run()
        assert not ReviewAsk.objects.exists()
        assert said in " ".join(Firing.objects.get().reasons)

    def test_the_clock_asks_nobody_in_it_by_itself(self, campaign: ReviewCampaign) -> None:
        agreed(make_contact("Ines"))
        assert actions.work(at=NOON) == 0
        assert not ReviewAsk.objects.exists()

    def test_who_was_asked_by_a_campaign_for_all_is_not_asked_by_the_rule(
        self, rule: LifecycleRule, rita: User
    ) -> None:
        ines = agreed(make_contact("Ines"))
        actions.start(written(rita), by=rita, at=NOON - 5 * DAY)
        actions.work(at=NOON - 5 * DAY)
        renewed(ines)
        run()
        assert ReviewAsk.objects.count() == 1


class TestTheGuard:
    @pytest.mark.parametrize("signal", ["nps", "csat", "escalation_closed", "joined_program", "churn_notice"])
    def test_nothing_felt_and_nothing_of_the_program_starts_it(self, campaign: ReviewCampaign, signal: str) -> None:
        assert "effect" in checked(campaign, signal)

    def test_what_is_neutral_may(self, campaign: ReviewCampaign) -> None:
        assert not checked(campaign)
        assert not checked(campaign, conditions=[{"fact": "account.industry", "is": "is", "value": "Food"}])

    def test_no_condition_and_no_cohort_of_feelings(self, campaign: ReviewCampaign) -> None:
        feelings = [key for key, fact in rules_of_life.FACTS.items() if fact.sentiment]
        assert feelings
        for key in feelings:
            is_number = rules_of_life.FACTS[key].number
            condition = {"fact": key, "is": "at_least" if is_number else "is", "value": 9 if is_number else "ready"}
            assert "effect" in checked(campaign, conditions=[condition]), key
        members = cohort_of(all=[MEMBERS])
        assert "effect" in checked(campaign, among=rules.segment_of(members.definition))

    def test_it_looks_again_when_it_runs(self, rule: LifecycleRule) -> None:
        cohort = cohort_of(all=[{"fact": "account.industry", "value": ["Food"]}])
        LifecycleRule.objects.filter(pk=rule.pk).update(cohort=cohort)
        renewed(agreed(make_contact("Ines", make_account(industry="Food"))))
        Cohort.objects.filter(pk=cohort.pk).update(definition={"all": [MEMBERS]})
        run()
        assert not ReviewAsk.objects.exists()

    @settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        felt=st.lists(
            st.fixed_dictionaries(
                {
                    "nps": st.none() | st.integers(0, 10), "paused": st.booleans(), "member": st.booleans(),
                    "asked": st.booleans(), "agreed": st.booleans(),
                }
            ),
            min_size=2, max_size=4,
        )
    )  # fmt: skip
    def test_whoever_differs_only_in_what_they_feel_and_what_follows_is_asked_alike(
        self, rule: LifecycleRule, felt: list[dict[str, Any]]
    ) -> None:
        with transaction.atomic():
            people = []
            for number, one in enumerate(felt):
                said = [Purpose.PROGRAM_MAIL] if one["agreed"] else []
                if one["member"]:
                    advocate = make_advocate("Mei", make_account(), user=False, consents=said)
                    contact = advocate.contact
                    if one["asked"]:
                        budget.ask(advocate, channel=Channel.DESK, source_id=str(number), kind="", at=NOON - 3 * DAY)
                else:
                    contact = make_contact("Mei", make_account())
                    if one["agreed"]:
                        agreed(contact)
                if one["nps"] is not None:
                    make_signal("nps", contact.account, contact=contact, value=one["nps"], at=NOON - 5 * DAY)
                if one["paused"]:
                    readiness.pause(contact.account, reason="NPS", by=None, at=NOON - 2 * DAY, key="nps")
                renewed(contact)
                people.append((contact.pk, one["agreed"]))
            run()
            got = set(ReviewAsk.objects.values_list("contact_id", flat=True))
            assert got == {pk for pk, has_agreed in people if has_agreed}
            transaction.set_rollback(True)


class TestTheDryRun:
    def test_it_says_what_the_clock_then_does(self, rule: LifecycleRule) -> None:
        for name in ("Ines", "Omar"):
            renewed(agreed(make_contact(name)))
        renewed(make_contact("Silent"))
        told = list(lifecycle.dry_run(rule, at=NOON, start=NOON - 9 * DAY, end=NOON))
        run()
        assert ReviewAsk.objects.count() == sum(bool(one.fires) for one in told) == 2

    def test_twice_in_the_period_asks_once_as_the_clock_would(self, rule: LifecycleRule) -> None:
        LifecycleRule.objects.filter(pk=rule.pk).update(reentry=True)
        rule.refresh_from_db()
        ines = agreed(make_contact("Ines"), at=NOON - 30 * DAY)
        for days in (8, 3):
            renewed(ines, at=NOON - days * DAY)
        told = list(lifecycle.dry_run(rule, at=NOON, start=NOON - 9 * DAY, end=NOON))
        for days in (7, 2):
            run(NOON - days * DAY)
        assert ReviewAsk.objects.count() == sum(bool(one.fires) for one in told) == 1

    def test_what_would_have_been_asked_before_counts_for_others(self, rule: LifecycleRule) -> None:
        ines = make_advocate("Ines")
        before = Done("Renewed", "review", ines.contact.account_id, ines.contact, NOON - DAY, rule.effect_params)
        for effect, params in (("offer", {"kinds": ["webinar"]}), ("survey", {}), ("review", rule.effect_params)):
            why_not = rules_of_life.effects()[effect].why_not_after()
            assert why_not(ines.contact, [before], NOON, params), effect
        offered = Done("Other", "offer", ines.contact.account_id, ines.contact, NOON - DAY, {"kinds": ["webinar"]})
        assert (
            rules_of_life.effects()["review"].why_not_after()(ines.contact, [offered], NOON, rule.effect_params) is None
        )

    @settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        people=st.lists(
            st.fixed_dictionaries(
                {
                    "member": st.booleans(), "never": st.booleans(), "agreed": st.booleans(),
                    "ends": st.none() | st.integers(-20, 20), "asked": st.none() | st.integers(-400, 10),
                }
            ),
            min_size=1, max_size=4,
        ),
        closed=st.booleans(),
        moments=st.lists(st.integers(-30, 400), min_size=1, max_size=3),
    )  # fmt: skip
    def test_of_many_it_is_what_asking_about_each_alone_says(
        self, rule: LifecycleRule, rita: User, people: Any, closed: bool, moments: list[int]
    ) -> None:
        effect = rules_of_life.effects()["review"]
        assert effect.why_not_many is not None
        with transaction.atomic():
            make_kind("review-site-review", is_review=True)
            other = written(rita, title="Another")
            if closed:
                ReviewCampaign.objects.filter(by_rule=True).update(status="closed", closed_at=NOON)
            asked_about: list[tuple[Contact, Any]] = []
            for one in people:
                contact = make_contact("Ines", make_account())
                if one["agreed"]:
                    until = None if one["ends"] is None else NOON + one["ends"] * DAY
                    consent.grant(
                        contact, Purpose.PROGRAM_MAIL, wording="Yes.", at=NOON - 90 * DAY, source="t", expires_at=until
                    )
                if one["member"]:
                    never = ["review-site-review"] if one["never"] else []
                    make_advocate(contact=contact, user=False, consents=[], never=never)
                if one["asked"] is not None:
                    ReviewAsk.objects.create(campaign=other, contact=contact, asked_at=NOON + one["asked"] * DAY)
                asked_about += [(contact, NOON + day * DAY) for day in moments]
            alone = [effect.why_not(contact, at, rule.effect_params) for contact, at in asked_about]
            assert effect.why_not_many(asked_about, rule.effect_params) == alone
            transaction.set_rollback(True)

    def test_of_many_it_costs_no_more_queries(self, rule: LifecycleRule, queries_of: QueriesOf) -> None:
        def more(number: int) -> None:
            for _each in range(number):
                renewed(agreed(make_contact("Ines", make_account())))

        def look() -> None:
            assert all(one.fires for one in lifecycle.dry_run(rule, at=NOON, start=NOON - 30 * DAY))

        more(2)
        few = queries_of(look)
        more(30)
        assert queries_of(look) <= few


class TestThePages:
    def test_rita_writes_one_for_rules_and_opens_it(self, client: Client, rita: User, campaign: ReviewCampaign) -> None:
        client.force_login(rita)
        site = campaign.site_id
        given = {"title": "After a launch", "site": site, "words": "Good or bad.", "by_rule": "1"}
        refused = client.post(reverse("opportunities:campaign_new"), {**given, "cohort": cohort_of(all=[]).pk})
        assert refused.status_code == 422
        assert client.post(reverse("opportunities:campaign_new"), given).status_code == 302
        made = ReviewCampaign.objects.get(title="After a launch")
        page = client.get(reverse("opportunities:campaign", args=[made.public_id])).content.decode()
        assert "No rule asks in it yet" in page and "Let rules ask" in page
        client.post(reverse("opportunities:campaign_start", args=[made.public_id]))
        made.refresh_from_db()
        assert made.status == "running"

    def test_the_page_names_the_rules_that_ask_in_it(
        self, client: Client, rita: User, rule: LifecycleRule, campaign: ReviewCampaign
    ) -> None:
        client.force_login(rita)
        page = client.get(reverse("opportunities:campaign", args=[campaign.public_id])).content.decode()
        assert "Renewed: review" in page

    def test_lena_chooses_it_for_a_rule_but_not_after_a_score(self, client: Client, campaign: ReviewCampaign) -> None:
        client.force_login(make_user("Lena", Role.LEAD))
        page = reverse("advocates:new_rule")
        given = {
            "name": "Ask", "signal": "renewed", "effect": "review", "roles": ["champion"], "at_most": "1",
            "which_review": str(campaign.public_id),
        }  # fmt: skip
        assert client.post(page, {**given, "signal": "nps"}).status_code == 422
        assert client.post(page, {**given, "which_review": ""}).status_code == 422
        assert not LifecycleRule.objects.filter(name="Ask").exists()
        assert client.post(page, given).status_code == 302
        assert LifecycleRule.objects.get(name="Ask").effect_params == {"review": str(campaign.public_id)}

    def test_a_cohort_and_a_rule_do_not_both_choose(self, rita: User, campaign: ReviewCampaign) -> None:
        with pytest.raises(Refused, match="the rule says whom"):
            written(rita, cohort=cohort_of(all=[]), by_rule=True)
        with pytest.raises(IntegrityError), transaction.atomic():
            ReviewCampaign.objects.filter(pk=campaign.pk).update(cohort=cohort_of(all=[]))


def test_a_year_is_a_year(campaign: ReviewCampaign) -> None:
    known = rules.Known(agreed=True, has_address=True, never=False, asked=[(NOON, 0)])
    for after, said in ((timedelta(days=365) - timedelta(seconds=1), True), (timedelta(days=365), False)):
        assert bool(rules.keeps_from(known, campaign.pk, at=NOON + after)) is said
