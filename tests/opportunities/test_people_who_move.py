"""Job changes, departures and addresses that are no more (P27)."""

from datetime import date, timedelta

import pytest
from django.test import Client
from django.urls import reverse

from advocacy.crm import consent, merging
from advocacy.crm.catalogue import Deed, Purpose
from advocacy.crm.models import Account, Activity, Contact
from advocacy.delivery.models import Message
from advocacy.delivery.sender import suppress
from advocacy.lib.lifecycle import Refused
from advocacy.users.models import Role
from advocates import points
from advocates.actions import moving
from advocates.models import Advocate, Task
from opportunities.actions import board, desk
from opportunities.models import Claim, Nomination
from tests.factories import NOON, make_account, make_advocate, make_opportunity, make_pod, make_request, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def kestrel() -> Account:
    return make_account("Kestrel Foods")


@pytest.fixture
def osprey() -> Account:
    return make_account("Osprey", domain="osprey.example")


@pytest.fixture
def ines(kestrel: Account) -> Advocate:
    return make_advocate("Ines Barbosa", kestrel, pod=make_pod(make_user("Rita", Role.MANAGER)))


class TestMoving:
    def test_the_person_keeps_points_and_history_and_is_at_the_new_account(
        self, ines: Advocate, osprey: Account
    ) -> None:
        points.book(ines, 100, reason="A webinar", source=("test", 1), at=NOON)
        moving.has_moved(ines, to=osprey, at=NOON, title="COO", email="ines@osprey.example")
        contact = Contact.objects.get(pk=ines.contact_id)
        assert (contact.account, contact.title, contact.email) == (osprey, "COO", "ines@osprey.example")
        assert points.total(ines) == 100 and Advocate.objects.get(pk=ines.pk).status == Advocate.Status.MEMBER
        assert Activity.objects.filter(deed=Deed.MOVED, contact=contact, account=osprey).exists()

    def test_consents_that_speak_for_the_company_stop_counting_until_given_again(
        self, ines: Advocate, osprey: Account
    ) -> None:
        moving.has_moved(ines, to=osprey, at=NOON)
        standing = consent.standing(ines.contact, at=NOON)
        assert not standing & {Purpose.NAME_AND_LOGO, Purpose.QUOTE, Purpose.RECORDING}
        assert {Purpose.PROGRAM_MAIL, Purpose.REFERENCE_CALLS} <= standing
        task = Task.objects.get(key__startswith="review:")
        assert task.assignee == ines.manager and "being quoted" in task.text
        later = NOON + timedelta(hours=1)
        consent.grant(ines.contact, Purpose.QUOTE, wording="Quote me.", at=later, source="test")
        assert consent.allows(ines.contact, Purpose.QUOTE, at=later)

    def test_a_successor_is_to_be_found(self, ines: Advocate, kestrel: Account, osprey: Account) -> None:
        moving.has_moved(ines, to=osprey, at=NOON)
        task = Task.objects.get(kind=Task.Kind.FIND)
        assert (task.account, task.assignee) == (kestrel, ines.manager)
        assert task.text == "Find a successor for Ines Barbosa at Kestrel Foods."

    def test_questions_and_claims_for_the_old_company_are_called_off_with_a_word(
        self, ines: Advocate, osprey: Account
    ) -> None:
        wanted = make_request(manager=ines.manager, prospect="Finch Bakery")
        [nomination] = desk.nominate(wanted, [desk.Pick(ines.pk)], by=ines.manager, at=NOON)
        claim = board.claim(ines, make_opportunity("The panel"), at=NOON)
        moving.has_moved(ines, to=osprey, at=NOON + timedelta(hours=1))
        nomination.refresh_from_db()
        claim.refresh_from_db()
        assert nomination.status == Nomination.Status.RECALLED and claim.status == Claim.Status.DECLINED
        assert claim.reason == "You no longer speak for Kestrel Foods"
        assert Message.objects.filter(kind="claim_ended", contact=ines.contact).exists()

    def test_who_is_there_already_has_not_moved(self, ines: Advocate, kestrel: Account) -> None:
        with pytest.raises(Refused, match="at Kestrel Foods already"):
            moving.has_moved(ines, to=kestrel, at=NOON)


