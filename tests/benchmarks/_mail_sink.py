"""A local SMTP server (aiosmtpd) in a process of its own that takes everything and can say what it took.

Prints its port, then answers each line on its input with a JSON line: the mails since the last, by recipient, and one
of them whole.
"""

import json
import sys
from collections import Counter
from typing import Any

from aiosmtpd.controller import Controller

from advocacy.local.processes import free_port


class Taking:
    """Counts mails by recipient and keeps the latest whole."""

    def __init__(self) -> None:
        self.copies: Counter[str] = Counter()
        self.latest = b""

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        self.copies.update(envelope.rcpt_tos)
        self.latest = envelope.content
        return "250 OK"


def main() -> None:
    taking = Taking()
    port = free_port()
    controller = Controller(taking, hostname="127.0.0.1", port=port, data_size_limit=20_000_000)
    controller.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    for _line in sys.stdin:
        said = {
            "mails": sum(taking.copies.values()),
            "recipients": len(taking.copies),
            "most": max(taking.copies.values(), default=0),
            "latest": taking.latest.decode("utf-8", "replace"),
        }
        taking.copies.clear()
        sys.stdout.write(json.dumps(said) + "\n")
        sys.stdout.flush()
    controller.stop()


if __name__ == "__main__":
    main()
