"""A lifecycle rule asks for feedback, within everybody's budget; a dry run says what it will do (P17, O9)."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from advocacy.crm import readiness
from advocacy.crm.catalogue import Purpose
from advocacy.crm.models import Contact
from advocacy.delivery.models import Message
from advocacy.users.models import Role
from advocates import lifecycle as rules_of_life
from advocates.actions import lifecycle
from advocates.lifecycle import Done, check_rule
from advocates.models import Ask, AskCap, Firing, LifecycleRule
from opportunities.models import Survey, SurveyInvite
from tests.conftest import QueriesOf
from tests.factories import NOON, make_account, make_advocate, make_contact, make_signal, make_user
from tests.opportunities.test_surveys import DAY, STARS, make_survey

pytestmark = pytest.mark.django_db


@pytest.fixture
def survey() -> Survey:
    return make_survey("After an escalation", kind="csat", questions=[STARS], by_rule=True, opened_at=NOON - 90 * DAY)


@pytest.fixture
def rule(survey: Survey) -> LifecycleRule:
    LifecycleRule.objects.update(enabled=False)
    return LifecycleRule.objects.create(
        name="Certified: ask", signal="certified", effect="survey", enabled=True, enabled_from=NOON - 10 * DAY,
        effect_params={"survey": str(survey.public_id)},
    )  # fmt: skip


def certified(contact: Contact, at: Any = NOON - DAY) -> None:
    make_signal("certified", contact.account, contact=contact, at=at)


def run(at: Any = NOON) -> None:
    lifecycle.follow_signals(at=at)


class TestTheRule:
    def test_it_asks_whom_it_reaches_once(self, rule: LifecycleRule) -> None:
        ines = make_advocate("Ines")
        certified(ines.contact)
        run()
        run(NOON + DAY)
        invite = SurveyInvite.objects.get()
        assert invite.contact == ines.contact
        assert Message.objects.filter(kind="survey").count() == 1
        assert Ask.objects.get(advocate=ines).channel == "survey"
        assert any("was asked: “After an escalation”" in one for one in Firing.objects.get().reasons)

    def test_what_happens_again_is_another_occasion(self, rule: LifecycleRule) -> None:
        LifecycleRule.objects.filter(pk=rule.pk).update(reentry=True)
        ines = make_advocate("Ines")
        certified(ines.contact)
        run()
        certified(ines.contact, at=NOON + 99 * DAY)
        run(NOON + 100 * DAY)
        assert SurveyInvite.objects.filter(contact=ines.contact).count() == 2

    def test_nobody_beyond_their_budget(self, rule: LifecycleRule) -> None:
        account = make_account()
        AskCap.objects.all().delete()
        AskCap.objects.create(scope="account", most=1, days=90)
        certified(make_advocate("Ines", account).contact, NOON - 2 * DAY)
        certified(make_advocate("Mei", account).contact)
        run()
        assert SurveyInvite.objects.count() == 1

    def test_a_survey_that_only_rules_ask_is_never_asked_by_the_clock(self, survey: Survey) -> None:
        from opportunities.actions import surveys

        make_advocate("Ines")
        assert surveys.work(at=NOON) == 0


class TestTheDryRun:
    def test_it_says_what_the_clock_then_does(self, rule: LifecycleRule) -> None:
        certified(make_advocate("Ines").contact)
        certified(make_advocate("Omar", consents=[Purpose.PROGRAM_MAIL]).contact)
        certified(make_contact("Mei"))
        paused = make_advocate("Tom")
        readiness.pause(paused.contact.account, reason="Outage", by=None, at=NOON - 3 * DAY)
        certified(paused.contact)
        told = list(lifecycle.dry_run(rule, at=NOON, start=NOON - 9 * DAY, end=NOON))
        run()
        assert SurveyInvite.objects.count() == sum(bool(one.fires) for one in told) == 1

    def test_what_would_have_been_asked_before_counts(self, rule: LifecycleRule) -> None:
        ines = make_advocate("Ines")
        why_not = rules_of_life.effects()["survey"].why_not_after()
        params = rule.effect_params
        for effect in ("survey", "offer"):
            before = Done("Other", effect, ines.contact.account_id, ines.contact, NOON - DAY, {"kinds": ["webinar"]})
            assert why_not(ines.contact, [before], NOON, params)
            of_offers = rules_of_life.effects()["offer"].why_not_after()
            assert of_offers(ines.contact, [before], NOON, {"kinds": ["webinar"]})
        assert why_not(ines.contact, [], NOON, params) is None

    @settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        people=st.lists(
            st.fixed_dictionaries(
                {
                    "status": st.sampled_from(["member", "member", "invited"]),
                    "readiness": st.sampled_from(["ready", "ready", "paused"]),
                    "never": st.sampled_from([[], [], ["survey"]]),
                    "joined": st.integers(-40, 5),
                    "consents": st.sampled_from([[], [Purpose.SURVEYS], [Purpose.SURVEYS]]),
                    "asked": st.lists(st.integers(-100, 10), max_size=2),
                }
            ),
            min_size=1, max_size=4,
        ),
        closed=st.booleans(),
        moments=st.lists(st.integers(-30, 20), min_size=1, max_size=3),
    )  # fmt: skip
    def test_of_many_it_is_what_asking_about_each_alone_says(
        self, rule: LifecycleRule, people: Any, closed: bool, moments: list[int]
    ) -> None:
        effect = rules_of_life.effects()["survey"]
        assert effect.why_not_many is not None
        with transaction.atomic():
            if closed:
                Survey.objects.filter(by_rule=True).update(status="closed", closed_at=NOON)
            asked: list[tuple[Contact, Any]] = []
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
                asked += [(ines.contact, NOON + day * DAY) for day in moments]
            alone = [effect.why_not(contact, at, rule.effect_params) for contact, at in asked]
            assert effect.why_not_many(asked, rule.effect_params) == alone
            transaction.set_rollback(True)

    def test_of_many_it_costs_no_more_queries(self, rule: LifecycleRule, queries_of: QueriesOf) -> None:
        def more(number: int) -> None:
            for _each in range(number):
                certified(make_advocate("Ines", user=False).contact)

        def look() -> None:
            assert all(one.fires for one in lifecycle.dry_run(rule, at=NOON, start=NOON - 30 * DAY))

        more(2)
        few = queries_of(look)
        more(30)
        assert queries_of(look) <= few


class TestChoosingIt:
    def given(self, **more: Any) -> dict[str, Any]:
        return {
            "name": "Closed: ask", "signal": "escalation_closed", "effect": "survey", "roles": ["champion"],
            "at_most": "1", **more,
        }  # fmt: skip

    @pytest.fixture
    def lena(self, client: Client) -> Client:
        client.force_login(make_user("Lena", Role.LEAD))
        return client

    def test_a_lead_chooses_the_survey_on_the_page(self, lena: Client, survey: Survey) -> None:
        page = reverse("advocates:new_rule")
        assert "After an escalation" in lena.get(page).content.decode()
        answer = lena.post(page, self.given(which_survey=str(survey.public_id)))
        assert answer.status_code == 302
        made = LifecycleRule.objects.get(name="Closed: ask")
        assert made.effect_params == {"survey": str(survey.public_id)}
        assert "“After an escalation”" in lena.get(reverse("advocates:rule", args=[made.pk])).content.decode()
        edit = lena.get(reverse("advocates:edit_rule", args=[made.pk])).content.decode()
        assert f'value="{survey.public_id}" selected' in edit

    @pytest.mark.parametrize("chosen", ["", "x", "00000000-0000-4000-8000-000000000000"])
    def test_without_one_it_is_asked_for(self, lena: Client, survey: Survey, chosen: str) -> None:
        answer = lena.post(reverse("advocates:new_rule"), self.given(which_survey=chosen))
        assert answer.status_code == 422
        assert not LifecycleRule.objects.filter(name="Closed: ask").exists()

    def test_one_that_everybody_is_asked_is_not_for_rules(self, survey: Survey) -> None:
        for one in (make_survey("For all"), survey):
            wrong = check_rule(
                signal="certified", conditions=[], effect="survey", effect_params={"survey": str(one.public_id)},
                whom="champion",
            )  # fmt: skip
            assert bool(wrong) == (one != survey)
        Survey.objects.filter(pk=survey.pk).update(status="closed", closed_at=NOON + timedelta(days=1))
        assert check_rule(
            signal="certified", conditions=[], effect="survey", effect_params={"survey": str(survey.public_id)},
            whom="champion",
        )  # fmt: skip
