"""What staff see of advocates: the list, one story, applications, rules (P11, P12, P17, P18)."""

from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from advocacy.crm import spine
from advocacy.crm.models import Contact
from advocacy.delivery.models import Message
from advocacy.users.models import Role, User
from advocates import budget
from advocates.actions import lifecycle
from advocates.models import (
    Advocate,
    AwayPeriod,
    Firing,
    Invitation,
    InvitationTemplate,
    LifecycleRule,
    Recognition,
    Task,
)
from opportunities.models import Claim
from tests.conftest import QueriesOf
from tests.factories import (
    make_account,
    make_advocate,
    make_contact,
    make_kind,
    make_opportunity,
    make_pod,
    make_request,
    make_signal,
    make_user,
)

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def rita() -> User:
    return make_user("Rita Morgan", Role.MANAGER)


@pytest.fixture
def desk(client: Client, rita: User) -> Client:
    client.force_login(rita)
    return client


@pytest.fixture
def lead(client: Client) -> Client:
    client.force_login(make_user("Lena", Role.LEAD))
    return client


def page(client: Client, name: str, *args: Any, **query: Any) -> str:
    answer = client.get(reverse(f"advocates:{name}", args=args), query)
    assert answer.status_code == 200
    return answer.content.decode()


class TestTheList:
    def test_it_says_who_can_be_asked_and_until_when_not(self, desk: Client) -> None:
        now = timezone.now()
        make_advocate("Ines")
        omar = make_advocate("Omar Haddad")
        budget.ask(omar, channel="desk", source_id=1, kind="", at=now)
        mei = make_advocate("Mei Lin")
        AwayPeriod.objects.create(advocate=mei, starts_on=now.date() - DAY, ends_on=now.date() + DAY)
        shown = page(desk, "advocates")
        for words in ("open", "asked, no answer yet", "away", "until"):
            assert words in shown

    def test_filters_narrow(self, desk: Client, rita: User) -> None:
        mine = make_advocate("Ines", pod=make_pod(rita), stage=Advocate.Stage.CREATOR)
        make_advocate("Omar Haddad", make_account("Birch", region="Asia"), pod=make_pod(make_user("Else")))
        make_advocate("Mei Lin", status="invited", joined_at=None)
        for query, names in (
            ({}, {"Ines", "Omar"}),
            ({"mine": "yes"}, {"Ines"}),
            ({"region": "Asia"}, {"Omar"}),
            ({"stage": str(Advocate.Stage.CREATOR.value)}, {"Ines"}),
            ({"pod": str(mine.pod_id)}, {"Ines"}),
            ({"status": "invited"}, {"Mei"}),
            ({"status": "all"}, {"Ines", "Omar", "Mei"}),
            ({"q": "haddad birch"}, {"Omar"}),
            ({"stage": "x", "pod": "<", "q": "\x00"}, {"Ines", "Omar"}),
        ):
            shown = page(desk, "advocates", **query)
            assert {name for name in ("Ines Barbosa", "Omar Haddad", "Mei Lin") if f">{name}<" in shown} == {
                full for full in ("Ines Barbosa", "Omar Haddad", "Mei Lin") if full.split()[0] in names
            }, query

    def test_whatever_a_profile_says_narrows_it_too(self, desk: Client) -> None:
        ines = make_advocate(
            "Ines", type="educator", thanks="note", wants=["podcast"], expertise=["forecasting"],
            years_of_experience=12, prefers_private=True,
        )  # fmt: skip
        Contact.objects.filter(pk=ines.contact_id).update(
            persona="decider", language="pt", time_zone="Europe/Lisbon", title="Head of planning"
        )
        make_advocate("Omar Haddad", interests=["sailing"], years_of_experience=2)
        for query, names in (
            ({"type": "educator"}, {"Ines"}),
            ({"thanks": "note"}, {"Ines"}),
            ({"wants": "podcast"}, {"Ines"}),
            ({"persona": "decider"}, {"Ines"}),
            ({"language": "pt"}, {"Ines"}),
            ({"time_zone": "Europe/Lisbon"}, {"Ines"}),
            ({"private": "yes"}, {"Ines"}),
            ({"private": "no"}, {"Omar"}),
            ({"years": "10"}, {"Ines"}),
            ({"has": "forecast planning"}, {"Ines"}),
            ({"has": "Sailing"}, {"Omar"}),
            ({"type": "educator", "has": "sailing"}, set()),
            ({"years": "²", "private": "x", "has": "\x00", "type": ""}, {"Ines", "Omar"}),
            ({"years": "9" * 30}, {"Ines", "Omar"}),
        ):
            shown = page(desk, "advocates", **query)
            assert {name for name in ("Ines Barbosa", "Omar Haddad") if f">{name}<" in shown} == {
                full for full in ("Ines Barbosa", "Omar Haddad") if full.split()[0] in names
            }, query

    def test_it_costs_the_same_for_many(self, desk: Client, rita: User, queries_of: QueriesOf) -> None:
        visit = partial(desk.get, reverse("advocates:advocates"))
        pod = make_pod(rita)
        for name in ("Ines", "Omar"):
            make_advocate(name, pod=pod, user=False, consents=())
        few = queries_of(visit)
        for _each in range(60):
            make_advocate("Mei", pod=pod, user=False, consents=())
        assert queries_of(visit) == few

    def test_the_admin_costs_the_same_for_many(self, client: Client, queries_of: QueriesOf) -> None:
        client.force_login(make_user("Ada", Role.ADMINISTRATOR))
        visit = partial(client.get, reverse("admin:advocates_advocate_changelist"))
        make_advocate("Ines", user=False, consents=())
        few = queries_of(visit)
        for _each in range(30):
            make_advocate("Mei", user=False, consents=())
        assert queries_of(visit) == few

    @pytest.mark.parametrize("odd", ["stage=²", "pod=²", "stage=" + "9" * 30, "pod=" + "9" * 30, "region=%00", "q=%00"])
    def test_odd_words_in_the_address_are_no_error(self, desk: Client, odd: str) -> None:
        assert desk.get(f"{reverse('advocates:advocates')}?{odd}").status_code == 200

    @pytest.mark.parametrize("odd", ["²", "9" * 30, ""])
    def test_an_odd_choice_of_whom_to_invite_is_refused_in_words(self, lead: Client, odd: str) -> None:
        answer = lead.post(reverse("advocates:invited"), {"contact": odd})
        assert answer.status_code == 409 and "Choose somebody to invite." in answer.content.decode()


