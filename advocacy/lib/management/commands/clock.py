"""The clock without Celery: for a machine without Redis, for operators, for tests."""

import signal
import threading
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import close_old_connections

from advocacy.lib import jobs


class Command(BaseCommand):
    help = (
        "Run the clock's jobs when they are due. Safe beside any other clock: a row for each job and slot decides who "
        "runs it. `--once` runs what is due now, `--list` only shows what there is."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="one tick, then end")
        parser.add_argument("--job", default="", metavar="NAME", help="only this job")
        parser.add_argument("--list", action="store_true", dest="listed", help="show the jobs and their periods")

    def handle(self, *args: Any, **options: Any) -> None:
        only = options["job"]
        if only and only not in {one.name for one in jobs.jobs()}:
            raise CommandError(f"There is no job {only}. See `manage.py clock --list`.")
        if options["listed"]:
            for one in jobs.jobs():
                self.stdout.write(f"{one.name:<50} every {one.every}")
            return
        if options["once"]:
            for name in jobs.tick(only=only):
                self.stdout.write(name)
            return
        over = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: over.set())
        self.stdout.write(f"The clock ticks every {settings.CLOCK_SECONDS:g} seconds. Ctrl-C ends it.")
        while not over.is_set():
            close_old_connections()
            try:
                jobs.tick(only=only)
            except Exception as problem:  # Postgres restarts, the network breaks: the next tick tries again
                self.stderr.write(f"This tick failed: {problem}")
            over.wait(settings.CLOCK_SECONDS)
