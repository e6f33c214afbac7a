"""Accounts and contacts that are there twice (P28): proposed, merged with everything that points at them, put back."""

from datetime import timedelta
from time import perf_counter
from typing import Any

import pghistory.models
import pytest
from django.apps import apps
from django.db.models import UniqueConstraint
from django.test import Client
from django.urls import reverse

from advocacy.crm import consent, duplicates, merging, readiness, spine
from advocacy.crm.catalogue import Deed, Purpose
from advocacy.crm.models import (
    Account,
    Activity,
    ConsentEntry,
    Contact,
    Likeness,
    Merge,
    Pause,
    RecordedBasis,
    Signal,
    Usage,
)  # fmt: skip
from advocacy.lib.lifecycle import Refused
from advocacy.users.models import Role, RoleGrant
from advocates import budget, points
from advocates.models import Advocate, Channel, Firing, Invitation, LifecycleRule, Task
from tests.factories import (
    NOON,
    make_account,
    make_advocate,
    make_contact,
    make_opportunity,
    make_signal,
    make_user,
)  # fmt: skip

pytestmark = pytest.mark.django_db


def pairs(kind: str) -> set[tuple[int, int, str]]:
    return set(Likeness.objects.filter(kind=kind, settled="").values_list("first", "second", "why"))


def merge(kind: str, stays: Any, gone: Any, *take: str, **more: Any) -> Merge:
    given = {"by": None, "at": NOON, **more}
    return merging.merge(kind, stays=stays.pk, gone=gone.pk, take=dict.fromkeys(take, True), **given)


class TestProposing:
    def test_accounts_with_the_same_domain_or_the_same_name_but_for_its_legal_form_are_proposed(self) -> None:
        kestrel = make_account("Kestrel Foods", domain="kestrel.example")
        same_domain = make_account("Kestrel Europe", domain="WWW.kestrel.example")
        same_name = make_account("KESTREL  Foods, Inc.")
        make_account("Osprey")
        assert duplicates.look(at=NOON) == 2
        assert pairs("account") == {(kestrel.pk, same_domain.pk, "domain"), (kestrel.pk, same_name.pk, "name")}

    def test_a_provider_of_mail_is_no_company(self) -> None:
        make_account("Anna's Bakery", domain="gmail.com")
        make_account("Bert's Garage", domain="gmail.com")
        assert duplicates.look(at=NOON) == 0

    def test_contacts_with_one_address_or_one_name_are_proposed_also_across_accounts_that_look_alike(self) -> None:
        kestrel, twin = make_account("Kestrel Foods"), make_account("Kestrel Foods GmbH")
        elsewhere = make_account("Osprey")
        ines = make_contact("Ines Barbosa", kestrel, email="ines@kestrel.example")
        at_twin = make_contact("ines BARBOSA", twin, email="barbosa@kestrel.example")
        same_local = make_contact("Ines Barbosa", elsewhere, email="ines@osprey.example")
        same_mail = make_contact("I. B.", elsewhere, email="INES@kestrel.example")
        make_contact("Ines Barbosa", make_account("Heron"), email="other@heron.example")
        duplicates.look(at=NOON)
        assert pairs("contact") == {
            (ines.pk, at_twin.pk, "colleague"), (ines.pk, same_local.pk, "person"), (ines.pk, same_mail.pk, "email"),
        }  # fmt: skip

    def test_what_is_not_the_same_is_not_proposed_again(self) -> None:
        make_account("Kestrel", domain="kestrel.example")
        make_account("Kestrel Ltd")
        duplicates.look(at=NOON)
        lena = make_user("Lena", Role.LEAD)
        assert duplicates.not_the_same(Likeness.objects.get(), by=lena, at=NOON)
        assert duplicates.look(at=NOON + timedelta(days=1)) == 0
        assert pairs("account") == set() and Likeness.objects.get().by == lena

    def test_what_was_mended_meanwhile_is_not_proposed_any_more(self) -> None:
        make_account("Kestrel")
        other = make_account("Kestrel Ltd")
        duplicates.look(at=NOON)
        Account.objects.filter(pk=other.pk).update(name="Falcon Ltd")
        duplicates.look(at=NOON)
        assert pairs("account") == set()

    def test_ten_thousand_rows_are_looked_through_in_seconds(self) -> None:
        Account.objects.bulk_create(
            Account(external_id=f"a{n}", name=f"Company {n % 4_900} Ltd", domain=f"c{n}.example") for n in range(5_000)
        )
        first = Account.objects.order_by("pk")[0]
        Contact.objects.bulk_create(
            Contact(
                external_id=f"c{n}", account=first, given_name="P", family_name=f"N{n % 4_900}", email=f"{n}@x.example"
            )
            for n in range(5_000)
        )
        began = perf_counter()
        assert duplicates.look(at=NOON) == 200
        assert perf_counter() - began < 5


