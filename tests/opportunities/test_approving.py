"""The owner of an account has a word before anybody there is asked, where the account wants that (D6)."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from advocacy.crm import consent
from advocacy.crm.catalogue import Purpose
from advocacy.crm.models import Program
from advocacy.delivery import rendering
from advocacy.delivery.models import Message, Notification
from advocacy.lib import signed
from advocacy.lib.lifecycle import Refused
from advocacy.users.models import Role, User
from advocates import budget
from advocates.models import Advocate, Ask, Task
from opportunities import clock, matching
from opportunities.actions import desk
from opportunities.actions.desk import Pick
from opportunities.clock import times as times_of
from opportunities.jobs import desk as jobs
from opportunities.mails.desk import approval_of
from opportunities.models import Nomination, ReferenceRequest
from opportunities.request_pages import happened, nominations_of, where_it_stands
from tests.factories import NOON, make_account, make_advocate, make_kind, make_user

pytestmark = pytest.mark.django_db
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
TIMES = [NOON + 12 * DAY, NOON + 13 * DAY, NOON + 14 * DAY]


@pytest.fixture
def olga() -> User:
    return make_user("Olga Peters", Role.OWNER)


@pytest.fixture
def rita() -> User:
    return make_user("Rita Morgan", Role.MANAGER)


@pytest.fixture
def ines(olga: User) -> Advocate:
    return make_advocate("Ines Barbosa", make_account("Acorn", owner=olga, owner_approves=True))


@pytest.fixture
def wanted() -> ReferenceRequest:
    kind = make_kind("reference-call", purpose=Purpose.REFERENCE_CALLS, minutes=30, points=80)
    return desk.file_request(
        requester=make_user("Sam Adler", Role.REQUESTER), kind=kind, prospect="Kestrel Foods",
        needed_by=date(2026, 4, 27), at=NOON, facts={"industry": "Food", "questions": "How did night shifts take it?"},
    )  # fmt: skip


@pytest.fixture
def asked(wanted: ReferenceRequest, ines: Advocate, rita: User) -> Nomination:
    """Rita would like to ask Ines; it is a Tuesday, at one."""
    return desk.nominate(wanted, [Pick(ines.pk, "You know night shifts.")], by=rita, at=NOON + HOUR)[0]


def status(wanted: ReferenceRequest) -> tuple[str, str]:
    wanted.refresh_from_db()
    return wanted.status, wanted.waiting_for


def link(nomination: Nomination) -> str:
    return f"/approve/{signed.sign('approve', approval_of(nomination))}/"


class TestAskingTheOwnerFirst:
    def test_the_owner_gets_a_mail_and_the_advocate_hears_nothing_yet(
        self, asked: Nomination, wanted: ReferenceRequest, olga: User, ines: Advocate
    ) -> None:
        assert (asked.status, asked.owner, status(wanted)) == ("with_owner", olga, ("matching", "owner"))
        mail = Message.objects.get(kind="owner_asked")
        assert (mail.user, mail.kind, mail.params["name"]) == (olga, "owner_asked", "Ines Barbosa")
        text = rendering.render(mail).text
        assert "May we ask Ines Barbosa to speak with Kestrel Foods?" in text and "/approve/" in text
        assert not ines.contact.activities.exists()
        assert Notification.objects.get().user == olga
        assert Ask.objects.get().released_at is None  # nobody else asks her meanwhile

    def test_until_then_no_page_of_the_advocate_names_who_asks(
        self, asked: Nomination, olga: User, ines: Advocate, client: Client
    ) -> None:
        assert ines.user is not None
        client.force_login(ines.user)
        page = reverse("opportunities:nomination", args=[asked.public_id])
        assert client.get(page).status_code == client.post(page, {"answer": "no"}).status_code == 404
        desk.approve(asked, at=NOON + DAY, by=olga)
        assert "Kestrel Foods" in client.get(page).content.decode()

    def test_the_clock_of_the_desk_rests_meanwhile(self, asked: Nomination, wanted: ReferenceRequest) -> None:
        told = times_of(wanted.spans.all(), at=NOON + 11 * HOUR)
        assert (told.desk, told.by["owner"]) == (HOUR, 10 * HOUR)

    def test_a_yes_asks_the_advocate_who_then_has_all_the_time(
        self, asked: Nomination, wanted: ReferenceRequest, olga: User, ines: Advocate, rita: User
    ) -> None:
        at = NOON + 5 * DAY
        nominated = desk.approve(asked, at=at, by=olga)
        assert (nominated.status, nominated.asked_at, nominated.owner_said) == ("asked", at, "yes")
        assert nominated.answer_by == at + 72 * HOUR
        assert status(wanted) == ("asked", "advocate")
        assert Message.objects.filter(contact=ines.contact, kind="nomination").count() == 1
        assert Ask.objects.get().asked_at == at
        assert "Olga Peters agreed" in Notification.objects.get(user=rita).text
        desk.approve(asked, at=at + HOUR, by=olga)  # said twice
        assert Message.objects.filter(kind="nomination").count() == 1

    def test_a_no_needs_a_reason_and_puts_them_to_why_not_with_it(
        self, asked: Nomination, wanted: ReferenceRequest, olga: User, ines: Advocate, rita: User
    ) -> None:
        with pytest.raises(Refused, match="why not"):
            desk.not_approved(asked, reason=" ", at=NOON + DAY, by=olga)
        desk.not_approved(asked, reason="They are renewing.", at=NOON + DAY, by=olga)
        need = matching.Need.of(wanted, at=NOON + DAY)
        assert matching.why_not(need).gates == [("owner", "Their account owner said no", 1)]
        (one,) = matching.excluded(need, "owner")
        assert one.reason == "Their account owner said no: They are renewing."
        assert matching.candidates(need) == []
        with pytest.raises(Refused, match="They are renewing"):
            desk.nominate(wanted, [Pick(ines.pk)], by=rita, at=NOON + DAY, override_reason="Please.")
        assert status(wanted) == ("matching", "desk")
        assert Ask.objects.get().released_at == NOON + DAY  # she was never asked
        assert not Message.objects.filter(contact=ines.contact).exists()
        assert "Nobody is left" in Task.objects.get().text

    def test_whoever_was_asked_for_something_else_meanwhile_is_let_go_and_the_desk_told(
        self, asked: Nomination, wanted: ReferenceRequest, olga: User, ines: Advocate, rita: User
    ) -> None:
        """The question waited at the owner for weeks; were it put now, Ines would have two within her rest."""
        meanwhile, now = NOON + 35 * DAY, NOON + 40 * DAY
        budget.ask(ines, channel="campaign", source_id=1, kind="", at=meanwhile)
        desk.approve(asked, at=now, by=olga)
        asked.refresh_from_db()
        assert (asked.status, asked.owner_said) == ("recalled", "yes")
        assert [(ask.channel, ask.asked_at) for ask in Ask.objects.filter(released_at=None)] == [
            ("campaign", meanwhile)
        ]
        assert "Ines Barbosa rests until 14 May 2026" in wanted.notes.get().text
        assert not Message.objects.filter(kind="nomination").exists()
        assert "Nobody is left" in Task.objects.get().text
        desk.nominate(wanted, [Pick(ines.pk)], by=olga, at=now, override_reason="She offered herself.")
        assert Ask.objects.filter(channel="desk", released_at=None).get().override_reason == "She offered herself."

    def test_nobody_else_has_the_owners_word_not_even_the_manager(
        self, asked: Nomination, ines: Advocate, rita: User, wanted: ReferenceRequest
    ) -> None:
        for act in (desk.approve, lambda one, **said: desk.not_approved(one, reason="No.", **said)):
            with pytest.raises(Refused, match="Only the owner"):
                act(asked, at=NOON + DAY, by=rita)
        with pytest.raises(Refused, match="already"):
            desk.nominate(wanted, [Pick(ines.pk)], by=rita, at=NOON + DAY, override_reason="It is urgent.")
        with pytest.raises(Refused, match="nothing to answer"):
            desk.accept(asked, times=TIMES, at=NOON + DAY)

    def test_an_account_without_an_owner_is_told_before_anybody_is_asked(
        self, wanted: ReferenceRequest, rita: User, olga: User, ines: Advocate
    ) -> None:
        User.objects.filter(pk=olga.pk).update(is_active=False)
        with pytest.raises(Refused, match="Name its owner first"):
            desk.nominate(wanted, [Pick(ines.pk)], by=rita, at=NOON)
        assert not Nomination.objects.exists()

    def test_an_owner_who_nominates_has_said_yes(self, wanted: ReferenceRequest, rita: User) -> None:
        omar = make_advocate("Omar", make_account("Birch", owner=rita, owner_approves=True))
        (nominated,) = desk.nominate(wanted, [Pick(omar.pk)], by=rita, at=NOON)
        assert (nominated.status, nominated.owner_said) == ("asked", "yes")

    def test_one_waits_for_the_owner_while_another_is_asked_and_is_let_go_at_a_yes(
        self, asked: Nomination, wanted: ReferenceRequest, rita: User, olga: User
    ) -> None:
        (other,) = desk.nominate(wanted, [Pick(make_advocate("Mei").pk)], by=rita, at=NOON + 2 * HOUR)
        assert status(wanted) == ("asked", "advocate")
        desk.accept(other, times=TIMES, at=NOON + 3 * HOUR)
        asked.refresh_from_db()
        assert asked.status == "recalled"
        assert Message.objects.get(kind="owner_asked").status == "cancelled"
        assert not Message.objects.filter(kind="nomination_taken_back").exists()
        with pytest.raises(Refused, match="nothing to decide"):
            desk.approve(asked, at=NOON + DAY, by=olga)

    def test_taken_back_and_asked_anew_is_another_question(
        self, asked: Nomination, wanted: ReferenceRequest, rita: User, ines: Advocate
    ) -> None:
        desk.recall(asked, by=rita, at=NOON + 2 * HOUR)
        assert status(wanted) == ("matching", "desk")
        (again,) = desk.nominate(wanted, [Pick(ines.pk)], by=rita, at=NOON + 3 * HOUR)
        assert again.pk == asked.pk and approval_of(again) != approval_of(asked)
        assert list(Message.objects.filter(kind="owner_asked").order_by("pk").values_list("status", flat=True)) == [
            "cancelled",
            "due",
        ]

    def test_who_may_not_be_asked_any_more_is_let_go_at_the_owners_yes(
        self, asked: Nomination, wanted: ReferenceRequest, olga: User, ines: Advocate
    ) -> None:
        consent.withdraw(ines.contact, Purpose.REFERENCE_CALLS, at=NOON + 2 * HOUR, source="t")
        assert desk.approve(asked, at=NOON + DAY, by=olga).status == "recalled"
        assert "Has not consented" in wanted.notes.get().text
        assert status(wanted) == ("matching", "desk")
        assert not Message.objects.filter(kind="nomination").exists()

    def test_a_request_that_ends_leaves_the_owner_alone(self, asked: Nomination, wanted: ReferenceRequest) -> None:
        desk.withdraw(wanted, reason="The deal is lost.", by=wanted.requester, at=NOON + DAY)
        asked.refresh_from_db()
        assert asked.status == "recalled" and Message.objects.get(kind="owner_asked").status == "cancelled"


class TestSilence:
    def test_one_reminder_after_two_working_days_and_then_the_desk_hears_of_it(
        self, asked: Nomination, rita: User, wanted: ReferenceRequest
    ) -> None:
        for at, reminders in ((2 * DAY, 0), (2 * DAY + HOUR, 1), (3 * DAY, 1), (9 * DAY, 1)):
            jobs.wait_for_owners(at=NOON + at)
            assert Message.objects.filter(params__again=True).count() == reminders
        asked.refresh_from_db()
        assert asked.status == "with_owner"  # silence is no yes
        task = Task.objects.get()
        assert "Olga Peters has not said whether Ines Barbosa may be asked" in task.text and task.assignee == rita

    def test_a_weekend_is_no_working_day(self, wanted: ReferenceRequest, ines: Advocate, rita: User) -> None:
        friday = datetime(2026, 3, 13, 15, 0, tzinfo=UTC)
        desk.nominate(wanted, [Pick(ines.pk)], by=rita, at=friday)
        jobs.wait_for_owners(at=friday + 4 * DAY - HOUR)
        assert Message.objects.filter(kind="owner_asked").count() == 1
        jobs.wait_for_owners(at=friday + 4 * DAY)
        assert Message.objects.filter(kind="owner_asked").count() == 2

    def test_silence_is_a_yes_only_where_the_owner_wants_that(
        self, wanted: ReferenceRequest, ines: Advocate, rita: User, olga: User
    ) -> None:
        User.objects.filter(pk=olga.pk).update(silence_is_yes=True)
        (asked,) = desk.nominate(wanted, [Pick(ines.pk)], by=rita, at=NOON)
        assert Message.objects.get(kind="owner_asked").params["until"].startswith("2026-03-16T12:00")
        with pytest.raises(Refused, match="no yes"):
            User.objects.filter(pk=olga.pk).update(silence_is_yes=False)
            desk.approve(asked, at=NOON + 9 * DAY, silent=True)
        User.objects.filter(pk=olga.pk).update(silence_is_yes=True)
        jobs.wait_for_owners(at=NOON + 2 * DAY)
        jobs.wait_for_owners(at=NOON + 6 * DAY - HOUR)
        asked.refresh_from_db()
        assert asked.status == "with_owner"
        jobs.wait_for_owners(at=NOON + 6 * DAY)
        asked.refresh_from_db()
        assert (asked.status, asked.owner_said) == ("asked", "silence")
        assert not Task.objects.exists()

    def test_nobody_who_never_had_a_reminder_is_taken_at_their_silence(
        self, wanted: ReferenceRequest, ines: Advocate, rita: User, olga: User
    ) -> None:
        User.objects.filter(pk=olga.pk).update(silence_is_yes=True)
        (asked,) = desk.nominate(wanted, [Pick(ines.pk)], by=rita, at=NOON)
        jobs.wait_for_owners(at=NOON + 20 * DAY)  # the clock stood still for weeks
        jobs.wait_for_owners(at=NOON + 20 * DAY + HOUR)
        asked.refresh_from_db()
        assert asked.status == "with_owner" and Message.objects.filter(kind="owner_asked").count() == 2

    def test_a_new_owner_of_the_account_is_asked_instead(self, asked: Nomination, olga: User) -> None:
        account = asked.advocate.contact.account
        account.owner = make_user("Noa Field", Role.OWNER)
        account.save()
        with pytest.raises(Refused, match="another owner"):
            desk.approve(asked, at=NOON + 2 * HOUR, by=olga)
        jobs.wait_for_owners(at=NOON + 3 * HOUR)
        asked.refresh_from_db()
        assert asked.owner == account.owner and asked.owner_asked_at == NOON + 3 * HOUR
        assert Message.objects.filter(user=account.owner, kind="owner_asked").count() == 1


class TestByTheLinkInTheMail:
    def test_opening_it_shows_and_does_nothing_a_button_does(self, client: Client, asked: Nomination) -> None:
        page = client.get(link(asked)).content.decode()
        assert "May we ask Ines Barbosa to speak with Kestrel Foods?" in page and "Yes, ask Ines Barbosa" in page
        client.head(link(asked))
        asked.refresh_from_db()
        assert asked.status == "with_owner"
        answer = client.post(link(asked), {"answer": "yes"}, follow=True)
        asked.refresh_from_db()
        assert asked.status == "asked" and "You said yes" in answer.content.decode()

    def test_a_no_wants_a_reason_and_keeps_it(self, client: Client, asked: Nomination) -> None:
        answer = client.post(link(asked), {"answer": "no", "no-text": ""})
        asked.refresh_from_db()
        assert (answer.status_code, asked.status) == (422, "with_owner")
        client.post(link(asked), {"answer": "no", "no-text": "They are renewing."})
        asked.refresh_from_db()
        assert (asked.status, asked.owner_reason) == ("refused", "They are renewing.")

    def test_used_again_it_says_so_and_changes_nothing(self, client: Client, asked: Nomination) -> None:
        client.post(link(asked), {"answer": "yes"})
        answer = client.post(link(asked), {"answer": "no", "no-text": "On second thought."})
        asked.refresh_from_db()
        assert (answer.status_code, asked.status) == (409, "asked")
        assert "has been asked already" in answer.content.decode()

    def test_a_link_of_an_earlier_round_opens_nothing(
        self, client: Client, asked: Nomination, wanted: ReferenceRequest, ines: Advocate, rita: User
    ) -> None:
        before = link(asked)
        desk.recall(asked, by=rita, at=NOON + 2 * HOUR)
        desk.nominate(wanted, [Pick(ines.pk)], by=rita, at=NOON + 3 * HOUR)
        assert client.post(before, {"answer": "yes"}).status_code == 404
        asked.refresh_from_db()
        assert asked.status == "with_owner"

    @pytest.mark.parametrize("forge", ["torn", "of another kind", "made up"])
    def test_a_forged_link_opens_nothing(self, client: Client, asked: Nomination, forge: str) -> None:
        address = {
            "torn": link(asked)[:-4] + "/",
            "of another kind": f"/approve/{signed.sign('answer', approval_of(asked))}/",
            "made up": f"/approve/{signed.sign('approve', str(asked.pk))}/",
        }[forge]
        assert client.post(address, {"answer": "yes"}).status_code == 404
        asked.refresh_from_db()
        assert asked.status == "with_owner"

    def test_somebody_who_left_the_company_decides_nothing(self, client: Client, asked: Nomination, olga: User) -> None:
        User.objects.filter(pk=olga.pk).update(is_active=False)
        assert client.post(link(asked), {"answer": "yes"}).status_code == 404


class TestInThePortal:
    def test_the_owner_reads_what_waits_and_answers_there(self, client: Client, asked: Nomination, olga: User) -> None:
        client.force_login(olga)
        assert "Waits for your yes" in client.get("/").content.decode()
        assert "Ines Barbosa" in client.get("/approvals/").content.decode()
        client.post(f"/approvals/{asked.public_id}/", {"answer": "yes"})
        asked.refresh_from_db()
        assert asked.status == "asked"
        assert "Nothing waits for you" in client.get("/approvals/").content.decode()

    def test_says_whether_silence_is_a_yes(self, client: Client, olga: User) -> None:
        client.force_login(olga)
        client.post("/approvals/", {"silence_is_yes": "yes"})
        olga.refresh_from_db()
        assert olga.silence_is_yes
        client.post("/approvals/", {})
        olga.refresh_from_db()
        assert not olga.silence_is_yes

    @pytest.mark.parametrize("role", [Role.MANAGER, Role.OWNER, Role.LEAD])
    def test_is_nobody_elses(self, client: Client, asked: Nomination, role: str) -> None:
        client.force_login(make_user("Noa", role))
        assert client.post(f"/approvals/{asked.public_id}/", {"answer": "yes"}).status_code == 404

    def test_stands_on_the_request_page_in_the_queue_and_for_sam(
        self, client: Client, asked: Nomination, rita: User, wanted: ReferenceRequest, olga: User
    ) -> None:
        client.force_login(rita)
        page = client.get(f"/admin/opportunities/referencerequest/{wanted.pk}/change/").content.decode()
        assert "With the account owner" in page and "Olga Peters, asked" in page
        assert "Olga Peters was asked whether Ines Barbosa may be asked" in page
        rows = client.get("/admin/opportunities/referencerequest/", {"view": "approval"}).context["page"].items
        assert rows == [wanted]
        wanted.refresh_from_db()
        told = list(nominations_of(wanted))
        assert where_it_stands(wanted, told, at=NOON) == "We are waiting for the account owner’s word."
        said = " ".join(event.text for event in happened(wanted, told, [], for_desk=False))
        assert "An account owner is asked" in said and "Ines" not in said and "advocate asked" not in said
        desk.not_approved(asked, reason="They are renewing.", at=NOON + DAY, by=olga)
        page = client.get(f"/admin/opportunities/referencerequest/{wanted.pk}/change/").content.decode()
        assert "They are renewing." in page

    def test_nominating_says_that_the_owner_is_asked_first(
        self, client: Client, rita: User, ines: Advocate, wanted: ReferenceRequest
    ) -> None:
        client.force_login(rita)
        url = f"/admin/opportunities/referencerequest/{wanted.pk}/nominate/"
        assert "the account owner is asked first" in client.get(url, {"advocate": ines.pk}).content.decode()
        answer = client.post(url, {"advocate": ines.pk, "owner_agreed": "yes"}, follow=True)
        assert "1 waits for the account owner’s yes." in answer.content.decode()
        assert Nomination.objects.get().status == "with_owner"


def test_working_days_are_those_of_the_desk() -> None:
    Program.current()
    Program.objects.update(desk_time_zone="America/Los_Angeles")
    saturday_in_utc: Any = datetime(2026, 3, 14, 2, 0, tzinfo=UTC)  # Friday evening there
    assert clock.office().days_later(saturday_in_utc, 1) == datetime(2026, 3, 17, 2, 0, tzinfo=UTC)
