"""Long runs: ten thousand readers and twenty kills, a Postgres that crashes in mid-run, a mail server in every mood."""

import random
import time
from typing import Any

import pytest
from django.utils import timezone

from advocacy.delivery.models import Message, Suppression
from advocacy.local.postgres import Postgres
from tests.faults.plant import Portal, Sink, kill_postmaster, wait_until
from tests.faults.test_sender_killed import QUICK, all_settled, check, mine, owe_edition

pytestmark = [pytest.mark.fault, pytest.mark.soak]


class TestTenThousandReadersAndTwentyKills:
    @pytest.mark.parametrize("lot", [1, 2], ids=["once", "and once more"])
    def test_nobody_lost_nobody_twice(self, portal: Portal, sink: Sink, lot: int) -> None:
        owe_edition(10_000)
        sink.delay = 0.002
        drawn = random.Random(lot)
        senders = [portal.sender(**QUICK) for _number in range(2)]
        kills = 0
        while kills < 20:
            wait_until(lambda: mine(senders[0], "sending") or mine(senders[1], "sending"), 60, what="mail on its way")
            time.sleep(drawn.uniform(0.05, 1.0))
            assert not all_settled(), "the twenty kills fall into the run"
            victim = drawn.randrange(2)
            senders[victim].kill()
            kills += 1
            senders[victim] = portal.sender(**QUICK)
        wait_until(all_settled, 400, every=0.5, what="the rest to go out")
        check(sink, readers=10_000, kills=kills)
        ids = [mail.message_id for mail in sink.arrived]
        assert len(set(ids)) == len(ids)


class TestPostgresCrashesInMidRun:
    """Its first process is killed twice while mail goes out; the test works on it through commands."""

    READERS = 1_500

    def asked(self, portal: Portal, what: str) -> Any:
        line = portal.run(
            "shell", "-v", "0", "-c", f"from tests.faults.test_long_runs_of_mail import {what} as do; do()"
        )
        return line.strip().splitlines()[-1] if line.strip() else ""

    def test_the_run_goes_on_and_nobody_has_it_twice(
        self, portal_of_its_own: Portal, own_postgres: Postgres, sink: Sink
    ) -> None:
        portal, readers = portal_of_its_own, self.READERS
        self.asked(portal, "owe_it_there")
        sink.delay = 0.01
        for _crash in range(2):
            senders = [portal.sender(**QUICK) for _number in range(2)]
            before = len(sink.arrived)
            wait_until(lambda seen=before: len(sink.arrived) > seen + 100, 90, what="some mails")
            kill_postmaster(own_postgres)
            time.sleep(1)
            own_postgres.start()
            for sender in senders:
                sender.end()
        portal.sender(**QUICK)
        wait_until(lambda: self.asked(portal, "what_is_open_there") == "0", 240, every=2, what="the rest")
        sent, doubtful = map(int, self.asked(portal, "what_came_of_it_there").split())
        copies = sink.copies()
        assert sent + doubtful == readers
        assert max(copies.values()) == 1, "nobody has it twice"
        assert sent <= len(copies) <= sent + doubtful
        assert doubtful <= 4, "at most one for each crash and sender"


def owe_it_there() -> None:
    owe_edition(TestPostgresCrashesInMidRun.READERS)


def what_is_open_there() -> None:
    print(Message.objects.filter(status__in=["due", "leased", "sending"]).count())


def what_came_of_it_there() -> None:
    print(Message.objects.filter(status="sent").count(), Message.objects.filter(status="in_doubt").count())


class TestAMailServerInEveryMood:
    def test_each_answer_has_its_consequence_and_the_run_goes_on(self, portal: Portal, sink: Sink) -> None:
        """Unknown mailboxes, greylisting, a full disk for a while: whoever can have it has it once."""
        owe_edition(1_000)
        moods: dict[str, str] = {}
        for number in range(0, 1_000, 10):
            moods[f"reader{number}@customer.test"] = "550 5.1.1 no such mailbox"
        for number in range(1, 1_000, 10):
            moods[f"reader{number}@customer.test"] = "452 4.3.1 disk full"
        for number in range(2, 1_000, 10):
            moods[f"reader{number}@customer.test"] = "554 5.7.1 your words look like spam"
        sink.refuse = moods.get
        portal.sender(**QUICK)

        def tried() -> bool:
            waiting = Message.objects.filter(status="due", due_at__lte=timezone.now())
            return not waiting.exists() and not Message.objects.filter(status__in=["leased", "sending"]).exists()

        wait_until(tried, 120, every=0.2, what="everybody to be tried once")
        assert Message.objects.filter(status="sent").count() == 700
        assert Message.objects.filter(status="failed").count() == 200
        assert Message.objects.filter(status="due", result__contains="disk full").count() == 100
        # Only a mailbox that is not there is written to no more; words nobody liked say nothing of the address.
        assert Suppression.objects.filter(reason="bounced").count() == 100
        sink.refuse = lambda _recipient: None  # somebody has made room
        Message.objects.filter(status="due").update(due_at=timezone.now())
        wait_until(all_settled, 60, every=0.2, what="those that waited")
        assert Message.objects.filter(status="sent").count() == 800
        assert max(sink.copies().values()) == 1
