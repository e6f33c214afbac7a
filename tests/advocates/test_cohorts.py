"""Cohorts: people described by any fact, their mix, who is left out and why, rounds of invitations (P13)."""

from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from advocacy.crm import spine
from advocacy.crm.catalogue import Deed, Purpose
from advocacy.crm.models import Account, Contact, Pause, Subscription, Usage
from advocacy.delivery.models import Message, Suppression
from advocacy.lib.lifecycle import Refused
from advocacy.users.models import Role
from advocates import cohorts, invitations, segments
from advocates.actions import cohorts as acting
from advocates.actions.invitations import invite
from advocates.models import Ask, Cohort, CohortBatch, Invitation, InvitationTemplate
from tests.conftest import QueriesOf
from tests.factories import NOON, make_account, make_advocate, make_contact, make_signal, make_user

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def names(*, at: Any = NOON, **parts: list[tuple[str, Any]]) -> set[str]:
    """The given names of everybody a definition describes."""
    definition = {part: [{"fact": fact, "value": value} for fact, value in rows] for part, rows in parts.items()}
    people = segments.Segment.read(definition).people(at=at)
    return set(people.values_list("given_name", flat=True))


class TestWhoBelongs:
    def test_all_hold_one_of_any_holds_and_exclude_wins(self) -> None:
        europe, asia = make_account(region="Europe"), make_account(region="Asia", industry="Health")
        make_contact("Ines", europe, persona="champion")
        make_contact("Omar", europe, persona="user")
        make_contact("Mei", asia, persona="champion")
        make_contact("Ada", asia, persona="user")
        assert names(all=[("account.region", ["europe"])]) == {"Ines", "Omar"}
        either = [("account.industry", ["HEALTH"]), ("contact.persona", "champion")]
        assert names(any=either) == {"Ines", "Mei", "Ada"}
        assert names(all=[("account.region", ["Asia", "Europe"])], any=either) == {"Ines", "Mei", "Ada"}
        assert names(any=either, exclude=[("account.region", ["Asia"])]) == {"Ines"}
        assert names(all=either, exclude=[("contact.persona", "champion")]) == set()

    def test_whoever_left_or_was_erased_belongs_to_no_cohort(self) -> None:
        make_contact("Ines", left_on=NOON.date())
        make_contact("Omar", erased_at=NOON)
        make_contact("Mei")
        assert names(any=[("contact.persona", "champion")]) == {"Mei"}

    def test_facts_of_the_account(self) -> None:
        day = NOON.date()
        ours = make_account(
            "Kestrel", employees=500, annual_value=90_000, products=["Demand Planning"], use_cases=["stock-outs"],
            replaced_competitors=["Sheets"], contract_start=day - 400 * DAY, renewal_on=day + 30 * DAY,
        )  # fmt: skip
        make_contact("Ines", ours, title="Head of Supply")
        make_contact("Omar", make_account(employees=499, contract_start=day - 300 * DAY))
        for fact, value in [
            ("account.name", ["kestrel"]), ("account.employees", 500), ("account.value", 90_000),
            ("account.product", ["demand planning"]), ("account.use_case", ["Stock-outs", "x"]),
            ("account.replaced", ["SHEETS"]), ("account.tenure", 12), ("account.renewal", 30),
            ("contact.title", ["supply"]),
        ]:  # fmt: skip
            assert names(all=[(fact, value)]) == {"Ines"}, fact
            assert names(all=[("contact.persona", "champion")], exclude=[(fact, value)]) == {"Omar"}, fact
        assert names(all=[("account.renewal", 29)]) == set()
        assert names(all=[("account.employees.most", 499)]) == {"Omar"}

    def test_subscriptions_and_heavy_use(self) -> None:
        ours, theirs = make_account(), make_account()
        make_contact("Ines", ours)
        make_contact("Omar", theirs)
        day = NOON.date()
        for number, (account, ended) in enumerate([(ours, None), (theirs, day - DAY)]):
            Subscription.objects.create(
                source="crm", external_id=f"S-{number}", account=account, product="Route Board",
                started_on=day - 90 * DAY, ended_on=ended,
            )  # fmt: skip
            for days, minutes in [(1, 70), (40, 50 - number), (91, 500)]:
                Usage.objects.create(
                    source="crm", external_id=f"U-{number}-{days}", account=account, feature="Boards",
                    day=day - days * DAY, minutes=minutes,
                )  # fmt: skip
        assert names(all=[("account.subscribed", ["route board"])]) == {"Ines"}
        assert names(all=[("usage.feature", ["boards"])]) == {"Ines"}
        assert names(all=[("usage.minutes", 119)]) == {"Ines", "Omar"}
        assert names(all=[("usage.minutes", 120)]) == {"Ines"}

    def test_a_signal_of_the_account_counts_for_all_of_it_one_of_a_person_for_them(self) -> None:
        account = make_account()
        ines, _omar = make_contact("Ines", account), make_contact("Omar", account)
        make_signal("renewed", account=account, at=NOON - 30 * DAY)
        make_signal("certified", account=account, contact=ines, at=NOON - 30 * DAY)
        assert names(all=[("signal.renewed", 31)]) == {"Ines", "Omar"}
        assert names(all=[("signal.renewed", 30)]) == set()
        assert names(all=[("signal.certified", 31)]) == {"Ines"}
        assert names(all=[("signal.renewed", 31)], at=NOON - 40 * DAY) == set()

    def test_the_standing_in_the_program_and_what_they_did(self) -> None:
        ines = make_advocate("Ines", stage=5, type="educator", wants=["webinar"], expertise=["planning"])
        omar = make_advocate("Omar", consents=[])
        make_contact("Mei")
        for number in range(3):
            spine.record(Deed.VERIFIED, at=NOON - 9 * DAY, source=("test", str(number)), contact=ines.contact)
        Ask.objects.create(
            channel="desk", source_id="1", advocate=omar, account=omar.contact.account, asked_at=NOON - 9 * DAY
        )
        assert names(all=[("program.status", "contact")]) == {"Mei"}
        assert names(all=[("program.status", "member")]) == {"Ines", "Omar"}
        assert names(all=[("contact.persona", "champion")], exclude=[("program.stage", "5")]) == {"Omar", "Mei"}
        assert names(all=[("program.activities", 3)]) == {"Ines"}
        assert names(all=[("program.activities", 4)]) == set()
        assert names(all=[("program.unasked", 8)]) == {"Ines", "Omar"}
        assert names(all=[("program.unasked", 10)]) == {"Ines"}
        assert names(all=[("program.consent", Purpose.SPEAKING)]) == {"Ines"}
        assert names(all=[("program.months", 6)]) == {"Ines", "Omar"}
        assert names(all=[("advocate.expertise", ["Planning"])]) == {"Ines"}

    def test_what_cannot_be_read_is_said_all_at_once(self) -> None:
        with pytest.raises(ValidationError) as wrong:
            names(
                all=[("account.employees", "many"), ("shoe.size", 4)], any=[("contact.persona", "boss")],
                exclude=[("account.region", " , ")],
            )  # fmt: skip
        said = " ".join(wrong.value.messages)
        assert len(wrong.value.messages) == 4
        assert "“many” is not a whole number" in said
        assert "“shoe.size” is no fact" in said
        assert "“boss” is not one of decides, champions" in said
        for broken in ([], {"all": [3]}, {"some": []}, {"all": [{"fact": "account.region"}]}):
            with pytest.raises(ValidationError):
                segments.Segment.read(broken)

    def test_a_cohort_built_on_how_people_feel_says_so(self) -> None:
        def feels(fact: str, value: Any) -> bool:
            return segments.Segment.read({"exclude": [{"fact": fact, "value": value}]}).carries_sentiment

        assert feels("signal.nps.least", 9)
        assert feels("signal.csat", 30)
        assert feels("signal.escalation_opened", 30)
        assert feels("account.readiness", "ready")
        assert not feels("signal.renewed", 30)
        assert not feels("account.region", ["Europe"])

    @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        st.fixed_dictionaries(
            {
                part: st.lists(
                    st.one_of(
                        st.tuples(
                            st.just("account.region"), st.sampled_from([["Europe"], ["Asia"], ["Asia", "Europe"]])
                        ),
                        st.tuples(st.just("account.employees"), st.sampled_from([0, 100, 900])),
                        st.tuples(st.just("contact.persona"), st.sampled_from(["champion", "user"])),
                        st.tuples(st.just("program.stage"), st.sampled_from(["2", "5"])),
                        st.tuples(st.just("program.status"), st.sampled_from(["contact", "member", "left"])),
                        st.tuples(st.just("account.product"), st.sampled_from([["a"], ["B", "c"]])),
                    ),
                    max_size=3,
                )
                for part in segments.PARTS
            }
        )
    )
    def test_any_definition_describes_whom_plain_reading_says(self, world: list[Contact], parts: Any) -> None:
        def holds(contact: Contact, fact: str, value: Any) -> bool:
            account, advocate = contact.account, getattr(contact, "advocate", None)
            match fact:
                case "account.region":
                    return account.region in value
                case "account.employees":
                    return account.employees is not None and account.employees >= value
                case "contact.persona":
                    return contact.persona == value
                case "program.stage":
                    return advocate is not None and advocate.stage >= int(value)
                case "program.status":
                    return advocate is None if value == "contact" else bool(advocate and advocate.status == value)
                case _:
                    return bool({one.lower() for one in account.products} & {one.lower() for one in value})

        expected = {
            contact.given_name
            for contact in world
            if all(holds(contact, *one) for one in parts["all"])
            and (not parts["any"] or any(holds(contact, *one) for one in parts["any"]))
            and not any(holds(contact, *one) for one in parts["exclude"])
        }
        assert names(**parts) == expected
        read = segments.Segment.read(
            {part: [{"fact": fact, "value": value} for fact, value in rows] for part, rows in parts.items()}
        )
        counts = read.counts(at=NOON)
        assert (counts.total, counts.everybody) == (len(expected), len(world))
        assert list(counts.each) == [
            sum(holds(contact, one.fact.key, one.value) for contact in world) for one in read.conditions
        ]

    @pytest.fixture
    def world(self) -> list[Contact]:
        accounts = [
            make_account(region="Europe", employees=None, products=["A"]),
            make_account(region="Europe", employees=100, products=["b", "C"]),
            make_account(region="Asia", employees=900, products=[]),
        ]
        for number, account in enumerate(accounts):
            make_contact(f"Contact{number}", account, persona="user")
            make_advocate(f"Member{number}", account, user=False, consents=[], stage=2 + number * 2)
        make_advocate("Gone", accounts[2], user=False, consents=[], status="left", stage=5)
        return list(Contact.objects.select_related("account", "advocate"))


