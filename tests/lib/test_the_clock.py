"""The clock: each slot of each job once, whoever ticks, and nothing lost when a runner dies (X8, design)."""

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, connections

from advocacy.lib import jobs
from advocacy.lib.models import JobRun

NOON = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
SECONDS = timedelta(seconds=1)

Work = Callable[..., Any]


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, jobs.Job]]:
    """An empty list of jobs, for this test only."""
    mine: dict[str, jobs.Job] = {}
    monkeypatch.setattr(jobs, "_jobs", mine)
    yield mine


class Counted:
    """A job's function that counts how often it ran."""

    def __init__(self, fails: int = 0) -> None:
        self.at: list[datetime] = []
        self.fails = fails

    def __call__(self, *, at: datetime) -> None:
        self.at.append(at)
        if len(self.at) <= self.fails:
            raise ValueError("the mail server said no")


def declare(work: Work, name: str = "tests.work", **period: Any) -> None:
    period.setdefault("every", timedelta(minutes=1))
    work.__module__ = "tests.jobs"
    jobs.job(name=name, **period)(work)


@pytest.mark.django_db
class TestASlot:
    def test_is_done_once_however_often_the_clock_ticks(self, registry: Any) -> None:
        declare(work := Counted())
        assert [jobs.tick(at=NOON + n * 10 * SECONDS) for n in range(6)] == [["tests.work"], [], [], [], [], []]
        assert jobs.tick(at=NOON + 60 * SECONDS) == ["tests.work"]
        assert work.at == [NOON, NOON + 60 * SECONDS]

    def test_missed_ones_are_not_made_up_for_because_a_job_finds_what_is_owed(self, registry: Any) -> None:
        declare(work := Counted())
        jobs.tick(at=NOON)
        jobs.tick(at=NOON + timedelta(hours=3))
        assert len(work.at) == 2

    def test_starts_at_its_hour(self, registry: Any) -> None:
        declare(work := Counted(), every=timedelta(days=1), offset=timedelta(hours=5))
        jobs.tick(at=NOON.replace(hour=4, minute=59))  # still yesterday's
        jobs.tick(at=NOON.replace(hour=5))
        jobs.tick(at=NOON.replace(hour=23))
        assert [at.hour for at in work.at] == [4, 5]

    def test_of_a_week_starts_on_monday(self, registry: Any) -> None:
        declare(Counted(), every=timedelta(weeks=1))
        assert registry["tests.work"].slot(NOON) == datetime(2026, 3, 9, tzinfo=UTC)


@pytest.mark.django_db
class TestWhatGoesWrong:
    def test_a_failing_job_leaves_the_others_alone_and_says_why(self, registry: Any) -> None:
        declare(Counted(fails=9), "a.fails")
        declare(work := Counted(), "b.works")
        assert jobs.tick(at=NOON) == ["a.fails", "b.works"]
        assert len(work.at) == 1
        assert "the mail server said no" in JobRun.objects.get(job="a.fails").error

    def test_a_failed_slot_is_tried_again_and_then_left(self, registry: Any) -> None:
        declare(work := Counted(fails=9))
        for _time in range(6):
            jobs.tick(at=NOON)
        assert len(work.at) == jobs.TRIES

    def test_a_slot_that_worked_at_the_second_try_is_done(self, registry: Any) -> None:
        declare(work := Counted(fails=1))
        for _time in range(6):
            jobs.tick(at=NOON)
        run = JobRun.objects.get()
        assert len(work.at) == 2
        assert (run.error, run.tries) == ("", 2)
        assert run.finished_at is not None

    def test_a_dead_runner_is_taken_over_and_a_living_one_is_not(self, registry: Any) -> None:
        declare(work := Counted())
        _left_running(seconds_without_a_sign=5)
        assert jobs.tick(at=NOON) == []
        _left_running(seconds_without_a_sign=21)
        assert jobs.tick(at=NOON) == ["tests.work"]
        assert len(work.at) == 1

    def test_a_slot_waits_while_the_one_before_still_runs(self, registry: Any) -> None:
        declare(Counted())
        _left_running(seconds_without_a_sign=5)
        assert jobs.tick(at=NOON + 60 * SECONDS) == []
        _left_running(seconds_without_a_sign=21)
        assert jobs.tick(at=NOON + 60 * SECONDS) == ["tests.work"]

    def test_two_jobs_cannot_share_a_name(self, registry: Any) -> None:
        declare(Counted())
        other = Counted()
        other.__module__ = "tests.others"
        with pytest.raises(ValueError, match=r"Two jobs are called tests\.work"):
            jobs.job(name="tests.work", every=SECONDS)(other)


