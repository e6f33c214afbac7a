"""Valkey emptied, killed or away while an edition is being sent: Postgres knows what is owed, the clock finds it."""

import time

import pytest

from advocacy.delivery.models import Message
from advocacy.local.valkey import Valkey
from tests.faults.plant import Portal, Sink, wait_until
from tests.faults.test_sender_killed import all_settled, check, owe_edition

pytestmark = pytest.mark.fault

CLOCK = {"CLOCK_SECONDS": "15"}


class TestEmptiedInMidSend:
    def test_the_last_message_leaves_within_a_minute(self, portal: Portal, own_valkey: Valkey, sink: Sink) -> None:
        """The whole plant as in production: web's nudges lost, a worker, the beat with its period of 15 s."""
        sink.delay = 0.02
        owe_edition(800)
        worker = portal.worker()
        portal.beat(**CLOCK)
        wait_until(lambda: len(sink.arrived) > 50, 40, what="mail on its way")
        assert not all_settled(), "emptied in mid-send"
        own_valkey.client().flushall()
        emptied = time.monotonic()
        wait_until(all_settled, 60, every=0.1, what="the last message")
        assert time.monotonic() - emptied < 60
        check(sink, readers=800, kills=0)
        assert worker.lives()

    @pytest.mark.soak
    def test_with_every_nudge_lost_and_the_worker_killed_too(
        self, portal: Portal, own_valkey: Valkey, sink: Sink
    ) -> None:
        """Nothing in Redis, nobody at work: the next tick finds the rest, and what the dead one held."""
        sink.delay = 0.02
        owe_edition(500)
        worker = portal.worker()
        portal.beat(**CLOCK)
        wait_until(lambda: len(sink.arrived) > 50, 40, what="mail on its way")
        worker.kill()
        own_valkey.client().flushall()
        emptied = time.monotonic()
        portal.worker()
        wait_until(
            lambda: not Message.objects.filter(status__in=["due", "leased"]).exists(), 75, every=0.1,
            what="the last message",
        )  # fmt: skip
        assert time.monotonic() - emptied < 60
        Message.objects.filter(status="sending").update(status="in_doubt")  # its lease runs on: a matter of minutes
        check(sink, readers=500, kills=2)  # two processes of the worker may have been sending