class TestMix:
    def test_known_and_new_talkers_and_listeners_add_up(self) -> None:
        ines, _omar = make_advocate("Ines", make_account(region="Asia")), make_advocate("Omar")
        make_contact("Mei", make_account(region="", industry=""))
        spine.record(Deed.POSTED, at=NOON - DAY, source=("test", "1"), contact=ines.contact)
        mix = cohorts.mix(segments.everybody(), at=NOON)
        assert (mix.total, [number for _word, number in mix.known]) == (3, [2, 1])
        assert [number for _word, number in mix.talking] == [1, 1, 1]
        assert dict(mix.regions) == {"Asia": 1, "Europe": 1, "not known": 1}
        assert sum(number for _word, number in mix.industries) == 3


class TestLookAlike:
    def test_what_the_most_active_have_more_often_becomes_a_cohort_of_others_like_them(self) -> None:
        ports = [make_account(f"Port {number}", industry="Ports", products=["Tide"]) for number in range(4)]
        for number, account in enumerate(ports):
            active = make_advocate(f"Active{number}", account, user=False)
            spine.record(Deed.VERIFIED, at=NOON - DAY, source=("test", str(number)), contact=active.contact)
            make_contact(f"Alike{number}", account)
        for number in range(8):
            make_contact(f"Other{number}", make_account(industry="Food"))
        found = {one.key: one for one in cohorts.likenesses(at=NOON)}
        one = found["account.industry:Ports"]
        assert (one.among_active, one.active, one.among_all, one.everybody) == (4, 4, 8, 16)
        assert one.times == 2.0
        assert "account.region:Europe" not in found  # everybody is there
        made = acting.make_alike(list(found.values()), by=None, at=NOON)
        people = segments.Segment.read(made.definition).people(at=NOON)
        assert {contact.given_name for contact in people} == {f"Alike{number}" for number in range(4)}
        assert acting.make_alike([one], by=None, at=NOON).name != made.name

    def test_nothing_stands_out_where_nobody_was_active(self) -> None:
        make_advocate("Ines")
        assert cohorts.likenesses(at=NOON) == []


