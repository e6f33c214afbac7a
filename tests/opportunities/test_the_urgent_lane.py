"""Media and analysts: hours instead of days, a spokesperson's word, and the best few asked at once (O7)."""

import threading
from collections.abc import Callable
from datetime import datetime, time, timedelta
from functools import partial
from typing import Any

import pytest
from django.db import connections
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from advocacy.crm import consent
from advocacy.crm.catalogue import Purpose
from advocacy.crm.models import Account, Program
from advocacy.delivery import gates, rendering
from advocacy.delivery.models import Message, Notification
from advocacy.lib import signed
from advocacy.lib.lifecycle import Refused
from advocacy.users.models import Role, User
from advocates import budget
from advocates.models import Advocate, Ask
from opportunities import urgent as rules
from opportunities.actions import board, desk, urgent
from opportunities.actions.desk import Pick
from opportunities.clock import times as times_of
from opportunities.jobs import desk as desk_jobs
from opportunities.jobs import urgent as jobs
from opportunities.mails.urgent import key_of
from opportunities.models import Nomination, OpportunityKind, ReferenceRequest, Spokesperson
from opportunities.request_pages import where_it_stands
from tests.factories import NOON, make_account, make_advocate, make_kind, make_team, make_user

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def interview() -> OpportunityKind:
    kind = make_kind("media-interview", purpose=Purpose.MEDIA_ANALYSTS, minutes=30)
    OpportunityKind.objects.filter(pk=kind.pk).update(
        is_urgent=True, answer_hours=6, for_requests=True, purpose=Purpose.MEDIA_ANALYSTS
    )
    kind.refresh_from_db()
    return kind


def willing(name: str, **fields: Any) -> Advocate:
    """An advocate who has consented to media and analysts."""
    one = make_advocate(name, **fields)
    consent.grant(one.contact, Purpose.MEDIA_ANALYSTS, wording="Yes.", at=NOON - DAY, source="test")
    return one


def somebody(name: str, role: str) -> User:
    return User.objects.filter(name=name).first() or make_user(name, role)


def filed(wanted: int = 1, at: datetime = NOON, **more: Any) -> ReferenceRequest:
    return desk.file_request(
        requester=somebody("Sam Adler", Role.REQUESTER), kind=interview(), prospect="Baking Weekly",
        needed_by=at.date() + DAY, at=at, wanted=wanted,
        facts={"questions": "How do bakeries plan night shifts?", "prospect_person": "Ada Krum"}, **more,
    )  # fmt: skip


def stands(wanted: ReferenceRequest) -> tuple[str, str]:
    wanted.refresh_from_db()
    return wanted.status, wanted.waiting_for


