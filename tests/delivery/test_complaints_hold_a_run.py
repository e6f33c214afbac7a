"""A run that too many readers complain about holds itself, in mid-run too, until a person says what they found (N6)."""

import threading
import time
from datetime import timedelta
from itertools import count

import pytest
from anymail.signals import AnymailTrackingEvent, tracking
from django.db import connection, connections
from django.urls import reverse
from django.utils import timezone

from advocacy.crm.models import Program
from advocacy.delivery.models import Batch, MailEvent, Message, Notification
from advocacy.delivery.sender import Sender
from advocacy.users.models import Role
from newsletter.actions import editions as actions
from newsletter.models import Edition
from tests.delivery.conftest import KeepingTransport
from tests.factories import NOON, make_contact, make_opportunity, make_user

pytestmark = pytest.mark.django_db
_number = count(1)
RUN = "reviews:1"


def letters(number, *, batch=RUN, status="sent"):
    """Mail of a run, most of it sent long ago."""
    ines = make_contact("Ines")
    return Message.objects.bulk_create(
        Message(
            kind="note", dedupe_key=f"c{next(_number)}", template="advocates/thanks", contact=ines,
            to_email=f"reader{next(_number)}@customer.test", message_id=f"<{next(_number)}@portal.test>", batch=batch,
            status=status, due_at=NOON, sent_at=NOON if status == "sent" else None, counts=False,
        )
        for _one in range(number)
    )  # fmt: skip


def complain(message):
    event = AnymailTrackingEvent(
        event_type="complained", recipient=message.to_email, message_id=message.message_id, timestamp=NOON,
        event_id=f"e{message.pk}", reject_reason=None, mta_response=None, description=None, metadata={},
    )  # fmt: skip
    tracking.send(sender=None, event=event, esp_name="Postmark")


def state(key=RUN):
    return Batch.objects.filter(key=key).values_list("status", flat=True).first() or "running"


@pytest.fixture
def lena():
    return make_user("Lena", Role.LEAD)


class TestWhen:
    @pytest.mark.parametrize(
        ("sent", "complaints", "held"),
        [(999, 3, True), (1000, 3, True), (1001, 3, False), (1001, 4, True), (10, 2, False), (10, 3, True)],
    )
    def test_at_three_in_a_thousand_from_three_on(self, sent, complaints, held):
        gone = letters(sent)
        letters(5, status="due")
        for message in gone[:complaints]:
            complain(message)
        assert state() == ("paused" if held else "running")

    def test_one_reader_who_complains_three_times_is_one(self):
        gone, _due = letters(10), letters(5, status="due")
        for _time in range(3):
            complain(gone[0])
        MailEvent.objects.bulk_create(
            MailEvent(message=gone[0], event="complained", at=NOON, key=f"again{n}") for n in range(5)
        )
        complain(gone[1])
        assert state() == "running"

    def test_both_limits_are_settings(self, settings):
        settings.MAIL_COMPLAINT_SHARE, settings.MAIL_COMPLAINTS_AT_LEAST = 0.5, 1
        gone, _due = letters(3), letters(5, status="due")
        complain(gone[0])
        assert state() == "running"
        complain(gone[1])
        assert state() == "paused"

    def test_mail_that_is_no_run_is_never_held(self, owe):
        for message in letters(5, batch=""):
            complain(message)
        assert not Batch.objects.exists()


class TestWhoIsTold:
    def test_leads_in_the_portal_and_by_mail_once_with_what_to_do(self, lena):
        make_user("Sam", Role.REQUESTER)
        gone, _due = letters(10), letters(5, status="due")
        for message in gone[:5]:
            complain(message)
        news = Notification.objects.get(kind="run.held")
        assert news.user == lena
        assert "3 of 10 readers complained" in news.text and "Look at whom it went to" in news.text
        mail = Message.objects.get(kind="run_held")
        assert (mail.to_email, mail.counts, mail.purpose) == (lena.email, False, "")

    def test_of_a_run_that_has_gone_to_everybody_they_are_told_and_nothing_is_held(self, lena):
        for message in letters(10)[:6]:
            complain(message)
        assert state() == "running"
        assert "It has gone to everybody" in Notification.objects.get(kind="run.held").text


class TestGoingOn:
    @pytest.fixture
    def held(self, lena, client):
        gone = letters(10)
        letters(5, status="due")
        for message in gone[:3]:
            complain(message)
        client.force_login(lena)
        return gone

    def test_needs_a_person_who_says_what_they_found(self, held, lena, client):
        page = client.get(reverse("delivery:outbox")).content.decode()
        assert "On hold: Thanks" in page and 'name="note"' in page
        answer = client.post(reverse("delivery:go_on"), {"run": RUN, "note": "  "}, follow=True)
        assert "Write what you found" in answer.content.decode()
        assert state() == "paused"
        client.post(reverse("delivery:go_on"), {"run": RUN, "note": "A list of last year. I took it out."})
        batch = Batch.objects.get()
        assert (batch.status, batch.looked_by, batch.complaints_known) == ("running", lena, 3)
        assert batch.looked_note.startswith("A list of last year")
        assert "On hold" not in client.get(reverse("delivery:outbox")).content.decode()

    def test_holds_again_only_when_as_many_more_complain(self, held, lena, client):
        client.post(reverse("delivery:go_on"), {"run": RUN, "note": "Looked."})
        complain(held[3]), complain(held[4])
        assert state() == "running"
        complain(held[5])
        assert state() == "paused"
        assert Notification.objects.filter(kind="run.held", user=lena).count() == 2

    def test_is_for_those_who_settle_mail(self, held, client):
        client.force_login(make_user("Rita", Role.MANAGER))
        assert 'name="note"' not in client.get(reverse("delivery:outbox")).content.decode()
        assert client.post(reverse("delivery:go_on"), {"run": RUN, "note": "x"}).status_code == 403

    @pytest.mark.parametrize("run", ["", "reviews:2", "x" * 500, "edition:1"])
    def test_another_run_is_refused_with_a_sentence(self, held, client, run):
        answer = client.post(reverse("delivery:go_on"), {"run": run, "note": "x"}, follow=True)
        assert "not on hold any more" in answer.content.decode()


