"""Senders killed while an edition goes to 2,000 readers: nobody lost, nobody twice, at most one in doubt for each."""

import random
import time
from datetime import timedelta
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from advocacy.crm.catalogue import Purpose
from advocacy.crm.models import Account, ConsentEntry, ConsentState, Contact, Program
from advocacy.delivery.models import Message
from advocacy.users.models import Role
from advocates.models import Advocate
from newsletter.actions import editions as actions
from newsletter.models import Edition
from tests.factories import make_opportunity, make_user
from tests.faults.plant import Portal, Process, Sink, wait_until

pytestmark = pytest.mark.fault

READERS = 2_000
QUICK = {"MAIL_LEASE_SECONDS": "3", "EMAIL_TIMEOUT": "2"}


def make_readers(number: int) -> None:
    """Members who want the newsletter, made in bulk."""
    now = timezone.now()
    accounts = Account.objects.bulk_create(
        [Account(source="t", external_id=f"a{i}", name=f"Account {i}", region="Europe") for i in range(20)]
    )
    contacts = Contact.objects.bulk_create(
        [
            Contact(
                source="t", external_id=f"c{i}", account=accounts[i % 20], given_name=f"Reader{i}", family_name="Test",
                email=f"reader{i}@customer.test", language="en", time_zone="UTC",
            )
            for i in range(number)
        ]
    )  # fmt: skip
    Advocate.objects.bulk_create(
        [Advocate(contact=contact, status=Advocate.Status.MEMBER, joined_at=now) for contact in contacts]
    )
    entries = ConsentEntry.objects.bulk_create(
        [
            ConsentEntry(
                contact=contact, purpose=Purpose.NEWSLETTER, given=True, wording="I agree.", at=now, source="t"
            )
            for contact in contacts
        ]
    )
    ConsentState.objects.bulk_create(
        [ConsentState(contact=entry.contact, purpose=entry.purpose, given=True, entry=entry) for entry in entries]
    )


def owe_edition(readers: int) -> Edition:
    """An edition with opportunities, approved, begun, and owed to every reader."""
    Program.current()
    make_readers(readers)
    for number in range(5):
        make_opportunity(f"Opportunity {number}")
    slot = timezone.now().date() - timedelta(days=1)
    edition = actions.draft(slot, at=timezone.now())
    actions.approve(edition, by=make_user("Mo", Role.MODERATOR), at=timezone.now())
    edition.refresh_from_db()
    actions.begin(edition, at=timezone.now())
    while actions.queue_some(edition, at=timezone.now()):
        pass
    messages = Message.objects.filter(batch=actions.batch_of(edition))
    messages.update(due_at=timezone.now() - timedelta(seconds=1))
    assert messages.count() == readers
    return edition


def mine(sender: Process, status: str) -> Any:
    return Message.objects.filter(status=status, leased_by__contains=f":{sender.pid}:")


def kill_in_mid_send(sender: Process, sink: Sink) -> None:
    """Kill it while the server has a mail in hand and has not answered; what it was sending is exactly one."""
    wait_until(lambda: sink.in_hand and mine(sender, "sending").exists(), 60, every=0.003, what="a mail in hand")
    sender.kill()
    assert mine(sender, "sending").count() == 1
    assert Message.objects.filter(status__in=["due", "leased"]).exists(), "killed before the end"


def all_settled() -> bool:
    return not Message.objects.filter(status__in=["due", "leased", "sending"]).exists()


def check(sink: Sink, *, readers: int, kills: int) -> None:
    sent = set(Message.objects.filter(status="sent").values_list("to_email", flat=True))
    doubtful = set(Message.objects.filter(status="in_doubt").values_list("to_email", flat=True))
    copies = sink.copies()
    assert len(sent) + len(doubtful) == readers, "every message came to an end"
    assert sent <= set(copies), "what is on record as sent has arrived: nobody is lost"
    assert max(copies.values()) == 1, "nobody has it twice"
    assert set(copies) <= sent | doubtful
    assert len(doubtful) <= kills, "at most one in doubt for each kill"