@pytest.mark.django_db
class TestTheSpokesperson:
    def test_is_waited_for_and_the_clock_of_the_desk_rests(self) -> None:
        carla = make_user("Carla Voss", Role.OWNER)
        Spokesperson.objects.create(approver=carla)
        wanted = filed()
        assert stands(wanted) == ("new", "approver")
        assert "Carla Voss has to approve it" in where_it_stands(wanted, [], at=NOON)
        mail = Message.objects.get(kind="media_asked")
        assert mail.user == carla and not mail.counts and mail.params["prospect"] == "Baking Weekly"
        assert Notification.objects.filter(user=carla, kind="media_approval", read_at__isnull=True).exists()
        assert times_of(wanted.spans.all(), at=NOON + 3 * HOUR).desk == timedelta(0)
        rita = somebody("Rita Morgan", Role.MANAGER)
        desk.assign(wanted, to=rita, at=NOON)
        assert stands(wanted) == ("matching", "approver")
        with pytest.raises(Refused, match="Carla Voss has to approve it first"):
            desk.nominate(wanted, [Pick(willing("Ines").pk)], by=rita, at=NOON)
        with pytest.raises(Refused, match="Carla Voss has to approve it first"):
            urgent.ask_best(wanted, number=2, by=rita, at=NOON)
        urgent.approve(wanted, by=carla, at=NOON + HOUR)
        assert stands(wanted) == ("matching", "desk")
        assert not Notification.objects.filter(user=carla, kind="media_approval", read_at__isnull=True).exists()
        assert Notification.objects.filter(user=rita, kind="media_yes").exists()
        desk.nominate(wanted, [Pick(Advocate.objects.get().pk)], by=rita, at=NOON + HOUR)

    def test_who_is_silent_is_reminded_once_and_the_desk_hears_of_it(self) -> None:
        Spokesperson.objects.create(approver=make_user("Carla Voss", Role.OWNER))
        rita = somebody("Rita Morgan", Role.MANAGER)
        filed()
        jobs.remind_spokespeople(at=NOON + HOUR)
        assert Message.objects.filter(kind="media_asked").count() == 1
        for minutes in (0, 5, 600):
            jobs.remind_spokespeople(at=NOON + 2 * HOUR + timedelta(minutes=minutes))
        first, again = Message.objects.filter(kind="media_asked").order_by("pk")
        assert "Still waiting for you" in rendering.render(again).subject
        assert Notification.objects.get(user=rita, kind="media_silent").text.startswith("Carla Voss has not said")
        wanted = ReferenceRequest.objects.get()
        urgent.approve(wanted, by=wanted.approver, at=NOON + 3 * HOUR)
        for mail in (first, again):
            mail.refresh_from_db()
            assert mail.status == "cancelled"

    def test_what_is_withdrawn_asks_them_no_more(self) -> None:
        carla = make_user("Carla Voss", Role.OWNER)
        Spokesperson.objects.create(approver=carla)
        wanted = filed()
        desk.withdraw(wanted, reason="They chose another story.", by=wanted.requester, at=NOON + HOUR)
        assert Message.objects.get(kind="media_asked").status == "cancelled"
        assert not Notification.objects.filter(user=carla, kind="media_approval", read_at__isnull=True).exists()
        jobs.remind_spokespeople(at=NOON + 2 * HOUR)
        assert Message.objects.filter(kind="media_asked").count() == 1

    def test_the_most_exact_one_is_asked_and_without_one_nobody(self) -> None:
        sales, kind = make_team("Sales"), interview()
        anybody, for_sales, for_kind = (make_user(name, Role.OWNER) for name in ("Any", "Sales head", "Press"))
        assert rules.spokesperson(sales, kind) is None
        for approver, fields in ((anybody, {}), (for_sales, {"team": sales}), (for_kind, {"kind": kind})):
            Spokesperson.objects.create(approver=approver, **fields)
        assert rules.spokesperson(None, make_kind("reference-call")) is None
        assert rules.spokesperson(sales, kind) == for_kind
        Spokesperson.objects.filter(approver=for_kind).delete()
        assert rules.spokesperson(sales, kind) == for_sales and rules.spokesperson(None, kind) == anybody
        User.objects.filter(pk=for_sales.pk).update(is_active=False)
        assert rules.spokesperson(sales, kind) == anybody

    def test_who_asks_and_speaks_for_the_company_has_said_yes_by_it(self) -> None:
        Spokesperson.objects.create(approver=somebody("Sam Adler", Role.REQUESTER))
        wanted = filed()
        assert stands(wanted) == ("new", "desk") and wanted.approver_said == "yes"
        assert not Message.objects.filter(kind="media_asked").exists()

    def test_says_no_and_the_requester_reads_why(self) -> None:
        carla = make_user("Carla Voss", Role.OWNER)
        Spokesperson.objects.create(approver=carla)
        wanted = filed()
        with pytest.raises(Refused, match="why not"):
            urgent.refuse(wanted, reason=" ", by=carla, at=NOON)
        urgent.refuse(wanted, reason="Quiet period until Friday.", by=carla, at=NOON)
        assert stands(wanted) == ("unfilled", "nobody")
        assert wanted.close_reason == "Carla Voss: Quiet period until Friday."
        assert Message.objects.filter(kind="request_ended", user=wanted.requester).exists()
        desk.reopen(wanted, at=NOON + DAY)
        rita = somebody("Rita Morgan", Role.MANAGER)
        with pytest.raises(Refused, match="said no to this"):
            desk.nominate(wanted, [Pick(willing("Ines").pk)], by=rita, at=NOON + DAY)
        urgent.ask_spokesperson(wanted, by=rita, at=NOON + DAY)
        assert stands(wanted) == ("matching", "approver")
        assert Message.objects.filter(kind="media_asked").count() == 2

    def test_a_yes_on_the_phone_is_put_on_record_with_how(self) -> None:
        Spokesperson.objects.create(approver=make_user("Carla Voss", Role.OWNER))
        wanted, rita = filed(), make_user("Rita Morgan", Role.MANAGER)
        with pytest.raises(Refused, match="how they agreed"):
            urgent.approve(wanted, by=rita, at=NOON)
        urgent.approve(wanted, by=rita, at=NOON, words="On the phone at ten.")
        assert wanted.notes.filter(text__contains="On the phone at ten").exists()
        with pytest.raises(Refused, match="nothing to decide"):
            urgent.refuse(wanted, reason="x", by=rita, at=NOON)