class TestMergingContacts:
    def test_everything_follows_the_one_that_stays(self) -> None:
        ines = make_contact("Ines Barbosa", email="ines@kestrel.example")
        twin = make_contact("Ines Barbossa", ines.account, email="i.barbosa@kestrel.example", title="Director")
        advocate = make_advocate(contact=twin, consents=())
        signal = make_signal("nps", twin.account, contact=twin, value=9)
        spine.record(Deed.JOINED, contact=twin, at=NOON, source=("advocates.advocate", advocate.pk))
        merge("contact", ines, twin, "title")
        advocate.refresh_from_db()
        ines.refresh_from_db()
        assert advocate.contact == ines and ines.title == "Director" and ines.email == "ines@kestrel.example"
        assert (
            Signal.objects.get(pk=signal.pk).contact == ines and Activity.objects.get(deed=Deed.JOINED).contact == ines
        )
        assert list(Contact.objects.filter(family_name__startswith="Barbos")) == [ines]

    def test_a_no_on_either_stays_a_no(self) -> None:
        ines, twin = make_contact("Ines"), make_contact("Ines")
        for person in (ines, twin):
            consent.grant(person, Purpose.NEWSLETTER, wording="News, please.", at=NOON, source="test")
        consent.grant(ines, Purpose.RECORDING, wording="Record me.", at=NOON, source="test")
        consent.withdraw(twin, Purpose.RECORDING, at=NOON - timedelta(days=90), source="test")
        consent.grant(twin, Purpose.QUOTE, wording="Quote me.", at=NOON, source="test")
        before = list(ConsentEntry.objects.values_list("pk", "contact"))
        at = NOON + timedelta(days=1)
        merge("contact", ines, twin, at=at)
        assert consent.standing(ines, at=at) == {Purpose.NEWSLETTER, Purpose.QUOTE}
        carried = ConsentEntry.objects.get(contact=ines, purpose=Purpose.QUOTE)
        assert (carried.wording, carried.at, carried.source) == ("Quote me.", NOON, "merge")
        assert set(before) <= set(ConsentEntry.objects.values_list("pk", "contact")), "the ledger keeps its rows"

    def test_two_advocates_of_a_person_become_one_with_all_points_and_the_stricter_limits(self) -> None:
        ines = make_advocate("Ines", asks_a_quarter=4, never=["webinar"])
        twin = make_advocate("Ines", ines.contact.account, asks_a_quarter=2, wants=["webinar", "quote"])
        points.book(ines, 100, reason="A webinar", source=("test", 1), at=NOON)
        points.book(twin, 250, reason="A webinar", source=("test", 1), at=NOON)
        Task.objects.create(kind="care", key="care:1", text="Call", advocate=twin, due_at=NOON)
        made = merge("contact", ines.contact, twin.contact)
        ines.refresh_from_db()
        twin.refresh_from_db()
        assert points.total(ines) == 350 and points.total(twin) == 0
        assert ines.asks_a_quarter == 2 and ines.never == ["webinar"] and ines.wants == ["quote"]
        assert Task.objects.get().advocate == ines
        assert twin.status == Advocate.Status.LEFT and not twin.user.is_active and ines.user.is_active
        lena = make_user("Lena", Role.LEAD)
        assert list(Advocate.objects.visible_to(lena)) == [ines]
        merging.undo(made, by=lena, at=NOON + timedelta(days=2))
        ines.refresh_from_db()
        twin.refresh_from_db()
        assert points.total(ines) == 100 and points.total(twin) == 250 and Task.objects.get().advocate == twin
        assert (ines.asks_a_quarter, ines.wants) == (4, []) and twin.status == Advocate.Status.MEMBER
        assert type(twin.user).objects.get(pk=twin.user_id).is_active

    def test_a_colleague_who_is_there_as_an_advocate_as_well_can_still_sign_in(self) -> None:
        ines = make_advocate("Ines")
        twin = make_advocate("Ines", ines.contact.account)
        RoleGrant.objects.create(user=twin.user, role=Role.MANAGER)
        made = merge("contact", ines.contact, twin.contact)
        person = type(twin.user).objects.get(pk=twin.user_id)
        assert person.is_active and set(person.role_set) == {Role.MANAGER}
        merging.undo(made, by=None, at=NOON)
        person = type(twin.user).objects.get(pk=twin.user_id)
        assert set(person.role_set) == {Role.MANAGER, Role.ADVOCATE}

    def test_put_back_each_rests_for_their_own_asks_only(self) -> None:
        ines = make_advocate("Ines")
        twin = make_advocate("Ines", make_account("Kestrel Spain"))
        asked = NOON - timedelta(days=1)
        budget.ask(twin, channel=Channel.DESK, source_id="1", kind="call", at=asked)
        made = merge("contact", ines.contact, twin.contact)
        ines.refresh_from_db()
        assert ines.last_asked_at == asked
        merging.undo(made, by=None, at=NOON + timedelta(days=1))
        ines.refresh_from_db()
        twin.refresh_from_db()
        assert (ines.last_asked_at, ines.resting_until, ines.asks_in_year) == (None, None, 0)
        assert twin.last_asked_at == asked and twin.asks_in_year == 1

    @pytest.mark.parametrize("status", [Advocate.Status.INVITED, Advocate.Status.MEMBER])
    def test_nobody_is_reminded_of_an_invitation_they_have_twice_or_need_no_more(self, status: str) -> None:
        ines = make_advocate("Ines", status=status)
        twin = make_advocate("Ines", ines.contact.account, status=Advocate.Status.INVITED)
        until = NOON + timedelta(days=60)
        if status == Advocate.Status.INVITED:
            own = Invitation.objects.create(advocate=ines, status="sent", sent_at=NOON, expires_at=until)
        theirs = Invitation.objects.create(advocate=twin, status="sent", sent_at=NOON, expires_at=until)
        made = merge("contact", ines.contact, twin.contact)
        theirs.refresh_from_db()
        assert (theirs.status, theirs.advocate) == ("stopped", ines), "its link leads to the one that stays"
        if status == Advocate.Status.INVITED:
            own.refresh_from_db()
            assert own.status == "sent"
        merging.undo(made, by=None, at=NOON)
        theirs.refresh_from_db()
        assert (theirs.status, theirs.advocate) == ("sent", twin)

    def test_an_opt_out_under_one_address_is_one_for_both(self) -> None:
        ines, twin = make_contact("Ines"), make_contact("Ines")
        RecordedBasis.objects.create(contact=ines, purpose="invitation", basis="Customer")
        RecordedBasis.objects.create(contact=twin, purpose="invitation", basis="Customer", ended_at=NOON)
        merge("contact", ines, twin)
        assert RecordedBasis.objects.get(contact=ines).ended_at == NOON

    def test_a_rule_that_reached_one_does_not_reach_them_again(self) -> None:
        ines, twin = make_contact("Ines"), make_contact("Ines")
        rule = LifecycleRule.objects.create(name="R", signal="nps", effect="task")
        fired = Firing.objects.create(rule=rule, subject=f"contact:{twin.pk}", occurrence="x", due_at=NOON)
        merge("contact", ines, twin)
        fired.refresh_from_db()
        assert fired.subject == f"contact:{ines.pk}"

    def test_the_same_seat_held_twice_is_settled_first(self) -> None:
        ines = make_advocate("Ines")
        twin = make_advocate("Ines", ines.contact.account)
        panel = make_opportunity("The panel")
        for advocate in (ines, twin):
            advocate.claims.create(opportunity=panel, claimed_at=NOON)
        with pytest.raises(Refused, match="Both have claimed “The panel”"):
            merge("contact", ines.contact, twin.contact)

    def test_who_was_erased_is_merged_with_nobody(self) -> None:
        with pytest.raises(Refused, match="erased"):
            merge("contact", make_contact("Ines"), make_contact("Ines", erased_at=NOON))