class TestLeaving:
    def test_who_left_becomes_an_alumnus_who_can_not_sign_in_as_an_advocate(self, ines: Advocate) -> None:
        points.book(ines, 100, reason="A webinar", source=("test", 1), at=NOON)
        moving.has_left(ines, at=NOON, on=date(2026, 3, 1))
        ines = Advocate.objects.get(pk=ines.pk)
        assert ines.status == Advocate.Status.ALUMNUS and ines.contact.left_on == date(2026, 3, 1)
        assert points.total(ines) == 100 and Role.ADVOCATE not in ines.user.role_set
        assert Task.objects.filter(kind=Task.Kind.FIND).exists()

    def test_an_address_that_is_no_more_asks_whether_they_have_left_once(self, ines: Advocate) -> None:
        suppress(ines.contact.email.upper(), "bounced", at=NOON)
        assert moving.ask_about_bounces(at=NOON + timedelta(hours=1)) == 1
        assert moving.ask_about_bounces(at=NOON + timedelta(hours=2)) == 0
        task = Task.objects.get()
        assert task.assignee == ines.manager and "has this person left Kestrel Foods?" in task.text
        moving.has_left(ines, at=NOON + timedelta(hours=3))
        task.refresh_from_db()
        assert task.done_at is not None


class TestTakingItBack:
    def test_a_move_that_was_none_puts_everything_back_but_what_was_called_off(
        self, ines: Advocate, kestrel: Account, osprey: Account
    ) -> None:
        before = Contact.objects.get(pk=ines.contact_id)
        had, later = consent.standing(ines.contact, at=NOON), NOON + timedelta(days=1)
        claim = board.claim(ines, make_opportunity("The panel"), at=NOON - timedelta(hours=1))
        moving.has_moved(ines, to=osprey, at=NOON, title="COO", email="ines@osprey.example")
        assert moving.take_back(ines, at=later) == kestrel
        contact = Contact.objects.get(pk=ines.contact_id)
        assert (contact.account, contact.title, contact.email) == (kestrel, before.title, before.email)
        assert consent.standing(contact, at=later) == had and Purpose.QUOTE in had
        assert not Task.objects.filter(done_at__isnull=True, kind=Task.Kind.FIND).exists()
        claim.refresh_from_db()
        assert claim.status == Claim.Status.DECLINED, "they have been told"
        assert moving.notice(at=later) == 0, "and it is no move back"
        with pytest.raises(Refused, match="nothing to take back"):
            moving.take_back(ines, at=later)

    def test_who_has_not_left_is_a_member_again_who_can_sign_in(self, ines: Advocate) -> None:
        moving.has_left(ines, at=NOON)
        moving.take_back(ines, at=NOON + timedelta(days=1))
        ines = Advocate.objects.get(pk=ines.pk)
        assert (ines.status, ines.left_at, ines.contact.left_on) == (Advocate.Status.MEMBER, None, None)
        assert Role.ADVOCATE in ines.user.role_set

    def test_a_no_said_since_is_not_overruled(self, ines: Advocate, osprey: Account) -> None:
        moving.has_moved(ines, to=osprey, at=NOON)
        consent.withdraw(ines.contact, Purpose.QUOTE, at=NOON + timedelta(hours=1), source="profile")
        moving.take_back(ines, at=NOON + timedelta(days=1))
        assert not consent.allows(ines.contact, Purpose.QUOTE, at=NOON + timedelta(days=1))

    def test_after_thirty_days_or_the_next_move_it_stays(self, ines: Advocate, osprey: Account) -> None:
        moving.has_moved(ines, to=osprey, at=NOON)
        with pytest.raises(Refused, match="thirty days"):
            moving.take_back(ines, at=NOON + timedelta(days=31))
        Contact.objects.filter(pk=ines.contact_id).update(account=make_account("Heron"))
        with pytest.raises(Refused, match="moved on since"):
            moving.take_back(ines, at=NOON + timedelta(days=1))

    def test_from_the_page(self, client: Client, ines: Advocate, kestrel: Account, osprey: Account) -> None:
        client.force_login(ines.manager)
        address = reverse("advocates:moved", args=[ines.public_id])
        assert "take it back" not in client.get(address).content.decode()
        client.post(address, {"what": "moved", "account": "osprey.example"})
        assert "It was not so: take it back" in client.get(address).content.decode()
        undo = reverse("advocates:take_move_back", args=[ines.public_id])
        assert "they are at Kestrel Foods" in client.post(undo, follow=True).content.decode()
        assert Contact.objects.get(pk=ines.contact_id).account == kestrel
        told = client.get(reverse("advocates:advocate", args=[ines.public_id])).content.decode()
        assert "Taken back, it was not so: moved to another company" in told
        assert "nothing to take back" in client.post(undo, follow=True).content.decode()
        client.force_login(make_user("Sam", Role.REQUESTER))
        assert client.post(undo).status_code == 403