@pytest.mark.django_db
class TestThePageOfTheSpokesperson:
    def test_by_the_link_of_the_mail_opening_changes_nothing(self, client: Client) -> None:
        Spokesperson.objects.create(approver=make_user("Carla Voss", Role.ADVOCATE))
        wanted = filed(at=timezone.now())
        wanted.refresh_from_db()
        url = reverse("opportunities:media_by_mail", args=[signed.sign("media", key_of(wanted))])
        assert "May we go to customers for Baking Weekly?" in client.get(url).content.decode()
        assert stands(wanted) == ("new", "approver")
        assert client.post(url, {"answer": "no", "no-text": ""}).status_code == 422
        assert client.post(url, {"answer": "perhaps"}).status_code == 422
        client.post(url, {"answer": "yes"})
        assert stands(wanted) == ("new", "desk")
        assert client.post(url, {"answer": "yes"}).status_code == 302  # a second tap changes nothing
        assert client.post(url, {"answer": "no", "no-text": "Rather not."}).status_code == 409
        assert "You said yes" in client.get(url).content.decode()

    def test_torn_old_and_foreign_links_say_so(self, client: Client) -> None:
        Spokesperson.objects.create(approver=make_user("Carla Voss", Role.OWNER))
        wanted = filed(at=timezone.now() - HOUR)
        old = signed.sign("media", key_of(wanted))
        urgent.ask_spokesperson(wanted, by=None, at=timezone.now())
        for token in ("x", old, signed.sign("media", "none"), signed.sign("approve", key_of(wanted))):
            assert client.get(reverse("opportunities:media_by_mail", args=[token])).status_code == 404

    def test_until_their_yes_the_desk_reads_who_fits_and_can_ask_nobody(self, client: Client) -> None:
        carla = make_user("Carla Voss", Role.OWNER)
        Spokesperson.objects.create(approver=carla)
        willing("Ines Barbosa")
        wanted = filed(at=timezone.now())
        client.force_login(make_user("Rita Morgan", Role.MANAGER))
        url = reverse("admin:opportunities_referencerequest_change", args=[wanted.pk])
        page = client.get(url).content.decode()
        assert "Ines Barbosa" in page and "as soon as Carla Voss has agreed" in page
        assert "Nominate the ticked ones" not in page
        urgent.approve(wanted, by=carla, at=timezone.now())
        assert "Nominate the ticked ones" in client.get(url).content.decode()

    def test_in_the_portal_it_is_theirs_alone(self, client: Client) -> None:
        carla = make_user("Carla Voss", Role.OWNER)
        Spokesperson.objects.create(approver=carla)
        wanted = filed(at=timezone.now())
        url = reverse("opportunities:media_approval", args=[wanted.public_id])
        client.force_login(make_user("Tom", Role.OWNER))
        assert client.get(url).status_code == client.post(url, {"answer": "yes"}).status_code == 404
        client.force_login(carla)
        for page in (reverse("opportunities:approvals"), "/"):
            assert "Baking Weekly" in client.get(page).content.decode()
        client.post(url, {"answer": "yes"})
        assert stands(wanted) == ("new", "desk")
        assert "Baking Weekly" not in client.get(reverse("opportunities:approvals")).content.decode()