class TestKeepingRecords:
    @pytest.fixture
    def keeper(self, client: Client) -> Client:
        client.force_login(make_user("Ada", Role.ADMINISTRATOR, is_staff=True))
        return client

    def sent(self, form: Any) -> dict[str, Any]:
        values = {form.add_prefix(name): form[name].value() for name in form.fields}
        return {name: value for name, value in values.items() if value is not None and value is not False}

    def test_what_happened_meanwhile_stays_and_whose_entry_it_is(self, keeper: Client) -> None:
        ines, omar = make_advocate("Ines"), make_contact("Omar")
        address = reverse("admin:advocates_advocate_change", args=[ines.pk])
        shown = keeper.get(address).context
        sent = self.sent(shown["adminform"].form) | self.sent(shown["inline_admin_formsets"][0].formset.management_form)
        for name in ("expertise", "interests", "wants", "never", "ruled_out"):
            sent[name] = sent.get(name) or ""
        saved = Advocate.save

        def meanwhile(self: Advocate, **more: Any) -> None:
            Advocate.objects.filter(pk=self.pk).update(asks_in_year=7)
            saved(self, **more)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Advocate, "save", meanwhile)
            answer = keeper.post(address, {**sent, "goals": "To speak", "contact": omar.pk})
        assert answer.status_code == 302, answer.context["errors"]
        ines.refresh_from_db()
        assert (ines.goals, ines.asks_in_year, ines.contact.given_name) == ("To speak", 7, "Ines")