class TestMergingAccounts:
    def test_people_use_and_pauses_follow_and_the_account_stays_paused(self) -> None:
        kestrel, twin = make_account("Kestrel"), make_account("Kestrel Ltd", employees=5_000)
        below = make_account("Kestrel Spain", parent=twin)
        ines = make_contact("Ines", twin)
        Usage.objects.create(account=twin, external_id="u", feature="planning", day=NOON.date(), minutes=5)
        Pause.objects.create(account=twin, cause="by_hand", release="by_hand", reason="Angry", key="k", began_at=NOON)
        made = merge("account", kestrel, twin, "employees")
        kestrel.refresh_from_db()
        assert kestrel.readiness == "paused" and kestrel.employees == 5_000
        assert Contact.objects.get(pk=ines.pk).account == kestrel and Usage.objects.get().account == kestrel
        assert Account.objects.get(pk=below.pk).parent == kestrel
        assert not Account.objects.filter(pk=twin.pk).exists()
        merging.undo(made, by=None, at=NOON + timedelta(days=29))
        kestrel.refresh_from_db()
        twin = Account.objects.get(pk=twin.pk)
        assert (kestrel.readiness, kestrel.employees, twin.readiness) == ("ready", 900, "paused")
        assert Contact.objects.get(pk=ines.pk).account == twin and Usage.objects.get().account == twin
        assert Account.objects.get(pk=below.pk).parent == twin

    def test_not_ready_on_either_stays_not_ready(self) -> None:
        kestrel, twin = make_account(), make_account()
        readiness.set_not_ready(twin, reason="Lawsuit", by=None, at=NOON)
        made = merge("account", kestrel, twin)
        kestrel.refresh_from_db()
        assert (kestrel.readiness, kestrel.readiness_reason) == ("not_ready", "Lawsuit")
        merging.undo(made, by=None, at=NOON + timedelta(days=1))
        twin = Account.objects.get(pk=twin.pk)
        kestrel.refresh_from_db()
        assert (kestrel.readiness, twin.readiness) == ("ready", "not_ready")

    def test_an_account_never_becomes_its_own_parent(self) -> None:
        twin = make_account("Kestrel Group")
        kestrel = make_account("Kestrel", parent=twin)
        merge("account", kestrel, twin)
        kestrel.refresh_from_db()
        assert kestrel.parent is None

    def test_of_two_rows_of_which_only_one_may_be_the_one_that_stays_keeps_its_own(self) -> None:
        kestrel, twin = make_account(), make_account()
        for account in (kestrel, twin):
            Pause.objects.create(account=account, cause="signal", release="date", reason="R", key="k", began_at=NOON)
        made = merge("account", kestrel, twin)
        entry = made.record["moved"]["crm.pause.account"]
        assert entry["moved"] == [] and len(entry["kept_back"]) == 1
        assert Pause.objects.filter(account=kestrel).count() == 1