@pytest.mark.django_db
class TestHours:
    def test_who_is_asked_answers_within_hours_and_before_the_deadline(self) -> None:
        wanted, rita, ines, omar = filed(), make_user("Rita Morgan", Role.MANAGER), willing("Ines"), willing("Omar")
        (first,) = desk.nominate(wanted, [Pick(ines.pk)], by=rita, at=NOON)
        assert first.answer_by == NOON + 6 * HOUR
        urgent.set_deadline(wanted, NOON + 4 * HOUR, by=wanted.requester, at=NOON)
        (second,) = desk.nominate(wanted, [Pick(omar.pk)], by=rita, at=NOON + HOUR)
        assert second.answer_by == NOON + 4 * HOUR
        desk_jobs.move_on_from_silence(at=NOON + 4 * HOUR)
        second.refresh_from_db()
        assert second.status == "expired"

    def test_an_hour_gone_and_other_kinds_are_refused(self) -> None:
        wanted = filed()
        with pytest.raises(Refused, match="has passed"):
            urgent.set_deadline(wanted, NOON - HOUR, by=None, at=NOON)
        with pytest.raises(Refused, match="half a year"):
            urgent.set_deadline(wanted, NOON + 300 * DAY, by=None, at=NOON)
        calm = desk.file_request(
            requester=wanted.requester, kind=make_kind("reference-call", minutes=30), prospect="K",
            needed_by=NOON.date() + DAY, at=NOON,
        )  # fmt: skip
        with pytest.raises(Refused, match="not of the urgent lane"):
            urgent.set_deadline(calm, NOON + HOUR, by=None, at=NOON)

    def test_sam_sets_it_on_the_page_and_the_queue_shows_it(self, client: Client) -> None:
        wanted = filed(at=timezone.now())
        rita = make_user("Rita Morgan", Role.MANAGER)
        client.force_login(wanted.requester)
        page = reverse("opportunities:request", args=[wanted.public_id])
        assert "By which hour?" in client.get(page).content.decode()
        when = (timezone.localtime() + 5 * HOUR).strftime("%Y-%m-%dT%H:%M")
        client.post(reverse("opportunities:request_hour", args=[wanted.public_id]), {"urgent-needed_at": when})
        wanted.refresh_from_db()
        assert wanted.needed_at is not None
        answer = client.post(
            reverse("opportunities:request_hour", args=[wanted.public_id]), {"urgent-needed_at": "soon"}, follow=True
        )
        assert "Write the day and the hour" in answer.content.decode()
        client.force_login(rita)
        queue = reverse("admin:opportunities_referencerequest_changelist")
        text = client.get(queue, {"view": "urgent"}).content.decode()
        assert "Baking Weekly" in text and "Urgent" in text

    def test_who_can_help_hears_before_it_and_when_it_is_gone(self) -> None:
        wanted, rita = filed(), make_user("Rita Morgan", Role.MANAGER)
        desk.assign(wanted, to=rita, at=NOON)
        urgent.set_deadline(wanted, NOON + 4 * HOUR, by=rita, at=NOON)
        for at in (NOON + HOUR, NOON + 3.5 * HOUR, NOON + 3.6 * HOUR, NOON + 5 * HOUR, NOON + 6 * HOUR):
            jobs.watch_the_hour(at=at)
        news = Notification.objects.filter(user=rita, kind="urgent_hour").order_by("pk")
        assert [("was needed" in one.text) for one in news] == [False, True]