class TestOneStory:
    def test_everything_in_order_with_what_was_asked_and_given(self, desk: Client, rita: User) -> None:
        now = timezone.now()
        ines = make_advocate("Ines")
        for number, (deed, days) in enumerate((("nominated", 90), ("verified", 80), ("thanked", 70))):
            spine.record(deed, at=now - days * DAY, source=("t", number), contact=ines.contact, by=rita)
        shown = page(desk, "advocate", ines.public_id)
        assert (
            shown.index("Was thanked") < shown.index("Completed an activity") < shown.index("Was asked for a reference")
        )
        assert "70 days" in shown and "More than two months without a word" in shown
        only = page(desk, "advocate", ines.public_id, kind="asks")
        assert "Was asked for a reference" in only and "Was thanked" not in only

    def test_a_line_says_who_and_about_what_and_leads_there(self, desk: Client, rita: User) -> None:
        now = timezone.now()
        ines = make_advocate("Ines")
        claim = Claim.objects.create(advocate=ines, opportunity=make_opportunity("A webinar"), claimed_at=now)
        spine.record("claimed", at=now, source=claim, contact=ines.contact, by=ines.user)
        spine.record("thanked", at=now, source=claim, contact=ines.contact, by=rita)
        spine.record("care_call", at=now, source=("t", 1), contact=ines.contact, by=rita)
        spine.record("feedback_given", at=now, source=("t", 2), contact=ines.contact, by=make_user("Sam Ortiz"))
        shown = page(desk, "advocate", ines.public_id)
        there = reverse("admin:opportunities_claim_change", args=[claim.pk])
        assert f'Claimed an opportunity: <a href="{there}">A webinar</a>' in shown
        for words in (
            "Was thanked by Rita Morgan",
            "Had a care call with Rita Morgan",
            "Sam Ortiz gave feedback on it",
        ):
            assert words in shown

    def test_it_says_what_used_up_their_limit_and_names_kinds_in_words(self, desk: Client, rita: User) -> None:
        now = timezone.now()
        ines = make_advocate("Ines", asks_a_quarter=1, wants=["blog-post"])
        make_kind("blog-post")
        wanted = make_request()
        budget.ask(ines, channel="desk", source_id=wanted.pk, kind="", at=now - DAY, by=rita)
        shown = page(desk, "advocate", ines.public_id)
        assert "wants at most 1 ask a quarter" in shown
        there = reverse("admin:opportunities_referencerequest_change", args=[wanted.pk])
        assert f'<a href="{there}">Kestrel Foods</a>, asked by Rita Morgan' in shown
        assert "Blog post" in shown and "blog-post" not in shown

    def test_thanks_go_out_from_there_once_a_day(self, desk: Client) -> None:
        ines = make_advocate("Ines")
        for _each in range(2):
            desk.post(reverse("advocates:thank", args=[ines.public_id]), {"text": "You decided it."})
        assert Message.objects.filter(kind="thanks").count() == 1
        assert "Was thanked" in page(desk, "advocate", ines.public_id)

    def test_a_call_that_asked_for_nothing_is_put_on_record(self, desk: Client) -> None:
        ines = make_advocate("Ines")
        desk.post(reverse("advocates:touch", args=[ines.public_id]))
        assert "Had a care call" in page(desk, "advocate", ines.public_id)

    def test_it_costs_the_same_for_a_long_story(self, desk: Client, rita: User, queries_of: QueriesOf) -> None:
        ines = make_advocate("Ines")
        visit = partial(desk.get, reverse("advocates:advocate", args=[ines.public_id]))
        spine.record("thanked", at=timezone.now(), source=("t", "first"), contact=ines.contact, by=rita)
        few = queries_of(visit)
        for number in range(80):
            spine.record("replied", at=timezone.now(), source=("t", number), contact=ines.contact, by=rita)
        assert queries_of(visit) == few

    def test_a_seller_sees_nobody(self, client: Client) -> None:
        ines = make_advocate("Ines")
        client.force_login(make_user("Sam", Role.REQUESTER))
        assert client.get(reverse("advocates:advocate", args=[ines.public_id])).status_code == 403