class TestTenKills:
    def test_nobody_lost_nobody_twice_at_most_one_in_doubt_each_and_shown(self, portal: Portal, sink: Sink) -> None:
        owe_edition(READERS)
        sink.delay = 0.02
        for _kill in range(10):
            kill_in_mid_send(portal.sender(**QUICK), sink)
            time.sleep(random.uniform(0.1, 0.6))  # the next one starts while the lease of the dead still holds
        last = portal.sender(**QUICK)
        wait_until(all_settled, 180, every=0.2, what="the rest to go out")
        check(sink, readers=READERS, kills=10)
        doubtful = list(Message.objects.in_doubt())
        assert len(doubtful) == 10, "each kill fell between the mail and its answer"

        # Shown to a person, and not sent again by itself: not later, not by another sender, not by the clock.
        lena = Client()
        lena.force_login(make_user("Lena", Role.LEAD))
        page = lena.get(reverse("delivery:outbox")).content.decode()
        assert all(message.to_name in page for message in doubtful)
        portal.run("sender", "--once", **QUICK)
        assert last.end() == 0
        check(sink, readers=READERS, kills=10)


@pytest.mark.soak
class TestManyKills:
    def test_three_senders_at_once_killed_whenever(self, portal: Portal, sink: Sink) -> None:
        """Also kills that fall on taking, rendering or putting on record, with others sending beside."""
        owe_edition(READERS)
        sink.delay = 0.01
        lot = random.Random(7)
        senders = [portal.sender(**QUICK) for _number in range(3)]
        kills = 0
        while not all_settled() and kills < 40:
            time.sleep(lot.uniform(0.5, 2.5))
            victim = lot.randrange(3)
            senders[victim].kill()
            kills += 1
            senders[victim] = portal.sender(**QUICK)
        wait_until(all_settled, 240, every=0.2, what="the rest to go out")
        check(sink, readers=READERS, kills=kills)


class TestSideBySide:
    def test_three_senders_share_an_edition_and_nobody_has_it_twice(self, portal: Portal, sink: Sink) -> None:
        owe_edition(600)
        sink.delay = 0.02
        senders = [portal.sender(**QUICK) for _number in range(3)]
        wait_until(all_settled, 120, every=0.2, what="the edition to go out")
        check(sink, readers=600, kills=0)
        assert len({mail.peer_port for mail in sink.arrived}) >= 2, "more than one sender had a part in it"
        assert [one.end() for one in senders] == [0, 0, 0]

    def test_an_ended_sender_leaves_nothing_in_doubt(self, portal: Portal, sink: Sink) -> None:
        """SIGTERM, as a deployment does it: it finishes the mail in hand and gives the rest back."""
        owe_edition(300)
        sink.delay = 0.02
        sender = portal.sender(**QUICK)
        wait_until(lambda: len(sink.arrived) > 30, 60, what="some mails")
        assert sender.end() == 0
        assert not Message.objects.filter(status__in=["leased", "sending", "in_doubt"]).exists()
        portal.run("sender", "--once", **QUICK)
        check(sink, readers=300, kills=0)


class TestPausedWhileItGoes:
    def test_it_stops_at_once_and_goes_on(self, portal: Portal, sink: Sink) -> None:
        edition = owe_edition(400)
        sink.delay = 0.02
        portal.sender(**QUICK)
        wait_until(lambda: len(sink.arrived) > 20, 60, what="some mails")
        actions.pause(edition)
        time.sleep(0.3)
        at_pause = len(sink.arrived)
        time.sleep(1.5)
        assert len(sink.arrived) <= at_pause + 1
        edition.refresh_from_db()
        actions.resume(edition)
        wait_until(all_settled, 60, every=0.2, what="the rest")
        check(sink, readers=400, kills=0)


class TestAMailServerThatComesAndGoes:
    def test_mail_waits_for_it(self, portal: Portal, sink: Sink) -> None:
        owe_edition(200)
        sink.delay = 0.005
        portal.sender(**QUICK)
        wait_until(lambda: len(sink.arrived) > 20, 60, what="some mails")
        port = sink._controller.port
        sink.stop()
        time.sleep(2)
        sink._controller = Controller(sink, hostname="127.0.0.1", port=port)
        sink._controller.start()
        # What the server had in hand when it went is in doubt; the rest waited.
        wait_until(
            lambda: not Message.objects.filter(status__in=["leased", "sending"]).exists()
            and not Message.objects.filter(status="due", due_at__lte=timezone.now()).exists(),
            90, every=0.2, what="the rest",
        )  # fmt: skip
        Message.objects.filter(status="due").update(due_at=timezone.now())
        wait_until(all_settled, 60, every=0.2, what="those that were tried when it went")
        check(sink, readers=200, kills=1)
