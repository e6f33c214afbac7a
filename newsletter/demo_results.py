"""What readers of the demo program did with their mail: it arrived, some followed a link, few of them left by it."""

import random
from datetime import datetime, timedelta

from advocacy.delivery import measuring
from advocacy.delivery.models import MailEvent, Message
from newsletter.models import Edition
from newsletter.results import page_of

ARRIVE, CLICK, GONE = 0.985, 0.34, 0.004
MOST_CLICKS = 3


def happened(edition: Edition, messages: list[Message], *, at: datetime) -> None:
    """Raw rows of an edition's first day. A lot of its own: the rest of the demo stays what it is."""
    lot = random.Random(f"edition {edition.slot}")  # noqa: S311
    items = edition.items.filter(dropped=False).select_related("opportunity").order_by("order", "pk")
    pages = [path for path in (page_of(item) for item in items) if path]
    measuring.link_numbers(pages)
    rows = []
    for message in messages:
        arrived = lot.random() < ARRIVE
        event = MailEvent.Event.DELIVERED if arrived else MailEvent.Event.BOUNCED
        if arrived or lot.random() < GONE:
            rows.append(_row(message, event, at + timedelta(seconds=lot.randint(2, 90)), source="Postmark"))
        if arrived and pages and lot.random() < CLICK:
            for number in range(lot.randint(1, MOST_CLICKS)):
                hours = lot.expovariate(1 / 4)  # most on the first morning, a few in the evening
                path = pages[min(int(lot.expovariate(1 / 2)), len(pages) - 1)]
                moment = at + timedelta(hours=min(hours, 15), seconds=number)
                rows.append(_row(message, MailEvent.Event.CLICKED, moment, path=path, number=number))
    MailEvent.objects.bulk_create(rows, ignore_conflicts=True)


def _row(
    message: Message, event: str, at: datetime, *, path: str = "", source: str = "portal", number: int = 0
) -> MailEvent:
    key = f"demo:{event}:{message.pk}:{number}"
    return MailEvent(message=message, event=event, at=at, path=path, source=source, key=key)