class TestRules:
    @pytest.mark.parametrize("days", ["from=2020-01-01&to=9999-12-31", "from=0001-01-01&to=2030-01-01"])
    def test_days_no_signal_can_lie_on_are_refused_in_words(self, lead: Client, days: str) -> None:
        rule = LifecycleRule.objects.order_by("pk")[0]
        answer = lead.get(f"{reverse('advocates:rule', args=[rule.pk])}?{days}")
        assert answer.status_code == 200 and "Give days of the years" in answer.content.decode()

    @pytest.fixture
    def rule(self) -> LifecycleRule:
        InvitationTemplate.objects.get_or_create(
            region="", language="en", defaults={"subject": "s", "body": "b", "basis": "x"}
        )
        return LifecycleRule.objects.create(name="Renewed: invite them", signal="renewed", effect="invite")

    def test_every_rule_with_its_state(self, lead: Client, rule: LifecycleRule) -> None:
        for number in range(37):
            Firing.objects.create(
                rule=rule, subject="account:1", occurrence=str(number), status="done", due_at=timezone.now()
            )
        shown = page(lead, "rules")
        assert ">37<" in shown
        assert "Renewed: invite them" in shown and "Draft" in shown and "Invite to the program" in shown

    def test_a_dry_run_over_a_period_tells_and_does_nothing(self, lead: Client, rule: LifecycleRule) -> None:
        now = timezone.now()
        acorn = make_account("Acorn")
        make_contact("Mei Lin", acorn)
        make_signal("renewed", acorn, at=now - 10 * DAY)
        start = (now - 20 * DAY).date().isoformat()
        shown = page(lead, "rule", rule.pk, **{"from": start, "to": now.date().isoformat()})
        assert "1 signal; it would have acted on 1." in shown and "Mei Lin" in shown
        assert not Firing.objects.exists() and not Invitation.objects.exists()
        wrong = page(lead, "rule", rule.pk, **{"from": now.date().isoformat(), "to": start})
        assert "lies before the first" in wrong
        page(lead, "rule", rule.pk, **{"from": "2026-13-45"})

    def test_what_it_did_then_is_told_as_done(self, lead: Client, rule: LifecycleRule) -> None:
        now = timezone.now()
        acorn = make_account("Acorn")
        make_contact("Mei Lin", acorn)
        signal = make_signal("renewed", acorn, at=now - 10 * DAY)
        Firing.objects.create(
            rule=rule, subject=f"account:{acorn.pk}", occurrence=signal.occurrence, signal=signal, status="done",
            due_at=now, fired_at=now,
        )  # fmt: skip
        start = (now - 20 * DAY).date().isoformat()
        shown = page(lead, "rule", rule.pk, **{"from": start, "to": now.date().isoformat()})
        assert "1 signal; it would have acted on 1. 1 is done already." in shown

    def test_a_dry_run_shows_the_first_and_more_when_asked(self, lead: Client, rule: LifecycleRule) -> None:
        now = timezone.now()
        acorn = make_account("Acorn")
        for hours in range(60):
            make_signal("renewed", acorn, at=now - 10 * DAY + timedelta(hours=hours))
        period = {"from": (now - 20 * DAY).date().isoformat(), "to": now.date().isoformat()}
        shown = page(lead, "rule", rule.pk, **period)
        assert "These are the first 50; there are more." in shown and "most=100" in shown
        shown = page(lead, "rule", rule.pk, **period, most="100")
        assert "60 signals; it would have acted on 0 of them." in shown and "there are more" not in shown
        page(lead, "rule", rule.pk, **period, most="²")

    def test_a_dry_run_reads_no_more_than_it_shows(self, lead: Client, rule: LifecycleRule) -> None:
        now = timezone.now()
        LifecycleRule.objects.filter(pk=rule.pk).update(enabled=True, enabled_from=now - 20 * DAY)
        acorn = make_account("Acorn")
        for hours in range(120):
            make_signal("renewed", acorn, at=now - 10 * DAY + timedelta(hours=hours))
        for asked in ({"from": (now - 20 * DAY).date().isoformat()}, {"now": "yes"}):
            with CaptureQueriesContext(connection) as queries:
                page(lead, "rule", rule.pk, **asked)
            reading = [one["sql"] for one in queries if 'FROM "crm_signal"' in one["sql"]]
            assert reading and all("LIMIT 51" in sql for sql in reading)

    def test_what_waits_for_its_day_is_told_apart(self, lead: Client, rule: LifecycleRule) -> None:
        now = timezone.now()
        LifecycleRule.objects.filter(pk=rule.pk).update(enabled=True, enabled_from=now - 20 * DAY, delay_days=30)
        acorn = make_account("Acorn")
        make_contact("Mei Lin", acorn)
        make_signal("renewed", acorn, at=now - 10 * DAY)
        lifecycle.follow_signals(at=now)
        shown = page(lead, "rule", rule.pk, now="yes")
        assert "1 waits for its day." in shown and "waits until" in shown

    def test_switched_on_from_now_and_off_again(self, lead: Client, rule: LifecycleRule) -> None:
        url = reverse("advocates:switch", args=[rule.pk])
        before = timezone.now()
        lead.post(url, {"to": "on"})
        rule.refresh_from_db()
        assert rule.enabled and rule.enabled_from and rule.enabled_from >= before
        assert lead.post(url, {"to": "on"}).status_code == 409
        lead.post(url, {"to": "off"})
        rule.refresh_from_db()
        assert not rule.enabled

    def test_a_manager_does_not_switch_rules(self, desk: Client, rule: LifecycleRule) -> None:
        assert desk.post(reverse("advocates:switch", args=[rule.pk]), {"to": "on"}).status_code == 403
        rule.refresh_from_db()
        assert not rule.enabled

    def test_the_form_refuses_what_a_rule_cannot_do(self, lead: Client, rule: LifecycleRule) -> None:
        url = reverse("admin:advocates_lifecyclerule_change", args=[rule.pk])
        assert lead.get(url).status_code == 200
        good = {
            "name": rule.name, "signal": "renewed", "conditions": "[]", "delay_days": 0, "effect": "invite",
            "effect_params": "{}", "whom": "champion", "at_most": 1,
        }  # fmt: skip
        for field, value in (
            ("conditions", '[{"fact": "account.shoe", "is": "is", "value": 1}]'), ("whom", "king"), ("effect", "fly"),
            ("effect_params", '["days"]'), ("effect_params", "[]"), ("effect_params", '"30"'),
        ):  # fmt: skip
            answer = lead.post(url, {**good, field: value})
            assert answer.status_code == 200, field
            assert b"errorlist" in answer.content, field
        assert lead.post(url, good).status_code == 302

    def test_a_changed_rule_that_is_on_begins_anew(self, lead: Client, rule: LifecycleRule) -> None:
        old = timezone.now() - 30 * DAY
        LifecycleRule.objects.filter(pk=rule.pk).update(enabled=True, enabled_from=old)
        url = reverse("admin:advocates_lifecyclerule_change", args=[rule.pk])
        lead.post(
            url,
            {
                "name": rule.name, "signal": "upgraded", "conditions": "[]", "delay_days": 0, "effect": "invite",
                "effect_params": "{}", "whom": "champion", "at_most": 1,
            },
        )  # fmt: skip
        rule.refresh_from_db()
        assert rule.signal == "upgraded" and rule.enabled_from and rule.enabled_from > old

    def waiting(self, rule: LifecycleRule) -> Firing:
        """The rule is on, and a firing of it waits for its day."""
        old = timezone.now() - 30 * DAY
        LifecycleRule.objects.filter(pk=rule.pk).update(enabled=True, enabled_from=old, delay_days=7)
        make_signal("renewed", make_account("Acorn"), at=old + 28 * DAY)
        lifecycle.follow_signals(at=timezone.now())
        return Firing.objects.get(status="waiting")

    @pytest.mark.parametrize(
        "change",
        [{"name": "Renewed: bring them in"}, {"whom": "admin"}, {"at_most": 2}, {"effect_params": '{"text": "Hello"}'}],
    )
    def test_what_waits_outlives_another_name_or_other_people(
        self, lead: Client, rule: LifecycleRule, change: dict[str, Any]
    ) -> None:
        waiting = self.waiting(rule)
        LifecycleRule.objects.filter(pk=rule.pk).update(effect="task", effect_params={"text": "Call"})
        url = reverse("admin:advocates_lifecyclerule_change", args=[rule.pk])
        as_it_is = {
            "name": rule.name, "signal": "renewed", "conditions": "[]", "delay_days": 7, "effect": "task",
            "effect_params": '{"text": "Call"}', "whom": "champion", "at_most": 1,
        }  # fmt: skip
        assert lead.post(url, {**as_it_is, **change}).status_code == 302
        waiting.refresh_from_db()
        changed = LifecycleRule.objects.get(pk=rule.pk)
        assert waiting.status == "waiting"
        assert changed.enabled_from and changed.enabled_from < timezone.now() - 29 * DAY
        sent = {"name": "Renewed: once more", "signal": "renewed", "region": "", "effect": "task", "text": "Call them",
                "delay_days": "7", "roles": ["user"], "at_most": "2"}  # fmt: skip
        told = lead.post(reverse("advocates:edit_rule", args=[rule.pk]), sent, follow=True).content.decode()
        assert "what waits for its day still waits" in told
        waiting.refresh_from_db()
        assert waiting.status == "waiting"
        assert LifecycleRule.objects.get(pk=rule.pk).enabled_from == changed.enabled_from

    @pytest.mark.parametrize(
        "change",
        [{"signal": "upgraded"}, {"delay_days": "9"}, {"effect": "rest"}, {"reentry": "on"}, {"region": "Europe"}],
    )
    def test_what_waits_is_dropped_when_the_rule_becomes_another(
        self, lead: Client, rule: LifecycleRule, change: dict[str, Any]
    ) -> None:
        waiting = self.waiting(rule)
        LifecycleRule.objects.filter(pk=rule.pk).update(effect="task", effect_params={"text": "Call"})
        as_it_is = {"name": rule.name, "signal": "renewed", "region": "", "effect": "task", "text": "Call",
                    "delay_days": "7", "roles": ["champion"], "at_most": "1"}  # fmt: skip
        there = reverse("advocates:edit_rule", args=[rule.pk])
        told = lead.post(there, {**as_it_is, **change}, follow=True).content.decode()
        assert "1 firing that waited for its day was cancelled." in told
        waiting.refresh_from_db()
        assert waiting.status == "cancelled" and "The rule was changed before its day came." in waiting.reasons
        assert (LifecycleRule.objects.get(pk=rule.pk).enabled_from or timezone.now()) > timezone.now() - DAY

    SENTENCE = {
        "name": "Renewed: care for them", "signal": "renewed", "region": "", "fact_0": "account.employees",
        "is_0": "at_least", "value_0": "500", "fact_1": "account.country", "is_1": "one_of", "value_1": "DE, FR",
        "fact_2": "", "is_2": "is", "value_2": "", "effect": "task", "text": "Say thank you", "days": "5",
        "delay_days": "2", "roles": ["champion", "user"], "at_most": "2",
    }  # fmt: skip

    def test_one_is_said_as_a_sentence_and_kept_as_a_draft(self, lead: Client) -> None:
        assert 'name="value_2"' in page(lead, "new_rule")
        answer = lead.post(reverse("advocates:new_rule"), self.SENTENCE)
        kept = LifecycleRule.objects.get(name="Renewed: care for them")
        assert answer["Location"].startswith(reverse("advocates:rule", args=[kept.pk]) + "?from=")
        assert kept.conditions == [
            {"fact": "account.employees", "is": "at_least", "value": 500},
            {"fact": "account.country", "is": "one_of", "value": ["DE", "FR"]},
        ]
        assert (kept.effect_params, kept.delay_days) == ({"text": "Say thank you", "days": 5}, 2)
        assert (kept.whom, kept.at_most, kept.enabled) == ("champion,user", 2, False)
        assert "Saved as a draft" in lead.get(answer["Location"]).content.decode()

    def test_an_offer_names_its_kinds_and_an_invitation_may_speak_of_early_access(self, lead: Client) -> None:
        for slug in ("webinar", "podcast"):
            make_kind(slug)
        said = {**self.SENTENCE, "effect": "offer", "kinds": ["webinar"], "beta": "on"}
        answer = lead.post(reverse("advocates:new_rule"), said)
        kept = LifecycleRule.objects.get(name="Renewed: care for them")
        assert kept.effect_params == {"kinds": ["webinar"]}
        assert "Webinar" in lead.get(answer["Location"]).content.decode()
        there = reverse("advocates:edit_rule", args=[kept.pk])
        assert lead.get(there).context["form"]["kinds"].value() == ["webinar"]
        refused = lead.post(there, {**said, "kinds": []})
        assert refused.status_code == 422 and "at least one kind" in refused.content.decode()
        assert lead.post(there, {**said, "effect": "invite"}).status_code == 302
        assert LifecycleRule.objects.get(pk=kept.pk).effect_params == {"beta": True}

    def test_rules_that_are_on_stand_apart_from_drafts(self, lead: Client, rule: LifecycleRule) -> None:
        LifecycleRule.objects.exclude(pk=rule.pk).delete()
        LifecycleRule.objects.create(
            name="Upgraded", signal="upgraded", effect="invite", enabled=True, enabled_from=timezone.now()
        )
        groups = lead.get(reverse("advocates:rules")).context["groups"]
        assert [(title, [one["rule"].name for one in rows]) for title, rows in groups] == [
            ("On", ["Upgraded"]), ("Drafts", ["Renewed: invite them"]),
        ]  # fmt: skip

    def test_it_reads_back_as_it_was_said(self, lead: Client) -> None:
        kept = LifecycleRule.objects.create(
            name="Asia: rest", signal="renewed", effect="rest", effect_params={"days": 20}, whom="admin,champion",
            conditions=[
                {"fact": "account.region", "is": "is", "value": "Asia"},
                {"fact": "account.employees", "is": "at_most", "value": 90},
            ],
        )  # fmt: skip
        there = reverse("advocates:edit_rule", args=[kept.pk])
        form = lead.get(there).context["form"]
        said = {name: form.get_initial_for_field(field, name) for name, field in form.fields.items()}
        assert (said["region"], said["fact_0"], said["value_0"], said["days"]) == (
            "Asia",
            "account.employees",
            "90",
            20,
        )
        sent = {name: value for name, value in said.items() if value not in (None, False)}
        assert lead.post(there, {**sent, "switch_on": "on"}).status_code == 302
        again = LifecycleRule.objects.get(pk=kept.pk)
        assert (again.conditions, again.effect_params, again.whom) == (kept.conditions, {"days": 20}, "admin,champion")
        assert again.enabled and again.enabled_from

    @pytest.mark.parametrize(
        ("change", "said"),
        [
            ({"value_0": "many"}, "“many” is not a number"),
            ({"value_0": ""}, "Say what it is compared with"),
            ({"fact_0": ""}, "Choose what is compared with “500”"),
            ({"fact_1": "account.region", "is_1": "at_most", "value_1": "x"}, "is not a number"),
            ({"text": ""}, "Say what the task is."),
            ({"days": "200"}, "from 1 to 90"),
            ({"roles": []}, "Tick at least one role."),
            ({"name": "Taken"}, "Another rule has this name"),
        ],
    )
    def test_what_it_cannot_say_is_refused_in_words(self, lead: Client, change: dict[str, Any], said: str) -> None:
        LifecycleRule.objects.create(name="Taken", signal="renewed", effect="invite")
        answer = lead.post(reverse("advocates:new_rule"), {**self.SENTENCE, **change})
        assert answer.status_code == 422
        shown = answer.content.decode()
        assert said in shown and "5" in shown
        assert "DE, FR" in shown or "value_1" in change
        assert not LifecycleRule.objects.filter(name="Renewed: care for them").exists()

    def test_words_of_an_invitation_with_a_hole_are_refused(self, lead: Client) -> None:
        answer = lead.post(
            reverse("admin:advocates_invitationtemplate_add"),
            {"region": "Asia", "language": "en", "subject": "Hello {firstname}", "body": "x", "basis": "x"},
        )
        assert answer.status_code == 200 and b"not a merge field" in answer.content
        assert not InvitationTemplate.objects.filter(region="Asia").exists()


