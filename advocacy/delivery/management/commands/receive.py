"""``manage.py receive < mail``: one mail from the mail server's pipe, where no provider's webhook brings it (P11)."""

import sys
from typing import Any

from anymail.inbound import AnymailInboundMessage
from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from advocacy.delivery.inbound import take

MOST_BYTES = 25_000_000


class Command(BaseCommand):
    """Exit code 0: it is kept, or is nothing to keep. Anything else: the mail server should try again."""

    help = "Takes one mail from standard input: a reply, or what a colleague put the portal in copy of."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--recipient", default="", help="The address it was delivered to, when no header says so.")

    def handle(self, *args: Any, **options: Any) -> None:
        raw = sys.stdin.buffer.read(MOST_BYTES)
        mail = AnymailInboundMessage.parse_raw_mime_bytes(raw)
        mail.envelope_recipient = options["recipient"] or None
        found = take(mail, at=timezone.now())
        self.stdout.write(f"kept: {found.subject}" if found else "nothing to keep: nobody wrote it")
