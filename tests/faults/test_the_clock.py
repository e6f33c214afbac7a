"""The clock goes on whatever is lost: Redis emptied, Redis gone for a while, a worker or the beat killed, Postgres."""

from datetime import timedelta

import pytest
from django.utils import timezone
from kombu import Connection

from advocacy.delivery import outbox
from advocacy.delivery.models import Message
from advocacy.delivery.tasks import send_due
from advocacy.lib.jobs import jobs
from advocacy.lib.models import JobRun
from advocacy.local.postgres import Postgres
from advocacy.local.valkey import Valkey
from tests.faults.plant import Portal, Process, Sink, kill_postmaster, wait_until

pytestmark = pytest.mark.fault


def ticks(worker: Process) -> int:
    return sum("advocacy.clock.tick" in line and "succeeded" in line for line in worker.output.splitlines())


def goes_on(worker: Process, *, beyond: int = 2) -> None:
    before = ticks(worker)
    wait_until(lambda: ticks(worker) >= before + beyond, 30, every=0.1, what="ticks")


class TestLosingRedis:
    def test_emptied_the_next_tick_comes_all_the_same(self, portal: Portal, own_valkey: Valkey) -> None:
        worker = portal.worker()
        portal.beat(CLOCK_SECONDS="1")
        goes_on(worker)
        for _time in range(3):
            own_valkey.client().flushall()
            goes_on(worker)
        assert JobRun.objects.filter(finished_at__isnull=False).exists()

    def test_killed_and_started_again_worker_and_beat_find_it(self, portal: Portal, own_valkey: Valkey) -> None:
        worker = portal.worker()
        beat = portal.beat(CLOCK_SECONDS="1")
        goes_on(worker)
        own_valkey.kill()
        own_valkey.start()
        goes_on(worker)
        assert worker.lives()
        assert beat.lives()


class TestALargeMailing:
    def test_leaves_the_clock_its_turn(self, portal: Portal, sink: Sink) -> None:
        now = timezone.now()
        for number in range(600):
            outbox.owe(
                "note", to=f"p{number}@customer.test", template="account/unknown_account", dedupe_key=str(number),
                at=now, due_at=now + timedelta(days=1),
            )  # fmt: skip
        Message.objects.update(due_at=now)
        sink.delay = 0.05
        worker = portal.worker(concurrency=2)
        portal.beat(CLOCK_SECONDS="1")
        with Connection(portal.environment["REDIS_URL"]) as broker:
            for _nudge in range(8):
                send_due.apply_async(connection=broker)
        wait_until(lambda: len(sink.arrived) > 10, 30, what="the first mails")
        goes_on(worker, beyond=6)
        assert Message.objects.filter(status="due").exists(), "it is still on its way"


class TestLosingAProcess:
    def test_a_killed_beat_is_replaced_by_any_other_clock(self, portal: Portal) -> None:
        portal.beat(CLOCK_SECONDS="1").kill()
        portal.clock(CLOCK_SECONDS="0.2")
        wait_until(lambda: JobRun.objects.filter(finished_at__isnull=False).count(), 30, what="a job run")

    def test_two_clocks_do_each_slot_once(self, portal: Portal) -> None:
        clocks = [portal.clock(CLOCK_SECONDS="0.05") for _ in range(2)]
        wait_until(lambda: JobRun.objects.filter(finished_at__isnull=False).count() >= len(jobs()), 40, what="all jobs")
        assert all(clock.lives() for clock in clocks)
        assert [clock.end() for clock in clocks] == [0, 0]
        runs = list(JobRun.objects.all())
        assert len({(run.job, run.slot) for run in runs}) == len(runs)
        assert {run.tries for run in runs} == {1}

    def test_postgres_killed_the_clock_waits_and_goes_on(
        self, portal_of_its_own: Portal, own_postgres: Postgres
    ) -> None:
        clock = portal_of_its_own.clock(CLOCK_SECONDS="0.2")

        def runs() -> int:
            database = own_postgres.connect("portal")
            with database.cursor() as cursor:
                cursor.execute("SELECT count(*) FROM lib_jobrun WHERE finished_at IS NOT NULL")
                found = int(cursor.fetchone()[0])
            database.close()
            return found

        wait_until(runs, 30, what="a job run")
        kill_postmaster(own_postgres)
        wait_until(lambda: "This tick failed" in clock.output, 30, what="a failed tick")
        own_postgres.start()
        before = runs()
        wait_until(lambda: runs() > before, 40, every=0.2, what="the next slot")
        assert clock.lives()