class TestCelebrating:
    def test_a_yes_counts_for_nobody_else(self, client: Client) -> None:
        client.force_login(make_user("Lena", Role.ADMINISTRATOR, is_staff=True))
        ines, omar = make_advocate("Ines"), make_advocate("Omar")
        said = Recognition.objects.create(advocate=ines, title="Thank you", text="x", approved_at=timezone.now())
        address = reverse("admin:advocates_recognition_change", args=[said.pk])
        client.post(address, {"advocate": omar.pk, "kind": said.kind, "title": "Thank you", "text": "x"})
        said.refresh_from_db()
        assert (said.advocate_id, said.approved_at) == (omar.pk, None)

    def test_other_words_need_a_yes_of_their_own(self, lead: Client) -> None:
        one = Recognition.objects.create(advocate=make_advocate("Ines"), title="Ines", approved_at=timezone.now())
        url = reverse("admin:advocates_recognition_change", args=[one.pk])
        lead.post(url, {"advocate": one.advocate_id, "kind": "spotlight", "title": "Ines the great", "text": ""})
        one.refresh_from_db()
        assert one.title == "Ines the great" and one.approved_at is None


@pytest.mark.parametrize(
    "name",
    [
        "ask",
        "askcap",
        "firing",
        "invitation",
        "lifecyclerule",
        "pod",
        "pointentry",
        "recognition",
        "task",
        "tier",
        "application",
        "invitationtemplate",
    ],
)
def test_every_list_of_the_admin_opens(lead: Client, name: str) -> None:
    ines = make_advocate("Ines")
    budget.ask(ines, channel="desk", source_id=1, kind="", at=timezone.now())
    Task.objects.create(kind="care", key="k", text="Call", advocate=ines, due_at=timezone.now())
    assert lead.get(reverse(f"admin:advocates_{name}_changelist")).status_code == 200