def _left_running(*, seconds_without_a_sign: int) -> None:
    """A row as a runner leaves it that was killed, or is still at work."""
    JobRun.objects.all().delete()
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO lib_jobrun (job, slot, started_at, alive_at, tries, error) VALUES ('tests.work', %s, now(),"
            " clock_timestamp() - %s * interval '1 second', 1, '')",
            [NOON, seconds_without_a_sign],
        )


@pytest.mark.django_db(transaction=True)
class TestSeveralClocks:
    def race(self, take: Callable[[], object], clocks: int = 8) -> list[object]:
        gate = threading.Barrier(clocks)
        taken: list[object] = []

        def one() -> None:
            try:
                connection.ensure_connection()
                gate.wait()
                taken.append(take())
            finally:
                connections.close_all()

        threads = [threading.Thread(target=one) for _ in range(clocks)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        return [found for found in taken if found]

    def test_only_one_does_the_slot(self, registry: Any) -> None:
        declare(work := Counted())
        for minute in range(20):
            self.race(lambda minute=minute: jobs.tick(at=NOON + timedelta(minutes=minute)))  # type: ignore[misc]
        assert len(work.at) == 20
        assert JobRun.objects.count() == 20

    def test_without_the_unique_row_the_race_shows(self, registry: Any) -> None:
        """The control: looking first and writing then lets several through."""

        def careless() -> bool:
            if JobRun.objects.filter(job="tests.work", slot=NOON).exists():
                return False
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_sleep(0.01)")
            return True

        assert len(self.race(careless)) > 1


@pytest.mark.django_db
class TestTheCommand:
    def test_one_tick(self, registry: Any, capsys: pytest.CaptureFixture[str]) -> None:
        declare(work := Counted())
        call_command("clock", "--once")
        call_command("clock", "--once")
        assert capsys.readouterr().out.split() == ["tests.work"]
        assert len(work.at) == 1

    def test_an_unknown_job_is_named(self, registry: Any) -> None:
        with pytest.raises(CommandError, match=r"There is no job tests\.nothing"):
            call_command("clock", "--once", "--job", "tests.nothing")

    def test_the_list(self, capsys: pytest.CaptureFixture[str]) -> None:
        call_command("clock", "--list")
        assert "advocacy.lib.prune_runs" in capsys.readouterr().out


@pytest.mark.django_db
def test_old_slots_are_forgotten() -> None:
    for days in (1, 30):
        at = NOON - timedelta(days=days)
        JobRun.objects.create(job="tests.work", slot=at, started_at=at, alive_at=at, finished_at=at)
    jobs.prune_runs(at=NOON)
    assert [run.slot for run in JobRun.objects.all()] == [NOON - timedelta(days=1)]


class TestNudging:
    @pytest.mark.django_db
    def test_a_broker_that_is_away_breaks_nothing(self, django_capture_on_commit_callbacks: Any) -> None:
        class Task:
            name = "tests.task"

            def apply_async(self, **_options: Any) -> None:
                raise ConnectionError("no Redis")

        with django_capture_on_commit_callbacks(execute=True) as sent:
            jobs.nudge(Task())
        assert len(sent) == 1
