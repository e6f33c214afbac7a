"""The clock: apps declare in ``jobs.py`` what has to be done how often, and every slot is done by one clock only.

A job finds what is owed in Postgres and calls actions, so it may be killed, missed or run twice without harm; the row
``JobRun(job, slot)`` only keeps two clocks from doing the same work. Redis may be empty and the beat dead: the next
tick of any clock (Celery's, or ``manage.py clock``) finds the work.

::

    @job(every=timedelta(minutes=1))
    def release_held_seats(*, at: datetime) -> None: ...

    @job(every=timedelta(days=1), offset=timedelta(hours=5))  # at 05:00 UTC
    def recompute_scores(*, at: datetime) -> None: ...

A job should come back within about a minute and leave the rest to its next slot: the others wait behind it.
"""

import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol, TypeVar

import structlog
from django.db import connection, transaction
from django.utils import timezone

from advocacy.lib.models import JobRun

logger = structlog.get_logger(__name__)

HEARTBEAT = 5.0  # seconds between two signs of life of a job that takes longer
DEAD_AFTER = timedelta(seconds=20)  # without a sign of life its runner is taken for dead, and another may take over
TRIES = 3  # of one slot, when it fails or its runner dies
KEEP = timedelta(days=14)
EPOCH = datetime(2020, 1, 6, tzinfo=UTC)  # a Monday: weekly slots start on Mondays


class JobFunction(Protocol):
    def __call__(self, *, at: datetime) -> Any: ...


Function = TypeVar("Function", bound=Callable[..., Any])


@dataclass(frozen=True)
class Job:
    """Something the clock does once in each slot."""

    name: str
    every: timedelta
    offset: timedelta
    run: JobFunction

    def slot(self, at: datetime) -> datetime:
        """The start of the slot a moment lies in."""
        start = EPOCH + self.offset
        return start + (at - start) // self.every * self.every


_jobs: dict[str, Job] = {}


def job(*, every: timedelta, offset: timedelta = timedelta(0), name: str = "") -> Callable[[Function], Function]:
    """Declare a function as clock work; it is called with ``at``, once in each slot of the length ``every``."""
    if every < timedelta(seconds=1):
        raise ValueError("A job's period is at least a second.")

    def register(function: Function) -> Function:
        known_as = name or f"{function.__module__.removesuffix('.jobs')}.{function.__name__}"
        before = _jobs.get(known_as)
        if before is not None and getattr(before.run, "__module__", "") != function.__module__:
            raise ValueError(f"Two jobs are called {known_as}.")
        _jobs[known_as] = Job(known_as, every, offset, function)
        return function

    return register


def jobs() -> list[Job]:
    """All declared jobs, those with the shortest period first: they must not wait behind a daily one."""
    return sorted(_jobs.values(), key=lambda one: (one.every, one.name))


def tick(*, at: datetime | None = None, only: str = "") -> list[str]:
    """Run every job whose present slot nobody has done; returns the names of those run here."""
    moment = at or timezone.now()
    done = []
    for one in jobs():
        if only and one.name != only:
            continue
        run = _take(one, moment)
        if run is not None:
            _perform(one, run, moment)
            done.append(one.name)
    return done


def _take(one: Job, at: datetime) -> int | None:
    """The id of the row that makes this slot ours; None when it is done, or in good hands.

    Liveness goes by the database's clock: two machines need not agree on the time.
    """
    slot = one.slot(at)
    alive = "alive_at > clock_timestamp() - %(dead_after)s"
    values: dict[str, Any] = {"job": one.name, "slot": slot, "dead_after": DEAD_AFTER, "tries": TRIES}
    with connection.cursor() as cursor:
        # An earlier slot that still runs is not overtaken: the work would only be looked for twice.
        cursor.execute(
            f"SELECT 1 FROM lib_jobrun WHERE job = %(job)s AND finished_at IS NULL AND {alive} LIMIT 1",  # noqa: S608
            values,
        )
        if cursor.fetchone():
            return None
        cursor.execute(
            "INSERT INTO lib_jobrun AS run (job, slot, started_at, alive_at, tries, error)"
            " VALUES (%(job)s, %(slot)s, clock_timestamp(), clock_timestamp(), 1, '')"
            " ON CONFLICT (job, slot) DO UPDATE SET alive_at = clock_timestamp(), started_at = clock_timestamp(),"
            " finished_at = NULL, error = '', tries = run.tries + 1"
            # Taken again only when it failed, or when whoever had it shows no sign of life.
            " WHERE run.tries < %(tries)s AND (run.error <> '' OR (run.finished_at IS NULL"
            "   AND run.alive_at <= clock_timestamp() - %(dead_after)s))"
            " RETURNING id",
            values,
        )
        row = cursor.fetchone()
    return int(row[0]) if row else None


def _perform(one: Job, run: int, at: datetime) -> None:
    error = ""
    with structlog.contextvars.bound_contextvars(job=one.name), _signs_of_life(run):
        try:
            one.run(at=at)
        except Exception as problem:  # one job's fault must not stop the others
            logger.exception("job_failed", job=one.name)
            error = "".join(traceback.format_exception(problem))[-4000:]
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE lib_jobrun SET finished_at = clock_timestamp(), alive_at = clock_timestamp(), error = %s"
            " WHERE id = %s",
            [error, run],
        )


@contextmanager
def _signs_of_life(run: int) -> Iterator[None]:
    """While a job runs longer than a few seconds, say on a connection of its own that its runner lives."""
    over = threading.Event()

    def beat() -> None:
        try:
            while not over.wait(HEARTBEAT):
                with connection.cursor() as cursor:
                    cursor.execute("UPDATE lib_jobrun SET alive_at = clock_timestamp() WHERE id = %s", [run])
        except Exception:  # without the sign another clock may run the job as well, which is harmless
            logger.warning("job_heartbeat_failed", exc_info=True)
        finally:
            connection.close()

    thread = threading.Thread(target=beat, name="job-heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(timeout=HEARTBEAT)


def nudge(task: Any, *arguments: Any) -> None:
    """Send a Celery task once the transaction has committed; a lost one costs time only, never work.

    A broker that is away must not turn an action that has succeeded into an error: the clock finds what is owed.
    """

    def send() -> None:
        try:
            task.apply_async(args=arguments, retry=False)
        except Exception as problem:
            logger.warning("nudge_lost", task=getattr(task, "name", str(task)), reason=str(problem))

    transaction.on_commit(send)


@job(every=timedelta(hours=6))
def prune_runs(*, at: datetime) -> None:
    """Forget old slots."""
    JobRun.objects.filter(slot__lt=at - KEEP).delete()