class TestInvitations:
    @pytest.fixture(autouse=True)
    def words(self) -> None:
        InvitationTemplate.objects.get_or_create(
            region="", language="en", defaults={"subject": "s", "body": "b", "basis": "x"}
        )

    def test_somebody_is_invited_by_hand_or_told_why_not(self, desk: Client, rita: User) -> None:
        mei = make_contact("Mei Lin", make_account("Acorn"))
        make_advocate("Ines", mei.account)
        shown = page(desk, "invited", q="acorn")
        assert "Invite Mei Lin" in shown and "Ines Barbosa is a member already." in shown
        desk.post(reverse("advocates:invited"), {"contact": mei.pk})
        invitation = Invitation.objects.get()
        assert (invitation.advocate.contact, invitation.invited_by) == (mei, rita)
        assert Message.objects.filter(kind="invitation").count() == 1
        assert desk.post(reverse("advocates:invited"), {"contact": mei.pk}).status_code == 409
        assert desk.post(reverse("advocates:invited"), {"contact": "x"}).status_code == 409
        shown = page(desk, "invited")
        mail = Message.objects.get(kind="invitation")
        assert "Mei Lin" in shown and reverse("delivery:message", args=[mail.public_id]) in shown

    def test_whoever_let_one_pass_is_invited_again_from_the_list(self, desk: Client) -> None:
        mei = Advocate.objects.create(contact=make_contact("Mei Lin"))
        now = timezone.now()
        Invitation.objects.create(advocate=mei, status="expired", created_at=now - 60 * DAY, expires_at=now - DAY)
        assert "Invite Mei Lin again" in page(desk, "invited")
        desk.post(reverse("advocates:invited"), {"contact": mei.contact_id})
        assert mei.invitations.filter(status="queued").count() == 1

    def test_it_costs_the_same_for_many(self, desk: Client, queries_of: QueriesOf) -> None:
        visit = partial(desk.get, reverse("advocates:invited"))
        now = timezone.now()

        def one() -> None:
            advocate = Advocate.objects.create(contact=make_contact("Mei"))
            Invitation.objects.create(advocate=advocate, expires_at=now + DAY)

        one()
        few = queries_of(visit)
        for _each in range(40):
            one()
        assert queries_of(visit) == few
