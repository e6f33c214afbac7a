"""The prospect picks, moves and calls off a time by a link of their own; every calendar follows (D7)."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from icalendar import Calendar

from advocacy.crm.catalogue import Purpose
from advocacy.delivery import rendering
from advocacy.delivery.models import Message, Notification
from advocacy.lib import signed
from advocacy.users.models import Role, User
from advocates import points
from advocates.models import Advocate, Task
from opportunities.actions import board, desk, prospects
from opportunities.actions.desk import Pick
from opportunities.jobs import board as board_jobs
from opportunities.jobs import desk as jobs
from opportunities.jobs import prospects as jobs_of_prospects
from opportunities.models import Claim, Nomination, ProspectLink, ReferenceRequest
from opportunities.request_pages import where_it_stands
from tests.factories import make_advocate, make_kind, make_user

pytestmark = pytest.mark.django_db
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def sam() -> User:
    return make_user("Sam Adler", Role.REQUESTER, time_zone="Europe/Berlin")


@pytest.fixture
def ines() -> Advocate:
    return make_advocate("Ines", user=make_user("Ines Barbosa", Role.ADVOCATE))


@pytest.fixture
def noon() -> datetime:
    """Noon three days from now, so that pages and actions live on the same clock."""
    return timezone.now().astimezone(UTC).replace(hour=12, minute=0, second=0, microsecond=0) + 3 * DAY


def said_yes(sam: User, ines: Advocate, noon: datetime, prospect: str = "Kestrel Foods") -> Nomination:
    now = timezone.now()
    kind = make_kind("reference-call", purpose=Purpose.REFERENCE_CALLS, minutes=30, points=80)
    wanted = desk.file_request(
        requester=sam, kind=kind, prospect=prospect, needed_by=timezone.localdate() + 30 * DAY, at=now - DAY,
        facts={"prospect_person": "Sara Berg"},
    )  # fmt: skip
    rita = User.objects.filter(name="Rita Morgan").first() or make_user("Rita Morgan", Role.MANAGER)
    (one,) = desk.nominate(wanted, [Pick(ines.pk, "You know night shifts.")], by=rita, at=now - 2 * HOUR)
    desk.accept(one, times=[noon, noon + DAY, noon + 2 * DAY], at=now - HOUR)
    return one


@pytest.fixture
def yes(sam: User, ines: Advocate, noon: datetime) -> Nomination:
    return said_yes(sam, ines, noon)


def link_for(yes: Nomination, **more: Any) -> ProspectLink:
    given = {"name": "Sara Berg", "email": "sara@kestrel.test", "zone": "Asia/Tokyo", **more}
    return prospects.hand_over(yes, by=yes.request.requester, at=timezone.now(), **given)


def url_of(link: ProspectLink) -> str:
    return reverse("opportunities:prospect", args=[prospects.token_of(link)])


def stands(yes: Nomination) -> tuple[str, str]:
    wanted = ReferenceRequest.objects.get(pk=yes.request_id)
    return wanted.status, wanted.waiting_for


def claim_of(yes: Nomination) -> Claim:
    return Claim.objects.get(nomination=yes)


def invitations(**to: Any) -> list[Any]:
    """The calendar events somebody was mailed, with the method of their file, oldest first."""
    found = []
    for mail in Message.objects.filter(**to).order_by("pk"):
        if part := mail.params.get("calendar"):
            file = Calendar.from_ical(part["ics"])
            (event,) = file.walk("VEVENT")
            assert file["METHOD"] == part["method"]
            found.append((str(file["METHOD"]), event))
    return found


class TestTheLink:
    def test_while_the_prospect_has_it_they_are_who_is_waited_for(self, yes: Nomination) -> None:
        assert stands(yes) == ("agreed", "requester")
        link = link_for(yes)
        assert stands(yes) == ("agreed", "prospect")
        wanted = ReferenceRequest.objects.get(pk=yes.request_id)
        nominations = list(wanted.nominations.prefetch_related("times"))
        assert "waiting for Kestrel Foods to pick a time" in where_it_stands(wanted, nominations, at=timezone.now())
        prospects.take_back(link, by=wanted.requester, at=timezone.now())
        assert stands(yes) == ("agreed", "requester")

    def test_when_it_is_too_old_it_is_the_requesters_turn_again(self, yes: Nomination, client: Client) -> None:
        link = link_for(yes)
        Nomination.objects.update(prospect_until=timezone.now() - HOUR)
        ProspectLink.objects.update(made_at=timezone.now() - 15 * DAY, expires_at=timezone.now() - HOUR)
        jobs.follow_claims(at=timezone.now())
        assert stands(yes) == ("agreed", "requester")
        page = client.get(url_of(link))
        assert page.status_code == 404 and "too old. Ask Sam Adler" in page.content.decode()

    def test_sam_makes_it_copies_it_and_takes_it_back(self, yes: Nomination, sam: User, client: Client) -> None:
        client.force_login(sam)
        url = reverse("opportunities:for_prospect", args=[yes.request.public_id, yes.public_id])
        assert 'value="Sara Berg"' in client.get(url).content.decode()
        assert client.post(url, {"name": "", "time_zone": "Asia/Tokyo"}).status_code == 422
        client.post(url, {"name": "Sara Berg", "time_zone": "Asia/Tokyo"})
        page = client.get(url).content.decode()
        assert "/with-us/" in page and "Take it back" in page
        assert not Message.objects.filter(kind="prospect_link").exists()  # no address, no mail
        link = ProspectLink.objects.get()
        client.post(url, {"do": "take_back"})
        answer = Client().get(url_of(link))
        assert answer.status_code == 404 and "was taken back. Ask Sam Adler" in answer.content.decode()

    def test_a_new_one_ends_the_one_before(self, yes: Nomination, client: Client) -> None:
        first = link_for(yes)
        second = link_for(yes, name="Tom Lind", email="")
        assert client.get(url_of(first)).status_code == 404
        assert client.get(url_of(second)).status_code == 200

    def test_it_is_nobody_elses(self, yes: Nomination, client: Client) -> None:
        url = reverse("opportunities:for_prospect", args=[yes.request.public_id, yes.public_id])
        client.force_login(make_user("Tom", Role.REQUESTER))
        assert client.get(url).status_code == client.post(url, {"name": "x"}).status_code == 404
        client.force_login(User.objects.get(name="Rita Morgan"))
        assert client.get(url).status_code == 200  # the desk may hand it over, too

    def test_there_is_none_before_the_yes(self, sam: User, noon: datetime, client: Client) -> None:
        one = said_yes(sam, make_advocate("Omar"), noon)
        Nomination.objects.filter(pk=one.pk).update(status="asked", claim=None)
        client.force_login(sam)
        url = reverse("opportunities:for_prospect", args=[one.request.public_id, one.public_id])
        assert client.get(url).status_code == 404

    def test_mailed_it_speaks_the_prospects_time_and_answers_go_to_sam(self, yes: Nomination) -> None:
        link_for(yes)
        mail = Message.objects.get(kind="prospect_link")
        assert (mail.to_email, mail.to_name, mail.time_zone) == ("sara@kestrel.test", "Sara Berg", "Asia/Tokyo")
        assert mail.reply_to == yes.request.requester.email and not mail.counts


class TestByTheLink:
    def test_opening_it_changes_nothing_and_shows_no_address(
        self, yes: Nomination, client: Client, ines: Advocate
    ) -> None:
        link = link_for(yes)
        page = client.get(url_of(link), {"zone": "America/New_York"})
        text = page.content.decode()
        assert "Ines Barbosa" in text and ines.contact.email not in text and "America/New York" in text
        assert page["Referrer-Policy"] == "same-origin"  # a browser posts with its origin, and tells nobody else
        link.refresh_from_db()
        assert (link.used_at, link.time_zone) == (None, "Asia/Tokyo")
        assert stands(yes) == ("agreed", "prospect")

    def test_a_time_is_picked_once_and_a_replay_changes_nothing(self, yes: Nomination, client: Client) -> None:
        link = link_for(yes)
        time = yes.times.all()[1]
        for _twice in range(2):
            answer = client.post(url_of(link), {"do": "pick", "time": time.pk, "zone": "America/New_York"})
            assert answer.status_code == 302
        assert stands(yes) == ("scheduled", "prospect")
        assert claim_of(yes).scheduled_for == time.starts_at and claim_of(yes).sequence == 0
        link.refresh_from_db()
        assert link.time_zone == "America/New_York"  # mails speak the time they read
        assert Message.objects.filter(kind="prospect_time_set").count() == 1
        assert Notification.objects.filter(user=yes.request.requester, kind="request_prospect").count() == 1
        assert "It is set for" in client.get(url_of(link)).content.decode()

    def test_moving_is_picking_another_one(self, yes: Nomination, client: Client) -> None:
        link = link_for(yes)
        first, _second, third = yes.times.all()
        client.post(url_of(link), {"do": "pick", "time": first.pk})
        client.post(url_of(link), {"do": "pick", "time": third.pk})
        claim = claim_of(yes)
        assert (claim.scheduled_for, claim.sequence) == (third.starts_at, 1)
        assert [time.starts_at for time in yes.times.filter(chosen_at__isnull=False)] == [third.starts_at]
        assert "Move it" in client.get(url_of(link)).content.decode()

    def test_none_fits_goes_to_the_advocate_in_their_words(self, yes: Nomination, client: Client) -> None:
        link = link_for(yes)
        assert client.post(url_of(link), {"do": "other", "other-text": " "}).status_code == 422
        client.post(url_of(link), {"do": "other", "other-text": "Mornings, please."})
        assert stands(yes) == ("agreed", "advocate")
        assert Message.objects.get(kind="nomination_other_times").params["said"] == "Mornings, please."
        assert yes.request.notes.get(text__startswith="Sara Berg: None of").for_requester
        assert "New times are on their way" in client.get(url_of(link)).content.decode()
        now = timezone.now()
        desk.propose_times(yes, times=[now + 5 * DAY, now + 6 * DAY, now + 7 * DAY], at=now)
        assert stands(yes) == ("agreed", "prospect")
        assert Message.objects.filter(kind="prospect_link", to_email="sara@kestrel.test").count() == 2

    def test_a_set_time_that_suits_no_more_is_taken_out_of_every_calendar(
        self, yes: Nomination, client: Client, ines: Advocate, sam: User
    ) -> None:
        link = link_for(yes)
        client.post(url_of(link), {"do": "pick", "time": yes.times.all()[0].pk})
        client.post(url_of(link), {"do": "other", "other-text": "Our plant is closed that day."})
        assert stands(yes) == ("agreed", "advocate")
        for to in ({"contact": ines.contact}, {"user": sam}, {"to_email": "sara@kestrel.test"}):
            (asked, request), (gone, cancel) = invitations(**to)
            assert (asked, gone) == ("REQUEST", "CANCEL")
            assert request["UID"] == cancel["UID"] and (request["SEQUENCE"], cancel["SEQUENCE"]) == (0, 1)
        now = timezone.now()
        desk.propose_times(yes, times=[now + 5 * DAY, now + 6 * DAY, now + 7 * DAY], at=now)
        client.post(url_of(link), {"do": "pick", "time": yes.times.all()[0].pk})
        *_before, (method, event) = invitations(to_email="sara@kestrel.test")
        assert method == "REQUEST" and event["SEQUENCE"] == 2

    def test_called_off_frees_everybody_and_asks_sam_what_next(
        self, yes: Nomination, client: Client, ines: Advocate, sam: User
    ) -> None:
        link = link_for(yes)
        client.post(url_of(link), {"do": "pick", "time": yes.times.all()[0].pk})
        answer = client.post(url_of(link), {"do": "call_off", "off-text": "We have decided already"}, follow=True)
        assert "called off" in answer.content.decode()
        assert stands(yes) == ("matching", "requester")
        for to in ({"contact": ines.contact}, {"user": sam}, {"to_email": "sara@kestrel.test"}):
            assert [method for method, _event in invitations(**to)] == ["REQUEST", "CANCEL"]
        assert claim_of(yes).status == "declined"
        assert yes.request.notes.filter(asks=True, text__contains="Sara Berg has called it off").exists()
        again = client.post(url_of(link), {"do": "call_off", "off-text": "Once more"})
        assert again.status_code == 404  # replayed, the link opens nothing

    def test_a_time_of_another_conversation_is_refused(
        self, yes: Nomination, sam: User, noon: datetime, client: Client
    ) -> None:
        other = said_yes(sam, make_advocate("Omar"), noon, prospect="Osprey")
        answer = client.post(url_of(link_for(yes)), {"do": "pick", "time": other.times.all()[0].pk})
        assert answer.status_code == 409 and "belongs to another conversation" in answer.content.decode()
        assert stands(other) == ("agreed", "requester")

    def test_torn_forged_and_foreign_links_say_so(self, yes: Nomination, client: Client) -> None:
        link_for(yes)
        foreign = signed.sign("pick_time", str(yes.public_id))
        for token in ("x", prospects.token_of(ProspectLink.objects.get())[:-3], foreign,
                      signed.sign("prospect", str(yes.public_id)), signed.sign("prospect", "none")):  # fmt: skip
            answer = client.get(reverse("opportunities:prospect", args=[token]))
            assert answer.status_code == 404 and "link" in answer.content.decode()

    def test_after_the_request_ended_nothing_can_be_done(self, yes: Nomination, client: Client, sam: User) -> None:
        link = link_for(yes)
        time = yes.times.all()[0]
        desk.withdraw(yes.request, reason="The deal is lost.", by=sam, at=timezone.now())
        assert "no time to pick any more" in client.get(url_of(link)).content.decode()
        for deed in ({"do": "pick", "time": time.pk}, {"do": "other", "other-text": "x"},
                     {"do": "call_off", "off-text": "x"}):  # fmt: skip
            assert client.post(url_of(link), deed).status_code == 409

    def test_nonsense_is_told(self, yes: Nomination, client: Client) -> None:
        link = link_for(yes)
        for deed in ({}, {"do": "pick"}, {"do": "pick", "time": "9" * 30}, {"do": "pick", "time": "²"},
                     {"do": "dance"}):  # fmt: skip
            assert client.post(url_of(link), deed).status_code == 422
        assert client.get(url_of(link), {"zone": "Mars/Base\x00"}).status_code == 200

    def test_the_calendar_file_is_theirs_to_download(self, yes: Nomination, client: Client, ines: Advocate) -> None:
        link = link_for(yes)
        url = reverse("opportunities:prospect_calendar", args=[prospects.token_of(link)])
        assert client.get(url).status_code == 404
        client.post(url_of(link), {"do": "pick", "time": yes.times.all()[0].pk})
        file = Calendar.from_ical(client.get(url).content)
        (event,) = file.walk("VEVENT")
        assert (file["METHOD"], event["UID"]) == ("PUBLISH", claim_of(yes).calendar_uid)
        assert ines.contact.email not in file.to_ical().decode()


class TestCalendars:
    def test_all_three_hold_the_same_appointment_and_only_their_own_name(
        self, yes: Nomination, ines: Advocate, sam: User
    ) -> None:
        link_for(yes)
        desk.pick_time(yes.times.all()[0], at=timezone.now())
        desk.move_time(yes, starts_at=yes.times.all()[2].starts_at + HOUR, by=sam, at=timezone.now())
        organizers, uids = set(), set()
        for to, address in (
            ({"contact": ines.contact}, ines.contact.email), ({"user": sam}, sam.email),
            ({"to_email": "sara@kestrel.test"}, "sara@kestrel.test"),
        ):  # fmt: skip
            events = invitations(**to)
            assert [(method, event["SEQUENCE"]) for method, event in events] == [("REQUEST", 0), ("REQUEST", 1)]
            for _method, event in events:
                assert str(event["ATTENDEE"]).lower() == f"mailto:{address}".lower()
                organizers.add(str(event["ORGANIZER"]))
                uids.add(str(event["UID"]))
            assert events[1][1]["DTSTART"].dt == claim_of(yes).scheduled_for
        assert len(uids) == len(organizers) == 1
        assert organizers == {f"MAILTO:{User.objects.get(name='Rita Morgan').email}"}

    def test_a_yes_taken_back_and_given_again_replaces_what_was_taken_out(
        self, yes: Nomination, ines: Advocate
    ) -> None:
        now = timezone.now()
        desk.pick_time(yes.times.all()[0], at=now)
        claim = board.unschedule(claim_of(yes), at=now)
        claim = board.schedule(claim, starts_at=now + 9 * DAY, minutes=30, at=now)
        assert claim.sequence == 2


class TestWhereTheyMeet:
    PLACE = "https://meet.example.test/8842 or +49 30 1234"

    def said(self, yes: Nomination, client: Client, place: str) -> Any:
        client.force_login(yes.request.requester)
        url = reverse("opportunities:move_set_time", args=[yes.request.public_id, yes.public_id])
        return client.post(url, {"place": place}, follow=True)

    def test_said_before_the_time_is_picked_it_is_in_every_calendar(
        self, yes: Nomination, client: Client, ines: Advocate, sam: User
    ) -> None:
        link = link_for(yes)
        self.said(yes, client, self.PLACE)
        desk.pick_time(yes.times.all()[0], at=timezone.now())
        for to in ({"contact": ines.contact}, {"user": sam}, {"to_email": "sara@kestrel.test"}):
            ((_method, event),) = invitations(**to)
            assert (str(event["LOCATION"]), event["SEQUENCE"]) == (self.PLACE, 0)
        assert "meet.example.test" in client.get(url_of(link)).content.decode()

    def test_said_afterwards_every_calendar_follows_and_nobody_is_told_of_a_new_time(
        self, yes: Nomination, client: Client, ines: Advocate, sam: User
    ) -> None:
        link_for(yes)
        desk.pick_time(yes.times.all()[0], at=timezone.now())
        for _time in range(2):
            assert "Everybody has it" in self.said(yes, client, self.PLACE).content.decode()
        for to in ({"contact": ines.contact}, {"user": sam}, {"to_email": "sara@kestrel.test"}):
            (_first, before), (method, event) = invitations(**to)
            assert (method, event["UID"], event["SEQUENCE"]) == ("REQUEST", before["UID"], 1)
            assert str(event["LOCATION"]) == self.PLACE and event["DTSTART"].dt == before["DTSTART"].dt
            mail = rendering.render(Message.objects.filter(**to, params__placed=True).get())
            assert mail.subject.startswith("Where you meet") and "new time" not in mail.text
        text = self.said(yes, client, "x" * 301).content.decode()
        assert "too long" in text and claim_of(yes).place == self.PLACE

    def test_nobody_else_says_it(self, yes: Nomination, client: Client) -> None:
        url = reverse("opportunities:move_set_time", args=[yes.request.public_id, yes.public_id])
        client.force_login(make_user("Tom", Role.REQUESTER))
        assert client.post(url, {"place": "Mars"}).status_code == 404
        assert claim_of(yes).place == ""


class TestReminders:
    def test_each_side_is_reminded_once_in_its_own_time_and_it_follows_a_move(
        self, yes: Nomination, noon: datetime, ines: Advocate, sam: User
    ) -> None:
        link_for(yes)
        desk.pick_time(yes.times.all()[0], at=timezone.now())

        def run(at: datetime) -> list[tuple[str, str]]:
            for _twice in range(2):
                board_jobs.remind(at=at)
                jobs.remind_both_sides(at=at)
            rows = Message.objects.filter(kind__endswith="_reminder").order_by("kind")
            return [(one.kind, one.params["ahead"]) for one in rows]

        assert run(noon - 20 * HOUR) == [
            (k, "day") for k in ("claim_reminder", "prospect_reminder", "request_reminder")
        ]
        zones = dict(Message.objects.filter(kind__endswith="_reminder").values_list("kind", "time_zone"))
        assert zones["prospect_reminder"] == "Asia/Tokyo" and zones["request_reminder"] == "Europe/Berlin"
        desk.move_time(yes, starts_at=noon + 5 * DAY, by=sam, at=noon - 10 * HOUR)
        assert len(run(noon - 30 * timedelta(minutes=1))) == 3  # nothing at the old hour
        assert len(run(noon + 5 * DAY - 30 * timedelta(minutes=1))) == 6
        assert len(run(noon + 5 * DAY + HOUR)) == 6


class TestAfterwards:
    def over(self, yes: Nomination) -> ProspectLink:
        """It was set, and is an hour ago."""
        link = link_for(yes)
        desk.pick_time(yes.times.all()[0], at=timezone.now())
        Claim.objects.filter(nomination=yes).update(scheduled_for=timezone.now() - HOUR)
        ProspectLink.objects.update(made_at=timezone.now() - 20 * DAY, expires_at=timezone.now() - HOUR)
        return link

    def test_the_prospect_is_asked_once_and_says_how_it_was(self, yes: Nomination, client: Client) -> None:
        link = self.over(yes)
        for _time in range(2):
            jobs.ask_requesters_how_it_was(at=timezone.now())
        mail = Message.objects.get(kind="prospect_how_was_it")
        assert mail.to_email == "sara@kestrel.test" and url_of(link) in rendering.render(mail).text
        assert "Did it take place?" in client.get(url_of(link)).content.decode()
        refused = client.post(url_of(link), {"do": "tell", "text": "Just right."})
        assert refused.status_code == 422 and "Just right." in refused.content.decode()
        client.post(url_of(link), {"do": "tell", "happened": "yes", "text": "Just right."})
        assert yes.request.notes.filter(text__contains="says that it took place. “Just right.”", for_requester=True)
        assert client.post(url_of(link), {"do": "tell", "happened": "no"}).status_code == 404, "said once"
        assert not Task.objects.filter(key__startswith="not-happened").exists()

    def test_where_it_did_not_take_place_somebody_finds_out_why(self, yes: Nomination, client: Client) -> None:
        client.post(url_of(self.over(yes)), {"do": "tell", "happened": "no"})
        assert "said not to have taken place" in Task.objects.get(key__startswith="not-happened").text
        assert claim_of(yes).status == "scheduled", "it settles nothing by itself"

    def test_before_its_time_and_long_after_there_is_nothing_to_tell(self, yes: Nomination, client: Client) -> None:
        link = link_for(yes)
        desk.pick_time(yes.times.all()[0], at=timezone.now())
        assert client.post(url_of(link), {"do": "tell", "happened": "yes"}).status_code == 409
        Claim.objects.filter(nomination=yes).update(scheduled_for=timezone.now() - 15 * DAY)
        ProspectLink.objects.update(made_at=timezone.now() - 20 * DAY, expires_at=timezone.now() - HOUR)
        assert client.get(url_of(link)).status_code == 404


class TestTimesNobodyPicked:
    def test_are_asked_for_anew_once_they_are_over(self, yes: Nomination, noon: datetime, ines: Advocate) -> None:
        link_for(yes)
        jobs_of_prospects.ask_for_others_when_times_have_passed(at=noon + HOUR)
        assert yes.times.count() == 3 and stands(yes) == ("agreed", "prospect")  # two are still to come
        for _twice in range(2):
            jobs_of_prospects.ask_for_others_when_times_have_passed(at=noon + 3 * DAY)
        assert not yes.times.exists() and stands(yes) == ("agreed", "advocate")
        mail = Message.objects.get(kind="nomination_other_times", contact=ines.contact)
        assert "Nobody picked one of your times" in rendering.render(mail).text
        assert Notification.objects.filter(user=yes.request.requester, kind="request_times_passed").count() == 1

    def test_a_set_time_is_left_alone(self, yes: Nomination, noon: datetime) -> None:
        desk.pick_time(yes.times.all()[0], at=timezone.now())
        jobs_of_prospects.ask_for_others_when_times_have_passed(at=noon + 9 * DAY)
        assert yes.times.count() == 3


class TestTheRequester:
    def test_moves_it_to_another_proposed_time_or_asks_for_others(
        self, yes: Nomination, sam: User, client: Client
    ) -> None:
        desk.pick_time(yes.times.all()[0], at=timezone.now())
        client.force_login(sam)
        url = reverse("opportunities:move_set_time", args=[yes.request.public_id, yes.public_id])
        page = reverse("opportunities:request", args=[yes.request.public_id])
        assert "To another of their times" in client.get(page).content.decode()
        client.post(url, {"time": yes.times.all()[1].pk})
        assert claim_of(yes).scheduled_for == yes.times.all()[1].starts_at
        client.post(url, {"text": "Kestrel asks for next week."})
        assert stands(yes) == ("agreed", "advocate") and claim_of(yes).scheduled_for is None
        answer = client.post(url, {"text": "And again"}, follow=True)
        assert "no set time to move" in answer.content.decode()

    def test_a_prospect_who_did_not_come_earns_the_advocate_an_apology_and_the_points(
        self, yes: Nomination, noon: datetime, ines: Advocate
    ) -> None:
        link_for(yes)
        desk.pick_time(yes.times.all()[0], at=timezone.now())
        desk.missed(yes, by_prospect=True, by=User.objects.get(name="Rita Morgan"), at=noon + HOUR)
        assert points.total(ines) == 80
        mail = Message.objects.get(kind="claim_ended", contact=ines.contact)
        assert mail.params["because"] == "other_side_missed"
