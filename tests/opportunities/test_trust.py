"""Account owners and CSMs see what is asked of their customers, stop it with a reason, and get a weekly note (D15)."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from advocacy.crm.catalogue import Purpose
from advocacy.crm.models import Account
from advocacy.delivery.models import Message
from advocacy.lib.lifecycle import Refused
from advocacy.users.models import Role, User
from advocates import budget
from advocates.models import Advocate, Ask
from opportunities.actions import desk, trust
from opportunities.models import Claim, Nomination, ReferenceRequest
from tests.factories import make_account, make_advocate, make_kind, make_user

pytestmark = pytest.mark.django_db
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
NOW = timezone.now()


@pytest.fixture
def olga() -> User:
    return make_user("Olga Owner", Role.OWNER)


@pytest.fixture
def rita() -> User:
    return make_user("Rita Morgan", Role.MANAGER)


@pytest.fixture
def bakery(olga: User) -> Account:
    return make_account("Moinho Claro", owner=olga)


@pytest.fixture
def ines(bakery: Account) -> Advocate:
    return make_advocate("Ines", bakery, consents=[Purpose.REFERENCE_CALLS, Purpose.PROGRAM_MAIL])


def asked(rita: User, *people: Advocate, at: datetime = NOW, **more: Any) -> tuple[ReferenceRequest, list[Nomination]]:
    kind = make_kind("reference-call", purpose=Purpose.REFERENCE_CALLS, minutes=30)
    wanted = desk.file_request(
        requester=make_user("Sam", Role.REQUESTER), kind=kind, prospect="Kestrel Foods",
        needed_by=timezone.localdate(at) + 20 * DAY, at=at, **more,
    )  # fmt: skip
    return wanted, desk.nominate(wanted, [desk.Pick(one.pk, "Same work.") for one in people], by=rita, at=at)


class TestStopping:
    def test_a_question_is_taken_back_kindly_and_counts_no_more(self, ines, olga, rita) -> None:
        wanted, (one,) = asked(rita, ines)
        Message.objects.filter(kind="nomination").update(status="sent", sent_at=NOW)
        stopped = trust.veto(one, reason="Their plant burned down.", by=olga, at=NOW + HOUR)
        assert (stopped.status, stopped.veto_reason, stopped.vetoed_by) == ("refused", "Their plant burned down.", olga)
        assert budget.availability(ines, at=NOW + HOUR).is_open
        mail = Message.objects.get(kind="nomination_taken_back")
        assert "burned" not in str(mail.params)
        wanted.refresh_from_db()
        assert (wanted.status, wanted.waiting_for) == ("matching", "desk")
        assert trust.veto(one, reason="Twice.", by=olga, at=NOW + HOUR).veto_reason == "Their plant burned down."

    def test_a_call_to_come_is_called_off(self, ines, olga, rita) -> None:
        wanted, (one,) = asked(rita, ines)
        times = [NOW + (3 + number) * DAY for number in range(3)]
        desk.accept(one, times=times, at=NOW + HOUR)
        desk.pick_time(Nomination.objects.get().times.first(), at=NOW + 2 * HOUR)
        stopped = trust.veto(one, reason="They are being bought.", by=olga, at=NOW + DAY)
        assert stopped.status == "recalled"
        claim = Claim.objects.get()
        assert claim.status == "declined" and "bought" not in claim.reason
        assert Message.objects.filter(kind="request_called_off").count() == 1
        assert Ask.objects.get().released_at is not None
        wanted.refresh_from_db()
        assert wanted.status == "matching"

    def test_what_has_taken_place_cannot_be_stopped(self, ines, olga, rita) -> None:
        _wanted, (one,) = asked(rita, ines)
        desk.accept(one, times=[NOW + (3 + number) * DAY for number in range(3)], at=NOW)
        desk.pick_time(Nomination.objects.get().times.first(), at=NOW + HOUR)
        with pytest.raises(Refused, match="nothing to stop"):
            trust.veto(one, reason="Too late.", by=olga, at=NOW + 4 * DAY)

    def test_only_who_answers_for_the_customer_and_only_with_a_reason(self, ines, olga, rita, bakery) -> None:
        _wanted, (one,) = asked(rita, ines)
        for other in (rita, make_user("Another", Role.OWNER)):
            with pytest.raises(Refused, match="Only the owner or the CSM"):
                trust.veto(one, reason="No.", by=other, at=NOW)
        with pytest.raises(Refused, match="few words why"):
            trust.veto(one, reason="  ", by=olga, at=NOW)
        carla = make_user("Carla CSM", Role.OWNER)
        Account.objects.filter(pk=bakery.pk).update(csm=carla)
        assert trust.veto(one, reason="In audit.", by=carla, at=NOW).status == "refused"

    def test_the_page_shows_only_ones_own_customers_and_stops_there(self, client: Client, ines, olga, rita) -> None:
        omar = make_advocate("Omar", consents=[Purpose.REFERENCE_CALLS])
        _wanted, made = asked(rita, ines, omar, wanted=2)
        one = next(nomination for nomination in made if nomination.advocate_id == ines.pk)
        other = next(nomination for nomination in made if nomination.advocate_id == omar.pk)
        client.force_login(olga)
        page = client.get(reverse("opportunities:my_customers")).content.decode()
        assert "Ines" in page and "Omar" not in page
        assert client.get(reverse("opportunities:stop_ask", args=[other.public_id])).status_code == 404
        stop = reverse("opportunities:stop_ask", args=[one.public_id])
        assert client.get(stop).status_code == 200
        assert client.post(stop, {"reason": ""}).status_code == 422
        assert client.post(stop, {"reason": "In audit."}).status_code == 302
        assert "In audit." in client.get(reverse("opportunities:my_customers")).content.decode()
        client.force_login(make_user("Nosy", Role.OWNER))
        assert client.get(stop).status_code == 404

    def test_the_page_costs_the_same_for_many(self, client: Client, olga, rita, bakery, queries_of) -> None:
        client.force_login(olga)
        url = reverse("opportunities:my_customers")
        Account.objects.filter(pk=bakery.pk).update(owner=olga)
        asked(rita, make_advocate("Ines", make_account(owner=olga), consents=[Purpose.REFERENCE_CALLS]))
        client.get(url)
        few = queries_of(lambda: client.get(url))
        for _number in range(12):
            asked(rita, make_advocate("Mei", make_account(owner=olga), consents=[Purpose.REFERENCE_CALLS]))
        assert queries_of(lambda: client.get(url)) == few


class TestTheWeeklyNote:
    MONDAY = datetime(2026, 3, 16, 8, tzinfo=UTC)

    def test_comes_on_monday_once_and_says_what_was_asked_and_what_is_to_come(self, ines, olga, rita) -> None:
        before = self.MONDAY - 4 * DAY
        _wanted, (one,) = asked(rita, ines, at=before)
        desk.accept(one, times=[before + (5 + number) * DAY for number in range(3)], at=before + HOUR)
        desk.pick_time(Nomination.objects.get().times.first(), at=before + 2 * HOUR)
        assert trust.send_weekly_notes(at=self.MONDAY - HOUR) == 0
        assert [trust.send_weekly_notes(at=self.MONDAY + later) for later in (HOUR, 2 * HOUR, DAY)] == [1, 0, 0]
        note = Message.objects.get(kind="owner_note")
        assert note.to_email == olga.email
        assert note.params["happened"] == ["Ines Barbosa (Moinho Claro) said yes to Kestrel Foods."]
        assert note.params["ahead"] == ["Ines Barbosa (Moinho Claro) speaks with Kestrel Foods."]
        assert trust.send_weekly_notes(at=self.MONDAY + 7 * DAY) == 0  # a quiet week needs no mail

    def test_olga_can_do_without_it(self, client: Client, ines, olga, rita) -> None:
        client.force_login(olga)
        choices = reverse("delivery:choices")
        assert "The weekly note on your customers" in client.get(choices).content.decode()
        asked(rita, ines, at=self.MONDAY - 2 * DAY)
        client.post(choices, {"kind": "owner_note", "value": "no"})
        assert trust.send_weekly_notes(at=self.MONDAY + HOUR) == 0
        client.post(choices, {"kind": "owner_note", "value": "yes"})
        assert trust.send_weekly_notes(at=self.MONDAY + 2 * HOUR) == 1

    def test_who_answers_for_nobody_has_nothing_to_choose(self, client: Client, rita) -> None:
        client.force_login(rita)
        assert "weekly note" not in client.get(reverse("delivery:choices")).content.decode()

    def test_a_clock_that_was_down_on_monday_makes_it_good_in_the_week(self, ines, rita) -> None:
        asked(rita, ines, at=self.MONDAY - 2 * DAY)
        assert trust.send_weekly_notes(at=self.MONDAY + 3 * DAY) == 1