@pytest.fixture
def template() -> InvitationTemplate:
    InvitationTemplate.objects.all().delete()
    return InvitationTemplate.objects.create(
        region="", language="en", subject="Join {program}", body="Dear {given_name}", basis="Existing customers."
    )


class TestWhoIsLeftOut:
    def test_each_has_one_reason_the_same_as_one_by_one(self, template: InvitationTemplate) -> None:
        free = make_contact("Free")
        make_contact("Mute", email="")
        make_advocate("Member")
        declined = make_advocate("Declined", status="declined", consents=[])
        pending = make_contact("Open")
        invite(pending, at=NOON - DAY)
        stopped = make_contact("Stopped")
        Suppression.objects.create(email=stopped.email.upper(), kind="*", reason="bounced", at=NOON - DAY)
        paused = make_contact("Paused")
        Pause.objects.create(
            account=paused.account, cause="by_hand", release="by_hand", reason="a hard quarter", key="1",
            began_at=NOON - DAY,
        )  # fmt: skip
        people = Contact.objects.all()
        number, left_out = cohorts.by_refusal(people, at=NOON)
        assert number == 1
        assert {(key, count) for key, _words, count in left_out} == {
            ("no_email", 1), ("member", 1), ("declined", 1), ("open", 1), ("suppressed", 1), ("paused", 1)
        }  # fmt: skip
        for contact in invitations.with_refusal(people, at=NOON):
            assert bool(contact.refusal) == (invitations.why_not(contact, at=NOON) is not None)  # type: ignore[attr-defined]
        assert invitations.why_not(paused, at=NOON) == f"Asks are paused at {paused.account.name}: a hard quarter."
        assert invitations.why_not(declined.contact, at=NOON) == "Declined Barbosa said no to an invitation."
        assert invitations.why_not(free, at=NOON) is None
        some = cohorts.examples(people, ["paused"], at=NOON, each=2)
        assert [contact.given_name for contact in some["paused"]] == ["Paused"]

    @settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        st.lists(
            st.tuples(st.sampled_from(["", "Europe", "Asia"]), st.sampled_from(["en", "de", "pt", "pt-br"])),
            max_size=3, unique=True,
        ),
        st.sampled_from(["", "Europe", "Asia"]),
        st.sampled_from(["", "de", "de-at", "pt-br"]),
        st.sampled_from(["", "pt", "en-gb"]),
    )  # fmt: skip
    def test_words_are_found_for_many_as_for_one(
        self, ines: Contact, written: Any, region: str, language: str, theirs: str
    ) -> None:
        InvitationTemplate.objects.all().delete()
        for where, tongue in written:
            InvitationTemplate.objects.create(region=where, language=tongue, subject="s", body="b", basis="x")
        Account.objects.update(region=region, language=theirs)
        Contact.objects.update(language=language)
        ines = Contact.objects.select_related("account").get(pk=ines.pk)
        found = invitations.with_refusal(Contact.objects.all(), at=NOON).get()
        assert (found.refusal == "no_words") == (invitations.template_for(ines) is None)  # type: ignore[attr-defined]

    @pytest.fixture
    def ines(self) -> Contact:
        return make_contact("Ines")


