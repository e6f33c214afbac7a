"""What an edition led to, counted from the raw rows: messages of its run, events of those, and claims on the board.

Nothing here decides anything. A person counts once however often they click; a claim counts when its opportunity was in
the edition, its reader claimed after their mail had gone, and within thirty days. It says what followed, not why.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from urllib.parse import urlsplit

from django.conf import settings
from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.db.models.functions import TruncDate
from django.urls import reverse
from django.utils import timezone

from advocacy.delivery.models import MailEvent, Message
from newsletter.actions.editions import batch_of
from newsletter.models import Edition, EditionItem
from opportunities.models import Claim

Event = MailEvent.Event
LEADS_TO = timedelta(days=30)
"""How long after a mail a claim counts as what it led to."""
BEFORE = 5
"""Editions one is compared with."""


@dataclass(frozen=True)
class Figures:
    """The figures of one edition. What is counted of people are people; ``clicks`` are clicks."""

    sent: int = 0
    delivered: int = 0
    opened: int = 0
    clicked: int = 0
    clicks: int = 0
    claims: int = 0
    claims_after_click: int = 0
    unsubscribed: int = 0
    bounced: int = 0
    complained: int = 0

    def share(self, number: int) -> float | None:
        """Of those it was sent to; None when it went to nobody."""
        return number / self.sent if self.sent else None

    @property
    def clicked_share(self) -> float | None:
        return self.share(self.clicked)

    @property
    def left_share(self) -> float | None:
        return self.share(self.unsubscribed)

    @property
    def complained_share(self) -> float | None:
        return self.share(self.complained)

    @property
    def bounced_share(self) -> float | None:
        return self.share(self.bounced)

    @property
    def opened_share(self) -> float | None:
        return self.share(self.opened)

    @property
    def delivered_share(self) -> float | None:
        return self.share(self.delivered)


@dataclass(frozen=True)
class Led:
    """One item, or a page without one: how many people went there, how often, and how many claimed it."""

    title: str
    path: str
    people: int
    clicks: int
    claims: int | None = None
    claims_after_click: int = 0
    item: EditionItem | None = None


# --- The raw rows -----------------------------------------------------------------------------------------------------
def mails(edition: Edition) -> "QuerySet[Message]":
    """What has gone to its readers."""
    return Message.objects.filter(batch=batch_of(edition), status=Message.Status.SENT)


def events(edition: Edition) -> "QuerySet[MailEvent]":
    """What happened to it since."""
    return MailEvent.objects.filter(message__batch=batch_of(edition), message__status=Message.Status.SENT)


def offered(edition: Edition) -> "QuerySet[EditionItem]":
    return edition.items.filter(dropped=False, opportunity__isnull=False)


def claims(edition: Edition) -> "QuerySet[Claim]":
    """What its readers claimed of it, with whether they had followed one of its links before."""
    theirs = mails(edition).filter(
        contact=OuterRef("advocate__contact"), sent_at__lt=OuterRef("claimed_at"),
        sent_at__gte=OuterRef("claimed_at") - LEADS_TO,
    )  # fmt: skip
    before = events(edition).filter(
        event=Event.CLICKED, message__contact=OuterRef("advocate__contact"), at__lte=OuterRef("claimed_at")
    )
    rows = Claim.objects.filter(Exists(theirs), opportunity__in=offered(edition).values("opportunity"))
    return rows.annotate(clicked=Exists(before))


# --- Figures ----------------------------------------------------------------------------------------------------------
def figures(edition: Edition) -> Figures:
    found = {
        row["event"]: row
        for row in events(edition)
        .values("event")
        .annotate(people=Count("message", distinct=True), rows=Count("pk"))
        .order_by()
    }
    people = {name: row["people"] for name, row in found.items()}
    claimed = claims(edition).aggregate(all=Count("pk"), after=Count("pk", filter=Q(clicked=True)))
    return Figures(
        sent=mails(edition).count(),
        delivered=people.get(Event.DELIVERED, 0),
        opened=people.get(Event.OPENED, 0),
        clicked=people.get(Event.CLICKED, 0),
        clicks=found[Event.CLICKED]["rows"] if Event.CLICKED in found else 0,
        claims=claimed["all"],
        claims_after_click=claimed["after"],
        unsubscribed=people.get(Event.UNSUBSCRIBED, 0),
        bounced=people.get(Event.BOUNCED, 0),
        complained=people.get(Event.COMPLAINED, 0),
    )


def path_of(link: str) -> str:
    """A page of ours as clicks know it; nothing for an address elsewhere."""
    if link.startswith(f"{settings.SITE_URL}/"):
        return link.removeprefix(settings.SITE_URL)
    return link if link.startswith("/") and not urlsplit(link).netloc else ""


def page_of(item: EditionItem) -> str:
    """Where an item leads in the portal; nothing when it leads nowhere, or elsewhere."""
    if item.opportunity is not None:
        return reverse("opportunities:opportunity", args=[item.opportunity.public_id])
    return path_of(item.link)


def by_item(edition: Edition) -> list[Led]:
    """What each item led to, in the edition's order; then the pages that are no item's, most visited first."""
    clicks = {
        row["path"]: row
        for row in events(edition)
        .filter(event=Event.CLICKED)
        .values("path")
        .annotate(people=Count("message", distinct=True), rows=Count("pk"))
        .order_by()
    }
    claimed = {
        row["opportunity"]: row
        for row in claims(edition)
        .values("opportunity")
        .annotate(all=Count("pk"), after=Count("pk", filter=Q(clicked=True)))
        .order_by()
    }
    led, shown = [], set()
    for item in edition.items.filter(dropped=False).select_related("opportunity").order_by("order", "pk"):
        path = page_of(item)
        row = clicks.get(path, {"people": 0, "rows": 0})
        shown.add(path)
        theirs = claimed.get(item.opportunity_id, {"all": 0, "after": 0}) if item.opportunity_id else None
        led.append(
            Led(
                item.title, path, row["people"], row["rows"],
                theirs["all"] if theirs else None, theirs["after"] if theirs else 0, item,
            )
        )  # fmt: skip
    rest = sorted((row for path, row in clicks.items() if path not in shown), key=lambda row: -row["rows"])
    return led + [Led("", row["path"], row["people"], row["rows"]) for row in rest]


def by_day(edition: Edition, *, until: datetime) -> list[tuple[date, int, int]]:
    """Clicks and claims of each day since the first mail went, on the clock of whoever looks, for thirty days."""
    first = mails(edition).order_by("sent_at").values_list("sent_at", flat=True).first()
    if first is None:
        return []
    begins = timezone.localtime(first).date()
    ends = min(timezone.localtime(until).date(), begins + LEADS_TO)
    clicks = _daily(events(edition).filter(event=Event.CLICKED), "at")
    claimed = _daily(claims(edition), "claimed_at")
    days = [begins + timedelta(days=number) for number in range((ends - begins).days + 1)]
    return [(day, clicks.get(day, 0), claimed.get(day, 0)) for day in days]


def _daily(rows: "QuerySet[MailEvent] | QuerySet[Claim]", field: str) -> dict[date, int]:
    grouped = rows.order_by().annotate(day=TruncDate(field)).values("day").annotate(n=Count("pk"))
    return dict(grouped.values_list("day", "n"))


def earlier(edition: Edition) -> Sequence[Edition]:
    """The editions that went before this one, newest first."""
    gone = [Edition.Status.SENDING, Edition.Status.PAUSED, Edition.Status.SENT, Edition.Status.STOPPED]
    return list(Edition.objects.filter(slot__lt=edition.slot, status__in=gone).order_by("-slot")[:BEFORE])