@pytest.mark.django_db
class TestTheBestFewAtOnce:
    def test_are_asked_by_one_press_within_budget_and_consent(self) -> None:
        rita, wanted = make_user("Rita Morgan", Role.MANAGER), filed()
        ines, omar, mei = willing("Ines"), willing("Omar"), willing("Mei")
        resting, silent = willing("Ruth"), make_advocate("Nils")
        budget.ask(resting, channel="board", source_id=5, kind="webinar", at=NOON - DAY)
        consent.withdraw(silent.contact, Purpose.MEDIA_ANALYSTS, at=NOON - DAY, source="test")
        made = urgent.ask_best(wanted, number=5, by=rita, at=NOON)
        assert {one.advocate for one in made} == {ines, omar, mei}
        assert Ask.objects.filter(channel="desk").count() == 3 and all(one.why for one in made)
        assert stands(wanted) == ("asked", "advocate")
        with pytest.raises(Refused, match="Nobody can be asked now"):
            urgent.ask_best(wanted, number=5, by=rita, at=NOON + HOUR)
        for number in (0, 11):
            with pytest.raises(Refused, match="between 1 and 10"):
                urgent.ask_best(wanted, number=number, by=rita, at=NOON)

    def test_whoever_needs_no_account_owners_word_comes_first(self) -> None:
        rita, wanted, owner = make_user("Rita Morgan", Role.MANAGER), filed(), make_user("Otto", Role.OWNER)
        slow = willing("Ines", account=make_account(owner=owner, owner_approves=True, industry="Food"))
        quick = willing("Omar")
        (made,) = urgent.ask_best(wanted, number=1, by=rita, at=NOON)
        assert (made.advocate, made.status) == (quick, "asked")
        (then,) = urgent.ask_best(wanted, number=1, by=rita, at=NOON + HOUR)
        assert (then.advocate, then.status) == (slow, "with_owner")

    def test_never_more_than_two_of_one_account(self) -> None:
        rita, wanted, one = make_user("Rita Morgan", Role.MANAGER), filed(), make_account()
        for name in ("Ines", "Omar", "Mei"):
            willing(name, account=one)
        assert len(urgent.ask_best(wanted, number=3, by=rita, at=NOON)) <= 2

    def test_the_mail_goes_past_the_daily_cap_and_not_past_consent(self) -> None:
        Program.objects.update(mail_cap_a_day=1)
        rita, wanted, ines, omar = make_user("Rita Morgan", Role.MANAGER), filed(), willing("Ines"), willing("Omar")
        urgent.ask_best(wanted, number=2, by=rita, at=NOON)
        for one in (ines, omar):
            Message.objects.create(
                kind="newsletter", dedupe_key=f"{one.pk}", template="x/y", contact=one.contact, to_email="x@y.test",
                status=Message.Status.SENT, sending_since=NOON, due_at=NOON, created_at=NOON, sent_at=NOON,
                message_id=f"<{one.pk}@x>",
            )  # fmt: skip
        consent.withdraw(omar.contact, Purpose.MEDIA_ANALYSTS, at=NOON, source="profile")
        asked = {one.contact_id: one for one in Message.objects.filter(kind="nomination")}
        first, second = asked[ines.contact_id], asked[omar.contact_id]

        def closed(mail: Message) -> Any:
            gate = gates.closed(mail, cap=1, at=NOON + HOUR, today=NOON - 12 * HOUR)
            return gate.name if gate else None

        assert closed(first) is None
        assert closed(second) == "consent"
        Message.objects.filter(pk=first.pk).update(counts=True)  # the cap is real: any other mail waits
        assert closed(Message.objects.get(pk=first.pk)) == "cap"

    def test_the_first_yes_wins_and_the_others_are_told_kindly(self) -> None:
        rita, wanted = make_user("Rita Morgan", Role.MANAGER), filed()
        willing("Ines"), willing("Omar")
        first, second = urgent.ask_best(wanted, number=2, by=rita, at=NOON)
        Message.objects.filter(kind="nomination").update(status=Message.Status.SENT, sent_at=NOON)
        desk.accept(first, times=[NOON + DAY, NOON + 2 * DAY, NOON + 3 * DAY], at=NOON + HOUR)
        second.refresh_from_db()
        assert second.status == "recalled"
        told = Message.objects.get(kind="nomination_taken_back")
        assert told.contact == second.advocate.contact and told.params["because"] == "enough"
        with pytest.raises(Refused, match="nothing to answer any more"):
            desk.accept(second, times=[NOON + DAY, NOON + 2 * DAY, NOON + 3 * DAY], at=NOON + HOUR)

    def test_by_the_buttons_of_the_desk(self, client: Client) -> None:
        carla = make_user("Carla Voss", Role.OWNER)
        Spokesperson.objects.create(approver=carla)
        wanted = filed(at=timezone.now())
        consenting = [willing(name) for name in ("Ines", "Omar")]
        client.force_login(make_user("Rita Morgan", Role.MANAGER))
        page = reverse("admin:opportunities_referencerequest_change", args=[wanted.pk])
        url = reverse("admin:opportunities_desk_urgent", args=[wanted.pk])
        text = client.get(page).content.decode()
        assert "Carla Voss was asked" in text and "Ask them now" not in text
        client.post(url, {"do": "approved", "words": "On the phone."})
        assert "Ask them now" in client.get(page).content.decode()
        when = (timezone.localtime() + 5 * HOUR).strftime("%Y-%m-%dT%H:%M")
        client.post(url, {"do": "deadline", "urgent-needed_at": when})
        client.post(url, {"do": "ask_best", "number": "2"})
        assert Nomination.objects.count() == len(consenting)
        for odd in ({"do": "ask_best", "number": "²"}, {"do": "dance"}, {"do": "deadline"}):
            assert client.post(url, odd).status_code == 302
        client.force_login(make_user("Mod", Role.MODERATOR))
        assert client.post(url, {"do": "ask_best", "number": "2"}).status_code == 403


def at_once(*calls: Callable[[], Any]) -> list[str]:
    """Run these at the same moment on connections of their own; what each came to, sorted."""
    barrier, results = threading.Barrier(len(calls)), []

    def run(one: Callable[[], Any]) -> None:
        try:
            barrier.wait(10)
            one()
            results.append("done")
        except Refused as refusal:
            results.append(str(refusal))
        except Exception as problem:
            results.append(f"broken: {problem!r}")
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=[one]) for one in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return sorted(results)


