"""Signal + conditions + delay → effect, at most once for each occurrence (P16 to P18)."""

import io
import json
import threading
from datetime import UTC, date, datetime, timedelta
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.db import connections

from advocacy.crm import readiness
from advocacy.crm.catalogue import SIGNAL_KINDS
from advocacy.crm.models import Contact, Pause, RecordedBasis
from advocacy.delivery.models import Message
from advocacy.lib.lifecycle import Refused
from advocates import jobs
from advocates import lifecycle as rules
from advocates.actions import lifecycle
from advocates.lifecycle import Condition, Effect, check_rule, people_in_order
from advocates.models import (
    Advocate,
    AwayPeriod,
    Cohort,
    Firing,
    Invitation,
    InvitationTemplate,
    LifecycleRule,
    Task,
    Watermark,
)
from tests.conftest import QueriesOf
from tests.factories import NOON, make_account, make_advocate, make_contact, make_kind, make_signal, make_user

DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def words(db: None) -> None:
    """An invitation to send, whatever an earlier test did to the seeds."""
    InvitationTemplate.objects.get_or_create(
        region="",
        language="en",
        defaults={"subject": "Join {program}", "body": "Hello {given_name}", "basis": "Interest"},
    )
    LifecycleRule.objects.update(enabled=False)


def make_rule(**fields: Any) -> LifecycleRule:
    defaults: dict[str, Any] = {
        "name": "Onboarded: invite", "signal": "onboarding_closed", "effect": "invite", "enabled": True,
        "enabled_from": NOON - 10 * DAY,
    }  # fmt: skip
    return LifecycleRule.objects.create(**{**defaults, **fields})