class TestOnce:
    def test_a_second_click_is_told_that_it_is_done(self) -> None:
        kestrel, twin = make_account(), make_account()
        merge("account", kestrel, twin)
        with pytest.raises(Refused, match="merged already"):
            merge("account", kestrel, twin)
        assert Merge.objects.count() == 1

    def test_it_is_put_back_once_and_within_thirty_days(self) -> None:
        kestrel, twin, third = make_account(), make_account(), make_account()
        made, other = merge("account", kestrel, twin), merge("account", kestrel, third)
        with pytest.raises(Refused, match="Put that back first"):
            merging.undo(made, by=None, at=NOON)
        merging.undo(other, by=None, at=NOON)
        with pytest.raises(Refused, match="already"):
            merging.undo(other, by=None, at=NOON)
        with pytest.raises(Refused, match="thirty days"):
            merging.undo(made, by=None, at=NOON + timedelta(days=31))

    def test_what_can_not_be_put_back_any_more_is_forgotten(self) -> None:
        made = merge("account", make_account(), make_account())
        assert made.record and merging.forget(at=NOON + timedelta(days=31)) == 1
        made.refresh_from_db()
        assert made.record == {}

    def test_a_value_corrected_since_is_not_put_back(self) -> None:
        kestrel, twin = make_account(region="Europe"), make_account(region="Asia")
        made = merge("account", kestrel, twin, "region")
        Account.objects.filter(pk=kestrel.pk).update(region="Africa")
        merging.undo(made, by=None, at=NOON)
        kestrel.refresh_from_db()
        assert kestrel.region == "Africa"


@pytest.mark.parametrize("label", ["crm.Contact", "crm.Account", "advocates.Advocate"])
def test_no_table_that_points_at_them_is_forgotten(label: str) -> None:
    """A new ledger has to say how it follows; any other table follows by itself."""
    model = apps.get_model(label)
    assert merging.unhandled(model) == []
    known = {ref.label for ref in merging.references(model)}
    for other in apps.get_models():
        if issubclass(other, pghistory.models.Event):
            continue  # the history tells what was
        for field in other._meta.get_fields(include_hidden=True):
            if field.concrete and field.is_relation and field.related_model is model and not field.many_to_many:
                assert f"{other._meta.label_lower}.{field.name}" in known