@pytest.mark.django_db(transaction=True)
class TestTwoYesesAtTheSameMoment:
    TIMES = [NOON + DAY, NOON + 2 * DAY, NOON + 3 * DAY]

    def asked(self) -> list[Nomination]:
        wanted, rita = filed(), make_user("Rita Morgan", Role.MANAGER)
        for name in ("Ines", "Omar"):
            willing(name)
        return urgent.ask_best(wanted, number=2, by=rita, at=NOON)

    def test_one_wins_and_the_other_is_thanked(self) -> None:
        first, second = self.asked()
        results = at_once(*(partial(desk.accept, one, times=self.TIMES, at=NOON + HOUR) for one in (first, second)))
        assert results.count("done") == 1 and not any("broken" in one for one in results)
        assert sorted(Nomination.objects.values_list("status", flat=True)) == ["accepted", "recalled"]

    def test_without_the_locks_both_would_win(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The control: the same two answers, with the locks taken away, both come through."""
        first, second = self.asked()
        both_have_read = threading.Barrier(2)

        def no_lock(wanted: ReferenceRequest) -> ReferenceRequest:
            return ReferenceRequest.objects.select_related("kind", "deal", "manager", "requester", "team").get(
                pk=wanted.pk
            )

        def no_seats(advocate: Advocate, opportunity: Any, *, at: datetime, minutes: int) -> Any:
            both_have_read.wait(10)  # by now each has seen that nobody else has said yes
            return board.Claim.objects.create(opportunity=opportunity, advocate=advocate, claimed_at=at)

        monkeypatch.setattr(desk, "_lock", no_lock)
        monkeypatch.setattr(desk, "_lock_people", lambda ids: [])
        monkeypatch.setattr(board, "claim_for_nomination", no_seats)
        monkeypatch.setattr(desk, "_take_back", lambda *given, **more: None)
        monkeypatch.setattr(desk, "_settle", lambda *given, **more: None)
        results = at_once(*(partial(desk.accept, one, times=self.TIMES, at=NOON + HOUR) for one in (first, second)))
        assert results == ["done", "done"]
        assert list(Nomination.objects.values_list("status", flat=True)) == ["accepted", "accepted"]


@pytest.mark.django_db
def test_an_account_without_its_owner_does_not_stop_the_others() -> None:
    rita, wanted = make_user("Rita Morgan", Role.MANAGER), filed()
    ines, omar = willing("Ines"), willing("Omar")
    Account.objects.filter(pk=ines.contact.account_id).update(owner_approves=True, owner=None)
    made = urgent.ask_best(wanted, number=2, by=rita, at=NOON)
    assert [one.advocate for one in made] == [omar]


@pytest.mark.django_db
class TestTheHourOnTheForm:
    def test_is_kept_for_urgent_kinds_and_not_for_others(self, client: Client) -> None:
        client.force_login(make_user("Sam Carter", Role.REQUESTER))
        day = timezone.localdate() + timedelta(days=2)
        for slug, presses in (("media-interview", True), ("reference-call", False)):
            kind = make_kind(slug, is_urgent=presses)
            typed = {
                "kind": kind.pk, "wanted": 1, "prospect": f"The {slug} Weekly", "needed_by": day.isoformat(),
                "needed_hour": "14:00",
            }  # fmt: skip
            assert client.post("/requests/new/", typed).status_code == 302
        wanted = ReferenceRequest.objects.get(kind__slug="media-interview")
        assert wanted.needed_at == timezone.make_aware(datetime.combine(day, time(14)))
        assert ReferenceRequest.objects.get(kind__slug="reference-call").needed_at is None

    def test_an_hour_that_has_passed_is_refused_beside_its_field(self, client: Client) -> None:
        client.force_login(make_user("Sam Carter", Role.REQUESTER))
        kind = make_kind("media-interview", is_urgent=True)
        typed = {
            "kind": kind.pk, "wanted": 1, "prospect": "The Weekly", "needed_hour": "00:00",
            "needed_by": timezone.localdate().isoformat(),
        }  # fmt: skip
        answer = client.post("/requests/new/", typed)
        assert answer.status_code == 422
        assert "This hour has passed" in answer.content.decode()