class TestInvitingInRounds:
    @pytest.fixture
    def europe(self, template: InvitationTemplate) -> Cohort:
        return Cohort.objects.create(
            name="Europe", definition={"all": [{"fact": "account.region", "value": ["Europe"]}]}
        )

    def begin(self, cohort: Cohort, most: int = 10, **fields: Any) -> CohortBatch:
        return acting.begin(
            cohort, most=most, starts_at=fields.pop("starts_at", NOON), by=fields.pop("by", None), at=NOON
        )

    def test_each_who_can_be_is_invited_once_and_the_others_are_counted_with_why(self, europe: Cohort) -> None:
        ines = make_contact("Ines")
        make_advocate("Omar")
        mei = make_contact("Mei")
        make_contact("Ada", make_account(region="Asia"))
        batch = self.begin(europe)
        assert acting.work(at=NOON) == 2
        assert acting.work(at=NOON + DAY) == 0
        batch.refresh_from_db()
        assert (batch.status, batch.invited, batch.left_out) == ("done", 2, {"member": 1})
        sent = Invitation.objects.filter(batch=batch)
        assert {one.advocate.contact for one in sent} == {ines, mei}
        assert Message.objects.filter(kind="invitation").count() == 2
        assert cohorts.results(europe) == {"queued": 2}

    def test_no_more_than_was_said_then_the_next_round_goes_on_with_the_others(self, europe: Cohort) -> None:
        for number in range(5):
            make_contact(f"Customer{number}")
        first = self.begin(europe, most=2)
        acting.work(at=NOON)
        first.refresh_from_db()
        assert (first.status, first.invited) == ("done", 2)
        second = self.begin(europe, most=10)
        acting.work(at=NOON)
        second.refresh_from_db()
        assert (second.invited, second.left_out) == (3, {"open": 2})

    def test_a_round_waits_for_its_day_and_can_be_stopped_before(self, europe: Cohort) -> None:
        make_contact("Ines")
        batch = self.begin(europe, starts_at=NOON + 2 * DAY)
        assert acting.work(at=NOON + DAY) == 0
        acting.stop(batch, at=NOON + DAY)
        assert acting.work(at=NOON + 3 * DAY) == 0
        assert not Invitation.objects.exists()
        with pytest.raises(Refused):
            acting.stop(batch, at=NOON + DAY)

    def test_one_round_at_a_time(self, europe: Cohort) -> None:
        self.begin(europe)
        with pytest.raises(Refused, match="under way already"):
            self.begin(europe)
        with pytest.raises(Refused, match="at least one"):
            self.begin(europe, most=0)

    def test_a_round_keeps_to_what_the_cohort_was_when_it_began(self, europe: Cohort) -> None:
        make_contact("Ines")
        self.begin(europe)
        Cohort.objects.update(definition={"all": [{"fact": "account.region", "value": ["Asia"]}]})
        assert acting.work(at=NOON) == 1

    def test_killed_in_the_middle_nobody_is_skipped_or_invited_twice(
        self, europe: Cohort, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for number in range(6):
            make_contact(f"Customer{number}")
        make_advocate("Omar")
        batch = self.begin(europe)
        true, calls = acting.invite, 0

        def dies(*args: Any, **kwargs: Any) -> Any:
            nonlocal calls
            calls += 1
            done = true(*args, **kwargs)
            if calls == 3:
                raise KeyboardInterrupt
            return done

        monkeypatch.setattr(acting, "invite", dies)
        with pytest.raises(KeyboardInterrupt):
            acting.work(at=NOON)
        batch.refresh_from_db()
        assert batch.invited == Invitation.objects.count() == 2
        acting.work(at=NOON)
        batch.refresh_from_db()
        assert (batch.status, batch.invited, batch.left_out) == ("done", 6, {"member": 1})
        assert Invitation.objects.count() == 6

    def test_who_moved_the_round_on_meanwhile_is_not_overtaken(self, europe: Cohort) -> None:
        ines = make_contact("Ines")
        batch = self.begin(europe)
        CohortBatch.objects.update(cursor=ines.pk)
        assert acting._step(batch.pk, 0, ines, acting.Counter(), at=NOON) is None
        assert not Invitation.objects.exists()


class TestThePages:
    @pytest.fixture
    def lead(self, client: Client) -> Client:
        client.force_login(make_user("Lena", Role.LEAD))
        return client

    def rows(self, **more: str) -> dict[str, str]:
        told = {
            "name": "Champions in Europe", "note": "", "fact_all_0": "account.region", "value_all_0": "Europe",
            "fact_all_1": "", "value_all_1": "", "fact_any_0": "contact.persona", "value_any_0": "champion",
            "fact_exclude_0": "program.status", "value_exclude_0": "member",
        }  # fmt: skip
        return told | more

    def test_a_lead_describes_people_and_sees_them(self, lead: Client) -> None:
        make_contact("Mei Lin")
        make_contact("Far Off", make_account(region="Asia"))
        make_advocate("Omar")
        answer = lead.post(reverse("advocates:new_cohort"), self.rows(), follow=True)
        page = answer.content.decode()
        assert "Mei Lin" in page
        assert "Far Off" not in page
        assert "Omar" not in page
        made = Cohort.objects.get()
        assert made.definition == {
            "all": [{"fact": "account.region", "value": ["Europe"]}],
            "any": [{"fact": "contact.persona", "value": "champion"}],
            "exclude": [{"fact": "program.status", "value": "member"}],
        }
        listed = lead.get(reverse("advocates:cohorts")).content.decode()
        assert "Champions in Europe" in listed
        assert "region is Europe" in listed
        edit = lead.get(reverse("advocates:edit_cohort", args=[made.pk])).content.decode()
        assert 'value="Europe"' in edit
        assert '<option value="champion" selected>' in edit

    def test_the_count_follows_what_is_said_line_by_line(self, lead: Client) -> None:
        make_contact("Mei")
        make_contact("Ada", persona="user")
        page = lead.post(reverse("advocates:count_cohort"), self.rows(name="")).content.decode()
        assert ">1</b>" in page
        assert "of 2 people" in page
        assert "region is Europe" in page
        nothing = lead.post(reverse("advocates:count_cohort"), {"name": ""}).content.decode()
        assert "Say a fact" in nothing

    @pytest.mark.parametrize(
        ("wrong", "said"),
        [
            ({"value_all_0": ""}, "Say what “region is” is compared with."),
            ({"fact_all_0": ""}, "Choose the fact that “Europe” is about."),
            ({"fact_all_0": "account.employees", "value_all_0": "lots"}, "“lots” is not a whole number"),
            ({"value_any_0": "king"}, "“king” is not one of"),
            ({"name": ""}, "name"),
            (
                {"fact_all_0": "", "value_all_0": "", "fact_any_0": "", "value_any_0": ""},
                "Say who belongs",
            ),
        ],
    )
    def test_what_is_wrong_is_said_beside_it_and_nothing_typed_is_lost(
        self, lead: Client, wrong: dict[str, str], said: str
    ) -> None:
        answer = lead.post(reverse("advocates:new_cohort"), self.rows(note="kept words", **wrong))
        page = answer.content.decode()
        assert answer.status_code == 422
        assert said in page
        assert "kept words" in page
        assert not Cohort.objects.exists()

    def test_the_value_is_asked_for_as_its_fact_wants_it(self, lead: Client) -> None:
        make_account(industry="Ports")
        address = reverse("advocates:cohort_value")
        choice = lead.get(address, {"row": "any.1", "fact_any_1": "contact.persona"}).content.decode()
        assert '<select name="value_any_1"' in choice
        number = lead.get(address, {"row": "all.0", "fact_all_0": "signal.renewed"}).content.decode()
        assert 'type="number"' in number
        assert "days" in number
        words = lead.get(address, {"row": "all.0", "fact_all_0": "account.industry"}).content.decode()
        assert '<option value="Ports">' in words
        for odd in ("", "all", "all.x", "all.²", "none.1", "all.-1", "all.999"):
            assert lead.get(address, {"row": odd}).status_code == 404

    def test_before_inviting_one_sees_who_is_left_out_and_why(self, lead: Client, template: InvitationTemplate) -> None:
        make_contact("Mei Lin")
        make_contact("Mute Swan", email="")
        made = Cohort.objects.create(name="All", definition={"all": [{"fact": "contact.persona", "value": "champion"}]})
        address = reverse("advocates:invite_cohort", args=[made.pk])
        page = lead.get(address).content.decode()
        assert "No e-mail address" in page
        assert "Mute Swan" in page
        assert lead.post(address, {"most": "0"}).status_code == 422
        assert not CohortBatch.objects.exists()
        lead.post(address, {"most": "5"})
        assert lead.post(address, {"most": "5"}).status_code == 409
        batch = CohortBatch.objects.get()
        acting.work(at=timezone.now())
        page = lead.get(reverse("advocates:cohort", args=[made.pk])).content.decode()
        assert "1 of at most 5 invited" in page
        assert "1 left out" in page
        assert "Mei Lin" in lead.get(reverse("advocates:invited"), {"cohort": made.pk}).content.decode()
        assert lead.post(reverse("advocates:stop_round", args=[batch.pk]), follow=True).status_code == 200

    def test_a_manager_reads_cohorts_and_only_a_lead_sends_them_off(self, client: Client) -> None:
        made = Cohort.objects.create(name="All", definition={"all": [{"fact": "contact.persona", "value": "champion"}]})
        client.force_login(make_user("Rita", Role.MANAGER))
        assert client.get(reverse("advocates:cohort", args=[made.pk])).status_code == 200
        assert client.post(reverse("advocates:invite_cohort", args=[made.pk]), {"most": "5"}).status_code == 403
        client.force_login(make_user("Sam", Role.REQUESTER))
        assert client.get(reverse("advocates:cohorts")).status_code == 403

    def test_a_cohort_of_a_fact_that_is_gone_says_so(self, lead: Client) -> None:
        made = Cohort.objects.create(name="Old", definition={"all": [{"fact": "shoe.size", "value": 4}]})
        page = lead.get(reverse("advocates:cohort", args=[made.pk])).content.decode()
        assert "cannot be read any more" in page
        assert lead.get(reverse("advocates:cohorts")).status_code == 200
        assert lead.get(reverse("advocates:invite_cohort", args=[made.pk])).status_code == 302

    def test_the_alike_page_makes_a_cohort_of_what_is_ticked(self, lead: Client) -> None:
        for number in range(3):
            active = make_advocate(f"Active{number}", make_account(industry="Ports"), user=False)
            spine.record(Deed.VERIFIED, at=timezone.now() - DAY, source=("test", str(number)), contact=active.contact)
        for number in range(5):
            make_contact(f"Other{number}")
        address = reverse("advocates:cohorts_alike")
        assert "Ports" in lead.get(address).content.decode()
        assert lead.post(address, {}).status_code == 409
        lead.post(address, {"fact": ["account.industry:Ports"]})
        assert Cohort.objects.get().definition["all"] == [{"fact": "account.industry", "value": ["Ports"]}]

    def test_pages_cost_the_same_for_many(self, lead: Client, queries_of: QueriesOf) -> None:
        made = Cohort.objects.create(name="All", definition={"all": [{"fact": "contact.persona", "value": "champion"}]})
        make_advocate("Ines", user=False)
        for name, args in [("cohort", [made.pk]), ("cohorts", []), ("invite_cohort", [made.pk])]:
            visit = partial(lead.get, reverse(f"advocates:{name}", args=args))
            few = queries_of(visit)
            for number in range(30):
                make_contact(f"{name}{number}")
                Cohort.objects.create(name=f"{name} {number}", definition=made.definition)
            assert queries_of(visit) == few, name


class TestAccountsWithoutPeople:
    def test_nobody_belongs_is_told_apart_from_nobody_is_known(self, client: Client) -> None:
        make_account("Kestrel Foods", region="Europe")
        client.force_login(make_user("Lena Novak", Role.LEAD))
        asked = {"fact_all_0": "account.region", "is_all_0": "one_of", "value_all_0": "Europe"}
        told = client.post(reverse("advocates:count_cohort"), asked, headers={"hx-request": "true"}).content.decode()
        assert "One account has no contacts at all" in told
        make_contact("Ines", Account.objects.get())
        told = client.post(reverse("advocates:count_cohort"), asked, headers={"hx-request": "true"}).content.decode()
        assert "no contacts at all" not in told


class TestTakingACohortAlong:
    def test_its_people_as_a_file(self, client: Client) -> None:
        kestrel = make_account("Kestrel Foods", region="Europe")
        make_contact("Ines Barbosa", kestrel)
        make_advocate("Omar Haddad", make_account("Blue Harbour", region="Asia"))
        definition = {"all": [{"fact": "account.region", "value": ["Europe"]}]}
        cohort = Cohort.objects.create(name="In Europe", definition=definition)
        client.force_login(make_user("Lena Novak", Role.LEAD))
        answer: Any = client.get(reverse("advocates:cohort", args=[cohort.pk]), {"as": "csv"})
        text = b"".join(answer.streaming_content).decode()
        assert "Barbosa" in text
        assert "Haddad" not in text