class TestNews:
    def test_an_account_that_an_import_changed_is_a_move(self, ines: Advocate, osprey: Account) -> None:
        assert moving.notice(at=NOON) == 0
        Contact.objects.filter(pk=ines.contact_id).update(account=osprey)
        assert moving.notice(at=NOON) == 1
        assert not consent.allows(ines.contact, Purpose.QUOTE, at=NOON)
        assert Task.objects.filter(kind=Task.Kind.FIND).exists()
        assert moving.notice(at=NOON) == 0

    def test_a_day_of_departure_that_an_import_brought_is_followed(self, ines: Advocate) -> None:
        Contact.objects.filter(pk=ines.contact_id).update(left_on=date(2026, 3, 9))
        assert moving.notice(at=NOON) == 1 and moving.notice(at=NOON) == 0
        assert Advocate.objects.get(pk=ines.pk).status == Advocate.Status.ALUMNUS

    def test_merging_two_accounts_moves_nobody(self, ines: Advocate, kestrel: Account, osprey: Account) -> None:
        moving.notice(at=NOON)
        merging.merge("account", stays=osprey.pk, gone=kestrel.pk, take={}, by=None, at=NOON)
        assert moving.notice(at=NOON) == 0
        assert consent.allows(ines.contact, Purpose.QUOTE, at=NOON)


class TestThePage:
    @pytest.fixture
    def rita(self, ines: Advocate, client: Client) -> Client:
        client.force_login(ines.manager)
        return client

    def test_a_manager_says_where_they_went(self, rita: Client, ines: Advocate, osprey: Account) -> None:
        url = reverse("advocates:moved", args=[ines.public_id])
        assert url in rita.get(reverse("advocates:advocate", args=[ines.public_id])).content.decode()
        assert "successor" in rita.get(url).content.decode()
        answer = rita.post(url, {"what": "moved", "account": "Osprei", "title": "COO"})
        assert answer.status_code == 422 and "No account is called so" in answer.content.decode()
        assert "COO" in answer.content.decode(), "what was typed stays"
        rita.post(url, {"what": "moved", "account": "osprey.example", "title": "COO"})
        assert Contact.objects.get(pk=ines.contact_id).account == osprey

    def test_a_company_that_is_no_customer_is_added_when_ticked(self, rita: Client, ines: Advocate) -> None:
        rita.post(reverse("advocates:moved", args=[ines.public_id]), {"what": "moved", "account": "Heron", "new": "on"})
        assert Contact.objects.get(pk=ines.contact_id).account.name == "Heron"

    def test_sellers_do_not(self, client: Client, ines: Advocate) -> None:
        client.force_login(make_user("Sam", Role.REQUESTER))
        assert client.post(reverse("advocates:moved", args=[ines.public_id]), {"what": "left"}).status_code == 403