class TestAnEdition:
    @pytest.fixture
    def maya(self):
        return make_user("Maya", Role.MODERATOR)

    @pytest.fixture
    def edition(self, maya):
        from tests.faults.test_sender_killed import make_readers

        Program.current()
        make_opportunity("Webinar")
        make_readers(40)
        now = timezone.now()
        made = actions.draft(now.date() - timedelta(days=1), at=now)
        actions.approve(made, by=maya, at=now)
        made = actions.begin(Edition.objects.get(), at=now)
        while actions.queue_some(made, at=now):
            pass
        Message.objects.filter(batch=actions.batch_of(made)).update(due_at=now - timedelta(minutes=1))
        return made

    def complaining(self, edition, out, *, after):
        """Readers who complain the moment they have it: three of the first so many."""
        taken = []

        def answer(prepared):
            taken.append(prepared.to)
            if len(taken) == after:
                for address in taken[:3]:
                    complain(Message.objects.get(to_email=address))

        out.says = dict.fromkeys(
            Message.objects.filter(batch=actions.batch_of(edition)).values_list("to_email", flat=True), answer
        )

    def test_is_held_in_mid_run_and_goes_on_from_its_desk_with_a_word(self, edition, maya, lena, client):
        out = KeepingTransport()
        self.complaining(edition, out, after=10)
        Sender(out=out).run()
        assert len([mail for mail in out.mails if mail["List-Id"]]) == 10, (
            "the one in hand was on its way; not one more left"
        )
        edition.refresh_from_db()
        assert edition.status == "paused"
        told = set(Notification.objects.filter(kind="run.held").values_list("user", flat=True))
        assert told == {maya.pk, lena.pk}
        client.force_login(maya)
        page = reverse("newsletter:edit", args=[edition.public_id])
        assert Notification.objects.filter(kind="run.held").first().url == page
        text = client.get(page).content.decode()
        assert "On hold: readers complained" in text and "3 of 10 readers" in text
        resume = reverse("newsletter:decide", args=[edition.public_id, "resume"])
        assert "Write what you found" in client.post(resume, follow=True).content.decode()
        edition.refresh_from_db()
        assert (edition.status, state(actions.batch_of(edition))) == ("paused", "paused")
        client.post(resume, {"note": "The subject promised what was not in it."})
        edition.refresh_from_db()
        assert edition.status == "sending"
        out.says = {}
        Sender(out=out).run()
        assert len(out.mails) == 40 + Message.objects.filter(kind="run_held").count()
        assert Batch.objects.get().looked_by == maya

    def test_one_paused_by_hand_before_needs_the_word_as_well(self, edition, maya):
        out = KeepingTransport()
        Sender(out=out, share=5, stop=lambda: len(out.mails) >= 5).run()
        actions.pause(edition)
        for message in Message.objects.filter(status="sent")[:3]:
            complain(message)
        assert Batch.objects.get().held_for_complaints_at is not None

    def test_stopping_it_for_good_needs_no_word(self, edition):
        out = KeepingTransport()
        self.complaining(edition, out, after=5)
        Sender(out=out).run()
        actions.stop(Edition.objects.get(), at=timezone.now())
        Sender(out=out).run()
        assert len([mail for mail in out.mails if mail["List-Id"]]) == 5


@pytest.mark.django_db(transaction=True)
class TestWhileSeveralSendersRun:
    def test_each_stops_within_the_mail_it_has_in_hand(self, lena):
        waiting = letters(300, status="due")
        outs = [KeepingTransport() for _sender in range(3)]
        slow = dict.fromkeys((one.to_email for one in waiting), lambda _mail: time.sleep(0.005))
        for out in outs:
            out.says = slow

        def work(out):
            try:
                Sender(out=out, share=20).run()
            finally:
                connection.close()

        threads = [threading.Thread(target=work, args=(out,)) for out in outs]
        for thread in threads:
            thread.start()
        deadline = time.monotonic() + 60
        while sum(len(out.mails) for out in outs) < 30 and time.monotonic() < deadline:
            time.sleep(0.01)
        for message in Message.objects.filter(status="sent", batch=RUN)[:3]:
            complain(message)
        at_pause = sum(len(out.mails) for out in outs)
        for thread in threads:
            thread.join(60)
        ran = [mail for out in outs for mail in out.mails if mail["Subject"] != "Readers complained"]
        assert state() == "paused"
        assert len(ran) <= at_pause + len(outs) * 2
        left = Message.objects.filter(batch=RUN)
        assert left.filter(status="due").count() == 300 - len(ran)
        assert not left.filter(status__in=["leased", "sending", "in_doubt"]).exists()
        connections.close_all()