@pytest.mark.parametrize("label", ["crm.Contact", "crm.Account", "advocates.Advocate"])
def test_what_may_be_there_once_only_is_said_by_columns(label: str) -> None:
    """Clashes are found by the columns of a constraint; one that is an expression would stop a merge half-way."""
    for ref in merging.references(apps.get_model(label)):
        hidden = [
            constraint.name
            for constraint in ref.model._meta.constraints
            if isinstance(constraint, UniqueConstraint) and ref.field.name in str(constraint.expressions)
        ]
        assert not hidden, f"{ref.label}: say in crm.merging how {hidden} is met"
        pairs = [other for other in merging.references(apps.get_model(label)) if other.model is ref.model]
        if len(pairs) > 1:
            # A row that names two of them could come to name one twice: whoever adds such a table says how it merges.
            assert ref.model._meta.label in {"crm.Account"} or ref.label in merging._handled


def test_a_ledger_that_only_grows_is_recognised() -> None:
    assert [model for model in (ConsentEntry, Activity, Signal) if merging.only_grows(model)] == [ConsentEntry]


class TestThePages:
    @pytest.fixture
    def pair(self) -> Likeness:
        kestrel = make_account("Kestrel Foods", domain="kestrel.example")
        twin = make_account("Kestrel Foods GmbH", employees=5_000, domain="")
        make_contact("Ines", kestrel)
        duplicates.look(at=NOON)
        return Likeness.objects.get(first=kestrel.pk, second=twin.pk)

    @pytest.fixture
    def rita(self, client: Client) -> Client:
        client.force_login(make_user("Rita", Role.MANAGER))
        return client

    def test_a_pair_is_compared_merged_and_put_back(self, rita: Client, pair: Likeness) -> None:
        page = rita.get(reverse("duplicates:list")).content.decode()
        assert "Kestrel Foods and Kestrel Foods GmbH" in page and "legal form" in page
        url = reverse("duplicates:compare", args=[pair.pk])
        page = rita.get(url).content.decode()
        assert "5000" in page and "contacts: 1" in page
        answer = rita.post(
            url, {"stays": pair.first, "fact_employees": pair.second, "fact_name": pair.first}, follow=True
        )
        assert (
            "is one now" in answer.content.decode()
            and "Kestrel Foods GmbH into Kestrel Foods" in answer.content.decode()
        )
        kestrel = Account.objects.get(pk=pair.first)
        assert (kestrel.employees, kestrel.name) == (5_000, "Kestrel Foods")
        assert "merged already" in rita.post(url, {"stays": pair.first}, follow=True).content.decode()
        answer = rita.post(reverse("duplicates:undo", args=[Merge.objects.get().pk]), follow=True)
        assert "Put back" in answer.content.decode() and Account.objects.filter(pk=pair.second).exists()
        assert Likeness.objects.filter(pk=pair.pk, settled="").exists(), "and it is proposed again"

    def test_what_both_know_goes_with_the_side_that_stays_what_one_knows_with_that_one(
        self, rita: Client, pair: Likeness
    ) -> None:
        page = rita.get(reverse("duplicates:compare", args=[pair.pk])).content.decode()
        name, domain = (
            next(row for row in page.split("<tr") if f'name="fact_{fact}"' in row) for fact in ("name", "domain")
        )
        assert 'data-follows="stays"' in name, "the page's script lets it follow"
        assert "data-follows" not in domain and f'value="{pair.first}" checked' in domain

    def test_who_does_not_say_which_one_stays_is_asked(self, rita: Client, pair: Likeness) -> None:
        answer = rita.post(reverse("duplicates:compare", args=[pair.pk]), {"fact_employees": pair.second})
        assert answer.status_code == 409 and "Say which of the two stays" in answer.content.decode()

    def test_not_the_same(self, rita: Client, pair: Likeness) -> None:
        answer = rita.post(reverse("duplicates:different", args=[pair.pk]), follow=True)
        assert "not proposed again" in answer.content.decode()
        assert "Kestrel" not in rita.get(reverse("duplicates:list")).content.decode()

    def test_sellers_do_not_merge(self, client: Client, pair: Likeness) -> None:
        client.force_login(make_user("Sam", Role.REQUESTER))
        assert client.get(reverse("duplicates:list")).status_code == 403
        assert client.post(reverse("duplicates:compare", args=[pair.pk]), {"stays": pair.first}).status_code == 403


def test_an_import_that_names_the_one_that_went_means_the_one_that_stayed() -> None:
    from advocacy.crm.importing.kinds import account_join

    class PlanOfContacts:
        def reference(self, name: str) -> tuple[str, str]:
            return "crm", ""

    kestrel, twin = make_account(external_id="K"), make_account(external_id="T")
    merge("account", kestrel, twin)
    from django.db import connection

    join = account_join(PlanOfContacts())[0]  # type: ignore[arg-type]
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT a.id FROM (VALUES ('T')) s(account) {join}")  # noqa: S608
        assert cursor.fetchone() == (kestrel.pk,)
