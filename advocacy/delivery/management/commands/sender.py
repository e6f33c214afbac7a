"""A sender of its own, for those who send much: it needs Postgres and the mail server, nothing else."""

import signal
import time
from typing import Any

import structlog
from django.core.management.base import BaseCommand, CommandParser
from django.db import DatabaseError, InterfaceError, connection

from advocacy.delivery.sender import Sender
from advocacy.delivery.transport import Unreachable

logger = structlog.get_logger(__name__)

REST = 1.0
LONGEST_REST = 60.0


class Command(BaseCommand):
    help = "Send what the outbox owes, until stopped (several may run side by side). --once ends when nothing is due."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="end when nothing is due")

    def handle(self, *args: Any, **options: Any) -> None:
        self.stopped = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self.stop)
        one = Sender(stop=lambda: self.stopped)
        rest = REST
        while not self.stopped:
            try:
                one.run()
                rest = REST
            except Unreachable as problem:
                if options["once"]:
                    self.stderr.write(f"The mail server cannot be reached: {problem}")
                    raise SystemExit(1) from problem
                logger.warning("mail_server_unreachable", said=str(problem), again_in=rest)
                rest = min(rest * 2, LONGEST_REST)
            except (DatabaseError, InterfaceError) as problem:
                if options["once"]:
                    raise
                # What was sent and is not yet on record stays in hand, and is put there first.
                logger.warning("database_unreachable", said=str(problem).strip(), again_in=rest)
                connection.close()
                rest = min(rest * 2, LONGEST_REST)
            if options["once"]:
                break
            self.wait(rest)
        one.out.close()
        self.stdout.write(" ".join(f"{name}={number}" for name, number in sorted(one.counts.items())) or "nothing due")

    def stop(self, *_said: Any) -> None:
        self.stopped = True

    def wait(self, seconds: float) -> None:
        ends = time.monotonic() + seconds
        while not self.stopped and time.monotonic() < ends:
            time.sleep(min(0.2, max(ends - time.monotonic(), 0)))
