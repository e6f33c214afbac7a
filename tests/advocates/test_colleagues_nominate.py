"""P7: colleagues nominate customers, managers answer, and an active advocate credits the colleague."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from advocacy.crm import spine
from advocacy.crm.catalogue import Deed
from advocacy.delivery.models import Message, Notification
from advocacy.delivery.sender import suppress
from advocacy.lib.lifecycle import Refused
from advocacy.users.models import Role, User
from advocates.actions import care
from advocates.actions import invitations as inviting
from advocates.actions import nominations as acting
from advocates.models import Advocate, ColleagueNomination, CreditRule, Invitation, NominationCredit, Task
from tests.factories import NOON, make_account, make_advocate, make_contact, make_pod, make_user

pytestmark = pytest.mark.django_db

FACTS = {"given_name": "Ines", "family_name": "Barbosa", "company": "Kestrel Foods", "why": "Runs ten sites, loves it."}


@pytest.fixture
def rita() -> User:
    return make_user("Rita Morgan", Role.MANAGER)


@pytest.fixture
def sam() -> User:
    return make_user("Sam Patel", Role.REQUESTER)


@pytest.fixture
def kestrel(rita: User) -> Any:
    make_pod(rita)
    return make_account("Kestrel Foods", domain="kestrel.example", csm=rita)


def nominate(by: User, email: str = "ines@kestrel.example", **facts: Any) -> ColleagueNomination:
    return acting.nominate(by=by, email=email, facts={**FACTS, **facts}, at=NOON)


class TestNominating:
    def test_is_on_today_of_the_manager_of_the_account(self, kestrel: Any, sam: User, rita: User) -> None:
        nomination = nominate(sam)
        task = Task.objects.get(kind=Task.Kind.NOMINATION)
        assert (task.assignee, task.due_at, task.account) == (rita, NOON, kestrel)
        assert "Sam Patel nominates Ines Barbosa" in task.text
        assert Notification.objects.filter(user=rita, url=f"/nominated/{nomination.public_id}/").exists()

    def test_somebody_of_an_unknown_company_goes_to_whoever_has_least_to_do(self, kestrel: Any, sam: User) -> None:
        mina = make_user("Mina Berg", Role.MANAGER)
        make_pod(mina)
        nominate(sam)  # Rita has one task now
        nominate(sam, "omar@nowhere.example")
        assert Task.objects.get(text__contains="Ines", account=None).assignee == mina

    def test_nobody_is_nominated_twice_also_not_in_other_letters(self, kestrel: Any, sam: User) -> None:
        nominate(sam)
        with pytest.raises(Refused, match="You have nominated them already"):
            nominate(sam, "INES@kestrel.example")
        with pytest.raises(Refused, match="Sam Patel has nominated them already"):
            nominate(make_user("Olga Weiss", Role.OWNER))

    @pytest.mark.parametrize(("status", "says"), [("member", "advocate already"), ("applied", "way in")])
    def test_who_is_in_or_on_the_way_needs_no_nomination(self, kestrel: Any, sam: User, status: str, says: str) -> None:
        ines = make_advocate("Ines Barbosa", kestrel)
        Advocate.objects.filter(pk=ines.pk).update(status=status)
        with pytest.raises(Refused, match=says):
            nominate(sam, ines.contact.email)

    def test_who_was_invited_a_moment_ago_is_not_nominated(self, kestrel: Any, sam: User, rita: User) -> None:
        ines = make_contact("Ines Barbosa", kestrel)
        inviting.invite(ines, at=NOON, by=rita)
        with pytest.raises(Refused, match="way in"):
            nominate(sam, ines.email)
        Invitation.objects.update(status="expired")
        assert nominate(sam, ines.email).contact == ines

    def test_who_left_may_be_nominated_again(self, kestrel: Any, sam: User) -> None:
        ines = make_advocate("Ines Barbosa", kestrel)
        Advocate.objects.filter(pk=ines.pk).update(status="left")
        assert nominate(sam, ines.contact.email).contact == ines.contact

    def test_colleagues_and_oneself_are_no_customers(self, kestrel: Any, sam: User, rita: User) -> None:
        with pytest.raises(Refused, match="your own address"):
            nominate(sam, sam.email.upper())
        with pytest.raises(Refused, match="colleague’s address"):
            nominate(sam, rita.email)

    def test_one_may_withdraw_ones_own_while_nobody_has_answered(self, kestrel: Any, sam: User, rita: User) -> None:
        nomination = nominate(sam)
        with pytest.raises(Refused, match="Only who nominated"):
            acting.withdraw(nomination, at=NOON, by=rita)
        acting.withdraw(nomination, at=NOON, by=sam)
        assert not Task.objects.filter(done_at__isnull=True).exists()
        assert nominate(sam).pk != nomination.pk


class TestAnswering:
    def test_inviting_makes_a_contact_and_carries_the_colleagues_name(
        self, kestrel: Any, sam: User, rita: User
    ) -> None:
        nomination = nominate(sam, title="Planner")
        invitation = acting.invite(nomination, account=kestrel, at=NOON, by=rita)
        contact = invitation.advocate.contact
        assert (contact.email, contact.account, contact.title) == ("ines@kestrel.example", kestrel, "Planner")
        assert invitation.invited_by == sam
        assert Task.objects.get().done_by == rita
        assert "is invited" in Notification.objects.get(user=sam).text

    def test_who_does_not_want_to_sign_does_not(self, kestrel: Any, sam: User, rita: User) -> None:
        assert acting.invite(nominate(sam, signs=False), account=kestrel, at=NOON, by=rita).invited_by == rita

    def test_somebody_unknown_needs_an_account(self, kestrel: Any, sam: User, rita: User) -> None:
        with pytest.raises(Refused, match="Choose the account"):
            acting.invite(nominate(sam), account=None, at=NOON, by=rita)
        assert not Invitation.objects.exists()

    def test_what_stops_any_invitation_stops_this_one_and_nothing_is_half_done(
        self, kestrel: Any, sam: User, rita: User
    ) -> None:
        nomination = nominate(sam)
        suppress("ines@kestrel.example", "unsubscribed", at=NOON)
        with pytest.raises(Refused):
            acting.invite(nomination, account=kestrel, at=NOON, by=rita)
        nomination.refresh_from_db()
        assert (nomination.status, Invitation.objects.count()) == ("filed", 0)
        assert Task.objects.filter(done_at__isnull=True).count() == 1

    def test_declining_tells_the_colleague_why_and_the_customer_nothing(
        self, kestrel: Any, sam: User, rita: User
    ) -> None:
        nomination = nominate(sam)
        with pytest.raises(Refused, match="Give a reason"):
            acting.decline(nomination, reason=" ", at=NOON, by=rita)
        acting.decline(nomination, reason="They are in an escalation.", at=NOON, by=rita)
        assert "They are in an escalation." in Notification.objects.get(user=sam).text
        assert not Message.objects.exists()

    def test_an_answer_is_taken_back_while_the_invitation_has_not_gone(
        self, kestrel: Any, sam: User, rita: User
    ) -> None:
        nomination = nominate(sam)
        acting.invite(nomination, account=kestrel, at=NOON, by=rita)
        acting.take_back(nomination, at=NOON, by=rita)
        nomination.refresh_from_db()
        assert nomination.status == "filed"
        assert Message.objects.get(kind="invitation").status == "cancelled"
        assert Task.objects.filter(kind="nomination", done_at__isnull=True).count() == 1
        again = acting.invite(nomination, account=kestrel, at=NOON + timedelta(hours=1), by=rita)
        assert again.status == "queued"

    def test_an_invitation_that_has_gone_out_is_not_called_back(self, kestrel: Any, sam: User, rita: User) -> None:
        nomination = nominate(sam)
        acting.invite(nomination, account=kestrel, at=NOON, by=rita)
        Message.objects.update(status="sent", sent_at=NOON)
        with pytest.raises(Refused, match="has gone out already"):
            acting.take_back(nomination, at=NOON, by=rita)
        nomination.refresh_from_db()
        assert nomination.status == "invited"

    def test_a_tick_on_today_is_no_answer(self, kestrel: Any, sam: User, rita: User) -> None:
        nominate(sam)
        with pytest.raises(Refused, match="Open it and answer"):
            care.do_task(Task.objects.get(), by=rita, at=NOON)


class TestCredits:
    @pytest.fixture
    def invited(self, kestrel: Any, sam: User, rita: User) -> ColleagueNomination:
        nomination = nominate(sam)
        acting.invite(nomination, account=kestrel, at=NOON, by=rita)
        nomination.refresh_from_db()
        return nomination

    @pytest.fixture
    def rule(self) -> CreditRule:
        return CreditRule.objects.create(name="50 € for a first activity", deed="verified", within_days=90, amount=50)

    def does(self, nomination: ColleagueNomination, deed: str, *, after: timedelta) -> None:
        at = NOON + after
        spine.record(deed, at=at, source=("test.deed", f"{deed}:{at}"), contact=nomination.contact)

    def due(self, *, after: timedelta) -> int:
        return acting.fall_due(at=NOON + after)

    def test_falls_due_with_the_qualifying_deed_and_once(self, invited: ColleagueNomination, rule: CreditRule) -> None:
        self.does(invited, Deed.JOINED, after=timedelta(days=3))
        assert self.due(after=timedelta(days=4)) == 0
        self.does(invited, Deed.VERIFIED, after=timedelta(days=20))
        assert [self.due(after=timedelta(days=21)), self.due(after=timedelta(days=22))] == [1, 0]
        credit = NominationCredit.objects.get()
        assert (credit.amount, credit.deed_at) == (Decimal(50), NOON + timedelta(days=20))
        assert "to be approved" in Notification.objects.filter(user=invited.by, kind="nomination_credit").get().text

    def test_not_for_what_was_done_before_or_too_late(self, invited: ColleagueNomination, rule: CreditRule) -> None:
        self.does(invited, Deed.VERIFIED, after=-timedelta(days=1))
        assert self.due(after=timedelta(days=1)) == 0
        self.does(invited, Deed.VERIFIED, after=timedelta(days=90, seconds=1))
        assert self.due(after=timedelta(days=91)) == 0

    def test_on_the_last_day_it_still_counts_also_when_the_clock_comes_late(
        self, invited: ColleagueNomination, rule: CreditRule
    ) -> None:
        self.does(invited, Deed.VERIFIED, after=timedelta(days=90))
        assert self.due(after=timedelta(days=90, hours=23)) == 1

    def test_nothing_without_a_rule_or_an_invitation(self, kestrel: Any, sam: User, rule: CreditRule) -> None:
        nomination = nominate(sam)
        ColleagueNomination.objects.filter(pk=nomination.pk).update(contact=make_contact("Ines", kestrel))
        nomination.refresh_from_db()
        self.does(nomination, Deed.VERIFIED, after=timedelta(days=1))
        assert self.due(after=timedelta(days=2)) == 0
        CreditRule.objects.update(is_active=False)
        ColleagueNomination.objects.update(status="invited", decided_at=NOON)
        assert self.due(after=timedelta(days=2)) == 0

    def test_two_entries_of_one_person_earn_it_once(self, invited: ColleagueNomination, rule: CreditRule) -> None:
        olga = make_user("Olga Weiss", Role.OWNER)
        ColleagueNomination.objects.create(
            by=olga, email="i.barbosa@kestrel.example", contact=invited.contact, status="invited", decided_at=NOON,
            filed_at=NOON + timedelta(hours=1), **FACTS,
        )  # fmt: skip
        self.does(invited, Deed.VERIFIED, after=timedelta(days=2))
        assert [self.due(after=timedelta(days=3)), self.due(after=timedelta(days=4))] == [1, 0]
        assert NominationCredit.objects.get().nomination == invited

    def test_is_approved_then_paid_and_each_step_can_be_taken_back(
        self, invited: ColleagueNomination, rule: CreditRule
    ) -> None:
        self.does(invited, Deed.VERIFIED, after=timedelta(days=1))
        self.due(after=timedelta(days=2))
        credit, lena, day = NominationCredit.objects.get(), make_user("Lena Fischer", Role.LEAD), NOON.date()
        with pytest.raises(Refused, match="it is to be approved"):
            acting.pay(credit, paid_on=day, at=NOON, by=lena)
        acting.approve(credit, at=NOON, by=lena)
        with pytest.raises(Refused, match="not after today"):
            acting.pay(credit, paid_on=day + timedelta(days=1), at=NOON, by=lena)
        acting.pay(credit, paid_on=day, at=NOON, by=lena)
        credit.refresh_from_db()
        assert (credit.status, credit.paid_on) == ("paid", day)
        acting.step_back(credit, by=lena)
        acting.step_back(credit, by=lena)
        credit.refresh_from_db()
        assert (credit.status, credit.paid_on, credit.approved_at) == ("due", None, None)

    def test_nobody_approves_their_own(self, kestrel: Any, rita: User, rule: CreditRule) -> None:
        lena = make_user("Lena Fischer", Role.LEAD)
        nomination = nominate(lena)
        acting.invite(nomination, account=kestrel, at=NOON, by=rita)
        nomination.refresh_from_db()
        self.does(nomination, Deed.VERIFIED, after=timedelta(days=1))
        self.due(after=timedelta(days=2))
        with pytest.raises(Refused, match="your own"):
            acting.approve(NominationCredit.objects.get(), at=NOON, by=lena)

    def test_a_refusal_says_why(self, invited: ColleagueNomination, rule: CreditRule) -> None:
        self.does(invited, Deed.VERIFIED, after=timedelta(days=1))
        self.due(after=timedelta(days=2))
        credit, lena = NominationCredit.objects.get(), make_user("Lena Fischer", Role.LEAD)
        with pytest.raises(Refused, match="Give a reason"):
            acting.refuse(credit, reason="", at=NOON, by=lena)
        acting.refuse(credit, reason="Olga had brought them in.", at=NOON, by=lena)
        assert Notification.objects.filter(user=invited.by, text__contains="Olga had brought them in.").exists()

    def test_a_later_rule_changes_nothing_that_was_earned(self, invited: ColleagueNomination, rule: CreditRule) -> None:
        self.does(invited, Deed.VERIFIED, after=timedelta(days=1))
        self.due(after=timedelta(days=2))
        CreditRule.objects.filter(pk=rule.pk).update(amount=10)
        assert NominationCredit.objects.get().amount == Decimal(50)


class TestThePages:
    def test_a_colleague_nominates_and_follows(self, client: Client, kestrel: Any, sam: User) -> None:
        client.force_login(sam)
        page = client.post("/nominate/", {**FACTS, "email": "ines@kestrel.example", "signs": "on"}, follow=True)
        assert "The team reads it within two days" in page.content.decode()
        assert "to be read" in page.content.decode()
        again = client.post("/nominate/", {**FACTS, "email": "ines@kestrel.example", "why": "Again, at length."})
        assert again.status_code == 422
        assert "You have nominated them already" in again.content.decode()
        assert "Again, at length." in again.content.decode()

    def test_nobody_sees_or_withdraws_what_others_nominated(self, client: Client, kestrel: Any, sam: User) -> None:
        nomination = nominate(sam)
        client.force_login(make_user("Olga Weiss", Role.OWNER))
        assert "Ines" not in client.get("/nominate/").content.decode()
        assert client.post(f"/nominate/{nomination.public_id}/withdraw/").status_code == 404
        assert client.get(f"/nominated/{nomination.public_id}/").status_code == 403

    def test_a_manager_reads_and_invites(self, client: Client, kestrel: Any, sam: User, rita: User) -> None:
        nomination = nominate(sam)
        client.force_login(rita)
        today = client.get("/today/?kind=nomination").content.decode()
        assert f"/nominated/{nomination.public_id}/" in today
        assert "Read and answer" in today
        page = client.get(f"/nominated/{nomination.public_id}/").content.decode()
        assert "Runs ten sites, loves it." in page
        done = client.post(f"/nominated/{nomination.public_id}/", {"answer": "yes", "account": kestrel.pk}, follow=True)
        assert "is invited" in done.content.decode()
        twice = client.post(f"/nominated/{nomination.public_id}/", {"answer": "yes", "account": kestrel.pk})
        assert twice.status_code == 409

    @pytest.mark.parametrize("account", ["", "999999999", "x", "9" * 40])
    def test_a_wrong_account_is_answered_in_words(
        self, client: Client, kestrel: Any, sam: User, rita: User, account: str
    ) -> None:
        nomination = nominate(sam, "ines@other.example")
        client.force_login(rita)
        told = client.post(f"/nominated/{nomination.public_id}/", {"answer": "yes", "account": account})
        assert (told.status_code, "Choose the account" in told.content.decode()) == (409, True)

    def test_what_waits_more_than_two_days_is_marked(self, client: Client, kestrel: Any, sam: User, rita: User) -> None:
        nominate(sam)
        client.force_login(rita)
        ColleagueNomination.objects.update(filed_at=timezone.now() - timedelta(days=1, hours=23))
        assert "waits too long" not in client.get("/nominated/").content.decode()
        ColleagueNomination.objects.update(filed_at=timezone.now() - timedelta(days=2, hours=1))
        assert "waits too long" in client.get("/nominated/").content.decode()

    def test_lists_cost_the_same_however_long(
        self, client: Client, kestrel: Any, sam: User, rita: User, queries_of: Any
    ) -> None:
        client.force_login(rita)
        nominate(sam)
        few = queries_of(lambda: client.get("/nominated/"))
        for number in range(20):
            nominate(sam, f"person{number}@kestrel.example")
        assert queries_of(lambda: client.get("/nominated/")) == few

    def test_a_lead_approves_and_pays_from_the_list(self, client: Client, kestrel: Any, sam: User, rita: User) -> None:
        CreditRule.objects.create(name="50 € for joining", deed="joined", amount=50)
        nomination = nominate(sam)
        acting.invite(nomination, account=kestrel, at=NOON, by=rita)
        nomination.refresh_from_db()
        spine.record(Deed.JOINED, at=NOON, source=("test.deed", 1), contact=nomination.contact)
        acting.fall_due(at=NOON)
        credit = NominationCredit.objects.get()
        client.force_login(rita)
        assert client.post(f"/nominated/credits/{credit.pk}/approve/").status_code == 403
        client.force_login(make_user("Lena Fischer", Role.LEAD))
        assert "50.00 EUR" in client.get("/nominated/credits/").content.decode()
        client.post(f"/nominated/credits/{credit.pk}/approve/")
        bad = client.post(f"/nominated/credits/{credit.pk}/pay/", {"paid_on": "2026-02-31"}, follow=True)
        assert "Choose the day on which it was paid." in bad.content.decode()
        client.post(f"/nominated/credits/{credit.pk}/pay/", {"paid_on": timezone.localdate().isoformat()})
        credit.refresh_from_db()
        assert credit.status == "paid"