def review_asks_land_in(asked: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    def ask(doing: rules.Doing) -> str:
        asked.append(doing)
        return ""

    effect = Effect("review", "ask for a review", do=ask, why_not=lambda *_a: None, asks_public_review=True)
    monkeypatch.setitem(rules._effects, "review", effect)


def tick(at: Any = NOON) -> None:
    lifecycle.follow_signals(at=at)


class TestTheMainPath:
    def test_onboarding_closed_invites_the_champion(self) -> None:
        cora = make_user("Cora Lind")
        acorn = make_account("Acorn", csm=cora)
        make_contact("Ada", acorn, persona="user")
        mei = make_contact("Mei", acorn, persona="champion")
        make_rule()
        make_signal("onboarding_closed", acorn, at=NOON - DAY, occurrence="onb-1")
        tick()
        firing = Firing.objects.get()
        assert (firing.status, firing.subject, firing.contact) == ("done", f"account:{acorn.pk}", mei)
        assert firing.reasons == ["Onboarding closed on 9 March 2026", "Mei Barbosa was invited to the program."]
        invitation = Invitation.objects.get()
        assert (invitation.advocate.contact, invitation.firing, invitation.invited_by) == (mei, firing, cora)
        assert invitation.advocate.status == Advocate.Status.INVITED
        message = Message.objects.get(kind="invitation")
        assert (message.contact, message.basis, message.purpose) == (mei, "invitation", "")
        assert "Mei" in message.params["body"] or "Acorn" in message.params["body"]
        assert RecordedBasis.objects.get(contact=mei).purpose == "invitation"

    def test_at_most_two_people_in_the_order_of_the_roles(self) -> None:
        acorn = make_account()
        for name, persona in (("Ada", "user"), ("Ben", "admin"), ("Cid", "champion"), ("Dot", "champion")):
            make_contact(name, acorn, persona=persona)
        make_rule(whom="admin,champion", at_most=2)
        make_signal("onboarding_closed", acorn, at=NOON - DAY)
        tick()
        assert {i.advocate.contact.given_name for i in Invitation.objects.all()} == {"Ben", "Cid"}

    def test_whoever_cannot_be_reached_is_passed_over_with_the_reason(self) -> None:
        acorn = make_account()
        make_advocate("Ines", acorn)
        make_contact("Gone", acorn, left_on=(NOON - DAY).date())
        omar = make_contact("Omar", acorn, persona="admin")
        make_rule()
        make_signal("onboarding_closed", acorn, at=NOON - DAY)
        tick()
        firing = Firing.objects.get()
        assert firing.contact == omar
        assert "Ines Barbosa is a member already." in firing.reasons

    def test_nobody_fits_opens_a_task_for_the_manager(self) -> None:
        cora = make_user("Cora Lind")
        acorn = make_account("Acorn", csm=cora)
        make_contact("Ada", acorn, persona="other")
        make_rule()
        make_signal("onboarding_closed", acorn, at=NOON - DAY)
        tick()
        assert Firing.objects.get().status == "refused"
        task = Task.objects.get(kind="find")
        assert task.assignee == cora and "Acorn" in task.text
        tick(NOON + DAY)
        assert Task.objects.filter(kind="find").count() == 1

    def test_bad_news_in_the_same_file_wins(self) -> None:
        acorn = make_account()
        make_contact("Mei", acorn)
        make_rule()
        make_signal("onboarding_closed", acorn, at=NOON - DAY)
        make_signal("escalation_opened", acorn, at=NOON - DAY / 2)
        tick()
        assert not Invitation.objects.exists()
        assert any("Asks are paused" in reason for reason in Firing.objects.get().reasons)

    def test_a_signal_about_a_person_reaches_that_person_only(self) -> None:
        acorn = make_account()
        make_contact("Boss", acorn, persona="champion")
        omar = make_contact("Omar", acorn, persona="user")
        make_rule(name="Certified: invite them", signal="certified")
        make_signal("certified", acorn, contact=omar, at=NOON - DAY)
        tick()
        assert Firing.objects.get().subject == f"contact:{omar.pk}"
        assert Invitation.objects.get().advocate.contact == omar

    def test_a_region_without_recorded_basis_invites_nobody(self) -> None:
        InvitationTemplate.objects.all().delete()
        InvitationTemplate.objects.create(region="Asia", language="en", subject="s", body="b", basis="x")
        acorn = make_account(region="Europe")
        make_contact("Mei", acorn)
        make_rule()
        make_signal("onboarding_closed", acorn, at=NOON - DAY)
        tick()
        assert not Message.objects.filter(kind="invitation").exists()
        assert any("recorded basis" in reason for reason in Firing.objects.get().reasons)


class TestAtMostOnce:
    def setup_method(self) -> None:
        self.acorn = make_account("Acorn")
        make_contact("Mei", self.acorn)

    def test_ticks_and_imports_again_fire_nothing_more(self) -> None:
        make_rule()
        signal = make_signal("onboarding_closed", self.acorn, at=NOON - DAY, occurrence="onb-1")
        for minute in range(3):
            tick(NOON + timedelta(minutes=minute))
        type(signal).objects.filter(pk=signal.pk).update(received_at=NOON + DAY)  # the same file, loaded again
        make_signal(
            "onboarding_closed", self.acorn, at=NOON - DAY, occurrence="onb-1", source="other"
        )  # another source
        tick(NOON + 2 * DAY)
        assert Firing.objects.count() == Invitation.objects.count() == 1

    def test_off_and_on_again_fires_nothing_more(self) -> None:
        rule = make_rule()
        make_signal("onboarding_closed", self.acorn, at=NOON - DAY)
        tick()
        lifecycle.switch_off(rule, at=NOON)
        lifecycle.switch_on(rule, at=NOON)
        LifecycleRule.objects.filter(pk=rule.pk).update(enabled_from=NOON - 30 * DAY)  # even by hand, far back
        tick(NOON + DAY)
        assert Firing.objects.count() == 1

    def test_lost_marks_cost_nothing_but_time(self) -> None:
        make_rule()
        make_signal("onboarding_closed", self.acorn, at=NOON - DAY)
        tick()
        Watermark.objects.all().delete()
        tick(NOON + DAY)
        assert Firing.objects.count() == 1

    def test_history_never_fires_a_rule_that_is_switched_on(self) -> None:
        make_signal("onboarding_closed", self.acorn, at=NOON - DAY, received_at=NOON + DAY)  # arrives late, too
        rule = make_rule(enabled=False, enabled_from=None)
        lifecycle.switch_on(rule, at=NOON)
        tick(NOON + 2 * DAY)
        assert not Firing.objects.exists()
        make_signal("onboarding_closed", self.acorn, at=NOON + DAY, received_at=NOON + 2 * DAY)
        tick(NOON + 2 * DAY)
        assert Firing.objects.get().status == "done"

    def test_a_clock_that_stood_still_finds_what_came_meanwhile(self) -> None:
        make_rule()
        tick(NOON - 5 * DAY)
        make_signal("onboarding_closed", self.acorn, at=NOON - 4 * DAY, received_at=NOON - 4 * DAY)
        tick(NOON + 30 * DAY)
        assert Firing.objects.get().status == "done"

    def test_a_signal_dated_ahead_fires_on_its_day(self) -> None:
        make_rule()
        make_signal("onboarding_closed", self.acorn, at=NOON + 10 * DAY, received_at=NOON)
        tick(NOON + DAY)
        assert not Firing.objects.exists()
        tick(NOON + 9 * DAY)
        tick(NOON + 11 * DAY)
        assert Firing.objects.get().status == "done"

    def test_another_occurrence_only_with_reentry(self) -> None:
        rule = make_rule(effect="task", effect_params={"text": "call"})
        make_signal("onboarding_closed", self.acorn, at=NOON - DAY, occurrence="2025")
        tick()
        make_signal("onboarding_closed", self.acorn, at=NOON, occurrence="2026")
        tick(NOON + DAY)
        assert list(Firing.objects.order_by("pk").values_list("status", flat=True)) == ["done", "refused"]
        LifecycleRule.objects.filter(pk=rule.pk).update(reentry=True)
        make_signal("onboarding_closed", self.acorn, at=NOON + DAY, occurrence="2027", received_at=NOON + DAY)
        tick(NOON + 2 * DAY)
        assert Firing.objects.filter(status="done").count() == 2

    def test_two_occurrences_at_once_without_reentry_reach_once(self) -> None:
        make_rule(effect="task", effect_params={"text": "call"})
        for year in ("2025", "2026"):
            make_signal("onboarding_closed", self.acorn, at=NOON - DAY, occurrence=year)
        tick()
        assert sorted(Firing.objects.values_list("status", flat=True)) == ["done", "refused"]
        assert Task.objects.filter(kind="other").count() == 1


class TestDelay:
    def test_it_waits_for_its_day_and_looks_again_then(self) -> None:
        acorn = make_account()
        make_contact("Mei", acorn)
        make_rule(delay_days=7, conditions=[{"fact": "account.region", "is": "is", "value": "Europe"}])
        make_signal("onboarding_closed", acorn, at=NOON - DAY)
        tick()
        assert Firing.objects.get().status == "waiting"
        tick(NOON + 5 * DAY)
        assert Firing.objects.get().status == "waiting"
        acorn.region = "Asia"
        acorn.save()
        tick(NOON + 7 * DAY)
        firing = Firing.objects.get()
        assert firing.status == "refused"
        assert "the account's region is Europe: no, it is Asia" in firing.reasons

    def test_switching_off_cancels_what_waits_and_keeps_it_on_record(self) -> None:
        acorn = make_account()
        make_contact("Mei", acorn)
        rule = make_rule(delay_days=7)
        make_signal("onboarding_closed", acorn, at=NOON - DAY)
        tick()
        assert lifecycle.switch_off(rule, at=NOON) == 1
        lifecycle.switch_on(rule, at=NOON)
        tick(NOON + 30 * DAY)
        assert Firing.objects.get().status == "cancelled"
        assert not Invitation.objects.exists()

    def test_a_fault_in_one_firing_does_not_hold_the_others(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(doing: Any) -> str:
            if doing.contact.given_name == "Bad":
                raise RuntimeError("boom")
            return "done"

        monkeypatch.setitem(rules._effects, "odd", Effect("odd", "odd", do=fail, why_not=lambda *_a: None))
        make_rule(effect="odd")
        for name in ("Bad", "Good"):
            account = make_account()
            make_contact(name, account)
            make_signal("onboarding_closed", account, at=NOON - DAY)
        tick()
        assert sorted(Firing.objects.values_list("status", flat=True)) == ["done", "waiting"]


class TestConditions:
    @pytest.mark.parametrize(
        ("raw", "actual", "holds"),
        [
            ({"fact": "account.region", "is": "is", "value": "europe"}, "Europe", True),
            ({"fact": "account.region", "is": "is_not", "value": "Europe"}, "", True),
            ({"fact": "account.industry", "is": "one_of", "value": ["Food", "Retail"]}, "retail", True),
            ({"fact": "account.employees", "is": "at_least", "value": 500}, 500, True),
            ({"fact": "account.employees", "is": "at_least", "value": 500}, None, False),
            ({"fact": "signal.value", "is": "at_most", "value": "6"}, 7, False),
            ({"fact": "account.products", "is": "one_of", "value": ["Plan"]}, ["plan", "buy"], True),
            ({"fact": "account.products", "is": "is_not", "value": "plan"}, ["plan"], False),
        ],
    )
    def test_they_hold_or_not(self, raw: Any, actual: Any, holds: bool) -> None:
        assert Condition.read(raw).holds(actual) is holds

    @pytest.mark.parametrize(
        "raw",
        [
            "x",
            {},
            {"fact": "account.shoe", "is": "is", "value": 1},
            {"fact": ["x"], "is": "is", "value": 1},
            {"fact": "account.region", "is": "at_least", "value": 3},
            {"fact": "account.region", "is": "like", "value": 3},
            {"fact": "account.employees", "is": "is", "value": "many"},
            {"fact": "account.region", "is": "one_of", "value": "x"},
            {"fact": "account.region", "is": "is", "value": ["x"]},
            {"fact": "signal.value", "is": "is", "value": "NaN"},
        ],
    )
    def test_nonsense_is_refused_with_a_sentence(self, raw: Any) -> None:
        with pytest.raises(ValidationError):
            Condition.read(raw)

    def test_an_effect_nobody_declared_cannot_be_chosen(self) -> None:
        wrong = check_rule(signal="renewed", conditions=[], effect="fly", effect_params={}, whom="champion")
        assert list(wrong) == ["effect"]
        rule = make_rule(enabled=False, enabled_from=None, effect="fly")
        with pytest.raises(Refused, match="fly"):
            lifecycle.switch_on(rule, at=NOON)

    def test_feelings_never_lead_to_an_ask_for_a_public_review(self, monkeypatch: pytest.MonkeyPatch) -> None:
        ask = Effect("review", "ask for a review", do=lambda d: "", why_not=lambda *_a: None, asks_public_review=True)
        monkeypatch.setitem(rules._effects, "review", ask)
        fine = check_rule(signal="renewed", conditions=[], effect="review", effect_params={}, whom="champion")
        assert fine == {}
        for signal, conditions in (
            ("nps", []), ("csat", []), ("renewed", [{"fact": "account.readiness", "is": "is", "value": "ready"}]),
        ):  # fmt: skip
            assert "effect" in check_rule(
                signal=signal, conditions=conditions, effect="review", effect_params={}, whom="champion"
            )

    def test_people_by_role(self) -> None:
        acorn = make_account()
        people = [make_contact(n, acorn, persona=p) for n, p in (("A", "user"), ("B", "decider"), ("C", "champion"))]
        people.append(make_contact("NoMail", acorn, persona="champion", email=""))
        found = people_in_order(people, "champion, decider", 5)
        assert [person.given_name for person in found] == ["C", "B"]


class TestKeptToACohort:
    """Conditions over any fact about people: the rule names a cohort (P17)."""

    def cohort(self, fact: str, value: Any) -> Cohort:
        return Cohort.objects.create(name=f"By {fact}", definition={"all": [{"fact": fact, "value": value}]})

    def test_only_whoever_belongs_is_reached_and_the_others_are_named(self) -> None:
        acorn = make_account()
        make_contact("Mei", acorn, title="Buyer")
        omar = make_contact("Omar", acorn, persona="admin", title="Head of Logistics")
        rule = make_rule(cohort=self.cohort("contact.title", ["logistics"]))
        make_signal("onboarding_closed", acorn, at=NOON - DAY)
        (said,) = lifecycle.dry_run(rule, at=NOON)
        tick()
        assert said.people == [omar] and Invitation.objects.get().advocate.contact == omar
        assert "Mei Barbosa does not belong to the cohort “By contact.title”." in Firing.objects.get().reasons

    def test_who_belongs_is_looked_up_on_the_day(self) -> None:
        mei = make_contact("Mei", make_account(), title="Head of Logistics")
        make_rule(cohort=self.cohort("contact.title", ["logistics"]), delay_days=3)
        make_signal("onboarding_closed", mei.account, at=NOON)
        tick()
        Contact.objects.update(title="Buyer")
        tick(NOON + 4 * DAY)
        assert Firing.objects.get().status == "refused"

    def test_a_deed_that_reaches_nobody_in_person_takes_none(self) -> None:
        rule = make_rule(
            effect="task", effect_params={"text": "call"}, enabled=False, enabled_from=None,
            cohort=self.cohort("contact.title", ["logistics"]),
        )  # fmt: skip
        with pytest.raises(Refused, match="no cohort can choose"):
            lifecycle.switch_on(rule, at=NOON)

    def test_feelings_do_not_come_in_through_a_cohort(self, monkeypatch: pytest.MonkeyPatch) -> None:
        ask = Effect("review", "ask for a review", do=lambda d: "", why_not=lambda *_a: None, asks_public_review=True)
        monkeypatch.setitem(rules._effects, "review", ask)
        for fact, value, fine in (("signal.nps.least", 9, False), ("account.region", ["Europe"], True)):
            rule = make_rule(
                name=fact, effect="review", enabled=False, enabled_from=None, cohort=self.cohort(fact, value)
            )
            if fine:
                lifecycle.switch_on(rule, at=NOON)
            else:
                with pytest.raises(Refused, match="public review"):
                    lifecycle.switch_on(rule, at=NOON)

    def test_a_cohort_rewritten_after_the_rule_was_saved_sends_nothing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        asked: list[Any] = []
        review_asks_land_in(asked, monkeypatch)
        mei = make_contact("Mei", make_account(region="Europe"), persona="champion")
        rule = make_rule(
            effect="review", enabled=False, enabled_from=None, cohort=self.cohort("account.region", ["Europe"])
        )
        lifecycle.switch_on(rule, at=NOON - 2 * DAY)
        assert rule.cohort is not None
        rule.cohort.definition = {"all": [], "exclude": [{"fact": "signal.nps", "value": 30}]}
        rule.cohort.save()
        make_signal("onboarding_closed", mei.account, at=NOON - DAY)
        (said,) = lifecycle.dry_run(rule, at=NOON)
        tick()
        assert not said.fires and asked == []
        assert Firing.objects.get().status == "refused"
        assert "how somebody feels" in " ".join(Firing.objects.get().reasons)

    def test_the_same_rule_asks_where_nothing_tells_feelings(self, monkeypatch: pytest.MonkeyPatch) -> None:
        asked: list[Any] = []
        review_asks_land_in(asked, monkeypatch)
        mei = make_contact("Mei", make_account(region="Europe"), persona="champion")
        make_rule(effect="review", cohort=self.cohort("account.region", ["Europe"]))
        make_signal("onboarding_closed", mei.account, at=NOON - DAY)
        tick()
        assert [doing.contact for doing in asked] == [mei]


class TestNobodyIsChosenForAPublicReviewByFeelings:
    """Every signal and every fact a rule or cohort is composed of (P19)."""

    REVIEW = Effect("review", "ask for a review", do=lambda d: "", why_not=lambda *_a: None, asks_public_review=True)

    @pytest.mark.parametrize(
        "signal",
        ["nps", "csat", "adoption_red_flag", "upsell_lost", "escalation_opened", "escalation_closed", "churn_notice"],
    )
    def test_neither_answers_nor_bad_news_nor_its_end_start_one(self, signal: str) -> None:
        assert rules.review_refused(self.REVIEW, signal=signal, conditions=[]) is not None

    @pytest.mark.parametrize("part", ["all", "any", "exclude"])
    def test_no_cohort_over_feelings_or_membership_chooses(self, part: str) -> None:
        read = rules.Segment.read
        for fact, value in (
            ("account.readiness", "ready"), ("signal.nps.least", 9), ("signal.escalation_closed", 30),
            ("program.status", "member"), ("program.status", "contact"), ("program.months", 0),
            ("program.activities", 1), ("program.unasked", 30), ("advocate.expertise", ["planning"]),
        ):  # fmt: skip
            among = read({part: [{"fact": fact, "value": value}]})
            assert rules.review_refused(self.REVIEW, signal="renewed", conditions=[], among=among), fact
        for fact, value in (("account.region", ["Europe"]), ("contact.title", ["Head"]), ("signal.renewed", 30)):
            among = read({part: [{"fact": fact, "value": value}]})
            assert rules.review_refused(self.REVIEW, signal="renewed", conditions=[], among=among) is None, fact

    def test_other_deeds_may_follow_feelings(self) -> None:
        care = Effect("care", "call them", do=lambda d: "", why_not=lambda *_a: None)
        assert rules.review_refused(care, signal="churn_notice", conditions=[]) is None


class TestFactsOfTheAccount:
    def test_months_since_the_contract_began_are_counted_on_the_signals_day(self) -> None:
        acorn = make_account(contract_start=date(2025, 1, 31), renewal_on=date(2026, 3, 20))
        signal = make_signal("onboarding_closed", acorn, at=datetime(2025, 2, 28, 12, tzinfo=UTC))
        facts = lifecycle.happening_of(signal).facts
        assert (facts["account.months"], facts["account.days_to_renewal"]) == (1, 385)
        signal.occurred_at = datetime(2025, 2, 27, 12, tzinfo=UTC)
        assert lifecycle.happening_of(signal).facts["account.months"] == 0
        signal.occurred_at = datetime(2024, 12, 31, 12, tzinfo=UTC)
        assert lifecycle.happening_of(signal).facts["account.months"] is None
        signal.occurred_at = datetime(2026, 3, 21, 12, tzinfo=UTC)
        assert lifecycle.happening_of(signal).facts["account.days_to_renewal"] is None


class TestDryRun:
    def run(self, *more: str) -> dict[str, Any]:
        out = io.StringIO()
        call_command("rules", "--dry-run", "--json", *more, stdout=out)
        return json.loads(out.getvalue())

    def test_a_past_period_tells_who_why_and_why_not_and_writes_nothing(self) -> None:
        acorn, birch = make_account("Acorn"), make_account("Birch", region="Asia")
        mei = make_contact("Mei", acorn)
        make_contact("Omar", birch)
        make_rule(
            enabled=False, enabled_from=None, conditions=[{"fact": "account.region", "is": "is", "value": "Europe"}]
        )
        make_signal("onboarding_closed", acorn, at=NOON - 30 * DAY)
        make_signal("onboarding_closed", birch, at=NOON - 29 * DAY)
        make_signal("onboarding_closed", birch, at=NOON - 90 * DAY)
        answer = self.run("--rule", "onboarded: invite", "--from", "2026-02-01", "--to", "2026-02-28")
        assert not Firing.objects.exists() and not Message.objects.exists() and not Invitation.objects.exists()
        rule = answer["rules"][0]
        assert (rule["signals"], rule["would_fire"]) == (2, 1)
        yes, no = rule["firings"]
        assert yes["fires"] and yes["who"] == [{"contact": mei.pk, "name": "Mei Barbosa"}]
        assert not no["fires"]
        assert any("no, it is Asia (as known today)" in why for why in no["why"])

    def test_readiness_and_membership_are_read_as_they_were_then(self) -> None:
        acorn, birch = make_account("Acorn"), make_account("Birch")
        make_advocate("Ines", acorn, at=NOON - 5 * DAY, created_at=NOON - 5 * DAY)  # joined after the period
        make_contact("Omar", birch)
        make_rule(enabled=False, enabled_from=None)
        for account in (acorn, birch):
            make_signal("onboarding_closed", account, at=NOON - 30 * DAY)
        make_signal("escalation_opened", birch, at=NOON - 31 * DAY, occurrence="T")
        tick(NOON - 30 * DAY)
        make_signal("escalation_closed", birch, at=NOON - 20 * DAY, occurrence="T")
        tick(NOON)
        found = {
            f["account"]: f
            for f in self.run("--rule", "Onboarded: invite", "--from", "2026-01-01")["rules"][0]["firings"]
        }
        assert found["Acorn"]["fires"], "she had not joined yet"
        assert not found["Birch"]["fires"], "asks were paused then"

    def test_without_a_period_it_tells_what_the_rules_that_are_on_would_do_now(self) -> None:
        acorn = make_account()
        make_contact("Mei", acorn)
        make_rule()
        make_signal("onboarding_closed", acorn, at=NOON - DAY)
        assert self.run()["rules"][0]["would_fire"] == 1
        tick()
        rule = self.run()["rules"][0]
        assert rule["would_fire"] == 0
        assert "The rule has fired for this occurrence already." in rule["firings"][0]["why"]

    def test_rules_tried_together_find_what_the_others_would_have_done(self) -> None:
        acorn = make_account("Acorn")
        make_contact("Mei", acorn)
        make_rule(name="Renewed: invite", signal="renewed")
        make_rule(name="Upgraded: invite", signal="upgraded", enabled=False, enabled_from=None)
        make_signal("renewed", acorn, at=NOON - 3 * DAY)
        make_signal("upgraded", acorn, at=NOON - 5 * DAY)
        both = ["--rule", "renewed: invite", "--rule", "upgraded: invite", "--from", "2026-03-01"]
        later, first = self.run(*both)["rules"]
        assert (first["would_fire"], later["would_fire"]) == (1, 0)
        assert "Mei Barbosa has an invitation that is still open." in later["firings"][0]["why"]
        (alone,) = self.run("--on", "--from", "2026-03-01")["rules"]
        assert (alone["rule"], alone["would_fire"]) == ("Renewed: invite", 1)

    def test_many_lines_cost_no_more_queries_than_few(self, queries_of: QueriesOf) -> None:
        rule = make_rule(enabled=False, enabled_from=None, at_most=2)

        def look() -> None:
            list(lifecycle.dry_run(rule, at=NOON, start=NOON - 300 * DAY))

        def more(number: int) -> None:
            for _each in range(number):
                acorn = make_account()
                make_contact("Mei", acorn)
                make_contact("Omar", acorn, persona="admin")
                make_signal("onboarding_closed", acorn, at=NOON - 30 * DAY)

        more(2)
        few = queries_of(look)
        more(30)
        assert queries_of(look) == few

    def test_wrong_arguments_meet_a_clear_word(self) -> None:
        with pytest.raises(CommandError, match="Only --dry-run"):
            call_command("rules")
        with pytest.raises(CommandError, match="no rule “Nonsense”"):
            self.run("--rule", "Nonsense")
        with pytest.raises(CommandError, match="not a date"):
            self.run("--from", "yesterday")
        with pytest.raises(CommandError, match="before --from"):
            self.run("--from", "2026-03-02", "--to", "2026-03-01")


class TestADryRunSaysWhatTheClockWillDo:
    """What it says now is what a live run does, at its moment, with what it has done before."""

    def try_now(self, rule: LifecycleRule, at: Any = NOON) -> list[lifecycle.Tried]:
        return list(lifecycle.dry_run(rule, at=at))

    def test_what_is_overdue_is_judged_now_and_not_as_of_its_day(self) -> None:
        mei = make_contact("Mei", make_account("Acorn"))
        rule = make_rule(delay_days=2)
        make_signal("onboarding_closed", mei.account, at=NOON - 8 * DAY)
        make_advocate(contact=mei, at=NOON - DAY)  # she joined after the rule's day had come
        (said,) = self.try_now(rule)
        assert not said.fires and "Mei Barbosa is a member already." in said.reasons
        tick()
        assert Firing.objects.get().status == "refused"

    def test_what_is_to_come_is_judged_on_its_day(self) -> None:
        acorn = make_account("Acorn")
        make_contact("Mei", acorn)
        rule = make_rule(delay_days=9)
        make_signal("onboarding_closed", acorn, at=NOON - DAY)
        readiness.pause(acorn, reason="Quarter's end", by=None, at=NOON - DAY, until=(NOON + 3 * DAY).date())
        (said,) = self.try_now(rule)
        assert said.fires and said.due_at == NOON + 8 * DAY, "the pause will be over by then"
        tick()
        readiness.release_on_date(at=NOON + 5 * DAY)
        tick(NOON + 8 * DAY)
        assert Firing.objects.get().status == "done"

    def test_what_waits_for_its_day_is_told_apart(self) -> None:
        acorn = make_account("Acorn")
        make_contact("Mei", acorn)
        rule = make_rule(delay_days=7)
        make_signal("onboarding_closed", acorn, at=NOON - DAY)
        tick()
        (said,) = self.try_now(rule)
        assert said.fires and said.waits and said.due_at == NOON + 6 * DAY
        assert "It waits until 16 March 2026." in said.reasons
        tick(NOON + 6 * DAY)
        (said,) = self.try_now(rule, NOON + 6 * DAY)
        assert not said.fires and not said.waits
        assert "The rule has fired for this occurrence already." in said.reasons

    def test_one_person_is_not_chosen_twice(self) -> None:
        acorn = make_account("Acorn")
        mei, omar = make_contact("Mei", acorn), make_contact("Omar", acorn, persona="admin")
        rule = make_rule(reentry=True)
        for hours in (3, 2, 1):
            make_signal("onboarding_closed", acorn, at=NOON - timedelta(hours=hours))
        first, second, third = self.try_now(rule)
        assert (first.people, second.people, third.people) == ([mei], [omar], [])
        assert "Mei Barbosa has an invitation that is still open." in second.reasons
        tick()
        done = Firing.objects.order_by("pk").values_list("status", "contact")
        assert list(done) == [("done", mei.pk), ("done", omar.pk), ("refused", None)]

    def test_an_occurrence_told_by_two_sources_counts_once(self) -> None:
        acorn = make_account("Acorn")
        rule = make_rule(effect="task", effect_params={"text": "call"}, reentry=True)
        for source in ("crm", "support"):
            make_signal("onboarding_closed", acorn, at=NOON - DAY, occurrence="onb-1", source=source)
        assert [said.fires for said in self.try_now(rule)] == [True, False]

    def test_a_period_counts_from_what_the_rule_has_done_in_it(self) -> None:
        acorn = make_account("Acorn")
        rule = make_rule(effect="task", effect_params={"text": "call"})
        make_signal("onboarding_closed", acorn, at=NOON - 5 * DAY)
        tick(NOON - 5 * DAY)
        make_signal("onboarding_closed", acorn, at=NOON - 3 * DAY)
        first, second = lifecycle.dry_run(rule, at=NOON, start=NOON - 8 * DAY)
        assert not first.fires and not second.fires
        assert "The rule has reached them before, and re-entry is off." in second.reasons

    def test_an_invitation_that_was_open_then_stood_in_the_way_then(self) -> None:
        mei = make_contact("Mei", make_account("Acorn"))
        known = Advocate.objects.create(contact=mei, status="declined")
        Invitation.objects.create(
            advocate=known, status="declined", created_at=NOON - 20 * DAY, answered_at=NOON - 5 * DAY,
            expires_at=NOON + 40 * DAY,
        )  # fmt: skip
        rule = make_rule(enabled=False, enabled_from=None, reentry=True)
        for days in (30, 10, 2):
            make_signal("onboarding_closed", mei.account, at=NOON - days * DAY)
        before, meanwhile, after = lifecycle.dry_run(rule, at=NOON, start=NOON - 40 * DAY)
        assert before.fires
        assert "Mei Barbosa has an invitation that is still open." in meanwhile.reasons
        assert "Mei Barbosa said no to an invitation." in after.reasons

    def test_a_late_signal_is_tried_when_it_came_in_and_old_history_on_its_day(self) -> None:
        acorn, birch = make_account("Acorn"), make_account("Birch")
        make_contact("Mei", acorn)
        make_contact("Omar", birch)
        rule = make_rule(enabled=False, enabled_from=None)
        make_signal("onboarding_closed", acorn, at=NOON - 20 * DAY, received_at=NOON - 10 * DAY)
        make_signal("onboarding_closed", birch, at=NOON - 90 * DAY, received_at=NOON)  # loaded when the portal began
        old, late = lifecycle.dry_run(rule, at=NOON, start=NOON - 100 * DAY)
        assert (old.due_at, late.due_at) == (NOON - 90 * DAY, NOON - 10 * DAY)


class TestTheUsualRules:
    def test_every_signal_of_the_catalogue_has_a_rule_and_the_usual_ones_are_on(self) -> None:
        for migration in ("0003_usual_rules_and_invitations", "0010_usual_rules_of_use_and_webinars"):
            seeds = import_module(f"advocates.migrations.{migration}")
            seeds.seed(apps, None)
            seeds.seed(apps, None)  # a second time adds nothing
        heeded = set(LifecycleRule.objects.values_list("signal", flat=True))
        assert heeded == set(SIGNAL_KINDS)
        usual = {
            "Onboarding closed: invite to the program", "Six months with use: introduce to mentors and peers",
            "Nine months in: ask how it has gone so far", "Nine months in: invite to the program, with early access",
            "Two webinars: offer a webinar or a blog post",
        }  # fmt: skip
        assert LifecycleRule.objects.filter(name__in=usual).count() == len(usual)
        assert len(LifecycleRule.objects.values_list("name")) == len(set(LifecycleRule.objects.values_list("name")))

    def test_each_can_be_switched_on_as_it_is(self) -> None:
        seeds = import_module("advocates.migrations.0010_usual_rules_of_use_and_webinars")
        for slug in ("webinar", "blog-post"):
            make_kind(slug)
        make_advocate("Ines")  # a program with people gets drafts
        LifecycleRule.objects.all().delete()
        seeds.seed(apps, None)
        assert not LifecycleRule.objects.filter(enabled=True).exists()
        for rule in LifecycleRule.objects.all():
            lifecycle.switch_on(rule, at=NOON)
        LifecycleRule.objects.all().delete()
        Advocate.objects.all().delete()
        seeds.seed(apps, None)
        assert LifecycleRule.objects.filter(enabled=True, enabled_from__isnull=False).count() == 4

    def test_six_months_with_use_introduces_to_two_members_who_know_the_way(self) -> None:
        cora = make_user("Cora Lind")
        acorn = make_account("Acorn", csm=cora, industry="Food", region="Europe")
        make_contact("Mei", acorn)
        make_advocate("Asia", make_account("Far", region="Asia", industry="Steel"))
        make_advocate("Ines", make_account("Birch", region="Asia", industry="Food"))
        make_advocate("Omar", make_account("Cedar", region="Europe", industry="Food"))
        make_advocate("Shy", make_account("Shy", region="Europe", industry="Food"), consents=["program_mail"])
        away = make_advocate("Away", make_account("Away", region="Europe", industry="Food"))
        AwayPeriod.objects.create(advocate=away, starts_on=(NOON - DAY).date(), ends_on=(NOON + DAY).date())
        rule = make_rule(name="Peers", signal="six_months_use", effect="connect")
        make_signal("six_months_use", acorn, at=NOON - DAY)
        (said,) = lifecycle.dry_run(rule, at=NOON)
        assert said.fires and not Task.objects.exists()
        tick()
        task = Task.objects.get()
        assert task.text == "Acorn: introduce Mei Barbosa to Omar Barbosa (Cedar) and Ines Barbosa (Birch)."
        assert task.assignee == cora and Firing.objects.get().status == "done"

    def test_nobody_to_be_introduced_to_is_a_task_for_the_manager(self) -> None:
        make_contact("Mei", acorn := make_account("Acorn"))
        make_rule(name="Peers", signal="six_months_use", effect="connect")
        make_signal("six_months_use", acorn, at=NOON - DAY)
        tick()
        assert "No member who may be introduced fits Mei Barbosa." in Firing.objects.get().reasons
        assert Task.objects.get().kind == "find"

    def test_nine_months_in_the_invitation_speaks_of_betas(self) -> None:
        make_contact("Mei", acorn := make_account("Acorn"))
        make_rule(name="Nine", signal="nine_months", effect_params={"beta": True})
        make_signal("nine_months", acorn, at=NOON - DAY)
        tick()
        assert "betas are open to you" in Message.objects.get(kind="invitation").params["body"]

    def test_a_person_who_cannot_be_reached_opens_no_task_to_find_another(self) -> None:
        ines = make_advocate("Ines")
        make_rule(name="Certified", signal="certified")
        make_signal("certified", ines.contact.account, contact=ines.contact, at=NOON - DAY)
        tick()
        assert Firing.objects.get().status == "refused" and not Task.objects.exists()


class TestLettingAsksRest:
    def test_two_rules_in_one_tick_both_rest_and_each_is_on_record(self) -> None:
        acorn = make_account("Acorn")
        for name, days in (("Upsell: rest", 14), ("Quarter: rest", 30)):
            make_rule(name=name, signal="upsell_started", effect="rest", effect_params={"days": days})
        make_signal("upsell_started", acorn, at=NOON - DAY)
        tick()
        assert list(Firing.objects.values_list("status", flat=True)) == ["done", "done"]
        keys = {f"rule:{pk}" for pk in Firing.objects.values_list("pk", flat=True)}
        assert set(Pause.objects.filter(account=acorn).values_list("key", flat=True)) == keys

    @pytest.mark.parametrize("params", [[], "", ["days"], "30", 30, None])
    def test_what_an_effect_needs_is_an_object_of_names_and_values(self, params: Any) -> None:
        wrong = check_rule(signal="renewed", conditions=[], effect="rest", effect_params=params, whom="champion")
        assert "object of names and values" in wrong["effect_params"][0]


@pytest.mark.django_db(transaction=True)
class TestTwoClocks:
    def test_two_clocks_at_once_invite_once(self) -> None:
        for _number in range(8):
            account = make_account()
            make_contact("Mei", account)
            make_signal("onboarding_closed", account, at=NOON - DAY)
        make_rule()
        errors: list[Exception] = []

        def clock() -> None:
            try:
                tick()
            except Exception as error:
                errors.append(error)
            finally:
                connections.close_all()

        threads = [threading.Thread(target=clock) for _each in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert not errors
        assert Firing.objects.filter(status="done").count() == 8
        assert Invitation.objects.count() == Message.objects.filter(kind="invitation").count() == 8


class TestLateArrivals:
    def test_an_import_that_took_half_an_hour_is_found_by_the_hourly_look(self) -> None:
        acorn = make_account()
        make_contact("Mei", acorn)
        make_rule()
        tick(NOON)
        # Received at noon, says its row; but its transaction was over only later.
        make_signal("onboarding_closed", acorn, at=NOON - DAY, received_at=NOON - timedelta(minutes=30))
        jobs.follow_late_signals(at=NOON + timedelta(minutes=30))
        assert Firing.objects.get().status == "done"
