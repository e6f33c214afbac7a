"""What is measured of the newsletter: who follows its links, who leaves by it, and what it led to (N7).

Openings are not among these: they say little, and nothing is decided by them.
"""

from typing import Any

from django.db.models import CharField, Count, Exists, FloatField, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Cast, Concat
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from advocacy.dashboards import registry
from advocacy.dashboards.filters import Filters
from advocacy.dashboards.links import link
from advocacy.dashboards.periods import Period
from advocacy.dashboards.registry import Column, Rows, Unit, measure
from advocacy.dashboards.sql import by_month
from advocacy.delivery.models import MailEvent, Message
from newsletter.models import EditionItem
from newsletter.results import LEADS_TO
from opportunities.models import Claim

HEEDS = ("region", "industry")
SEES_MAIL = "delivery.view_message"
MAIL_PAGE = link("delivery:message", "public_id")
EVENTS = "delivery.MailEvent"
Event = MailEvent.Event


def _sent(period: Period, filters: Filters) -> "QuerySet[Message]":
    rows = Message.objects.filter(period.holds("sent_at"), kind="newsletter", status=Message.Status.SENT)
    return filters.narrow(rows, region="contact__account__region", industry="contact__account__industry")


def _with(rows: "QuerySet[Message]", *events: str) -> "QuerySet[Message]":
    """Each with whether any of these happened to it."""
    return rows.annotate(did=Exists(MailEvent.objects.filter(message=OuterRef("pk"), event__in=events)))


def _mail_rows(rows: "QuerySet[Message]", did: Any) -> Rows:
    columns = [
        Column(gettext_lazy("Mail"), lambda row: row.about, link=MAIL_PAGE),
        Column(gettext_lazy("Reader"), lambda row: row.to_name, right=SEES_MAIL),
        Column(gettext_lazy("Account"), lambda row: row.contact.account.name if row.contact else ""),
        Column(gettext_lazy("Sent"), lambda row: row.sent_at, Unit.INSTANT),
        Column(did, lambda row: _("yes") if row.did else ""),
    ]
    return Rows(
        rows.select_related("contact__account"), columns, order=("-sent_at", "-pk"),
        what=gettext_lazy("mails of editions"),
    )  # fmt: skip


def _share(rows: "QuerySet[Message]", period: Period) -> registry.Value:
    those = Count("pk", filter=Q(did=True))
    sums = rows.aggregate(n=Count("pk"), those=those)
    rate = Cast(those, FloatField()) / Cast(Count("pk"), FloatField())
    return registry.Value(
        sums["those"] / sums["n"] if sums["n"] else None,
        sums["those"],
        sums["n"],
        n=sums["n"],
        months=lambda: by_month(rows, "sent_at", period, rate, empty=None),
    )


# --- Clicked ----------------------------------------------------------------------------------------------------------
def clicked_rows(period: Period, filters: Filters) -> Rows:
    return _mail_rows(_with(_sent(period, filters), Event.CLICKED), gettext_lazy("Clicked"))


@measure(
    "newsletter_clicked",
    name=gettext_lazy("Newsletter: followed a link"),
    unit=Unit.SHARE,
    better="up",
    chart="bars",
    order=60,
    definition=gettext_lazy(
        "Of the mails of editions that went out in the period, the share whose reader followed a link to one of our "
        "pages, by now. Scanners of mail servers follow links, too."
    ),
    numerator=gettext_lazy("Mails in which a link was followed"),
    denominator=gettext_lazy("Mails of editions sent in the period"),
    sources=("delivery.Message", EVENTS),
    rows=clicked_rows,
    heeds=HEEDS,
)
def newsletter_clicked(period: Period, filters: Filters) -> registry.Value:
    return _share(_with(_sent(period, filters), Event.CLICKED), period)


# --- Claimed ----------------------------------------------------------------------------------------------------------
def _claims(period: Period, filters: Filters) -> "QuerySet[Claim]":
    """Claims of what an edition had shown to this reader in the thirty days before."""
    key = Concat(Value("edition:"), Cast("edition_id", CharField()), output_field=CharField())
    shown = EditionItem.objects.filter(opportunity=OuterRef(OuterRef("opportunity")), dropped=False)
    mails = Message.objects.filter(
        kind="newsletter", status=Message.Status.SENT, contact=OuterRef("advocate__contact"),
        sent_at__lt=OuterRef("claimed_at"), sent_at__gte=OuterRef("claimed_at") - LEADS_TO,
        batch__in=shown.annotate(key=key).values("key"),
    )  # fmt: skip
    rows = Claim.objects.filter(period.holds("claimed_at")).filter(Exists(mails))
    return filters.narrow(
        rows, region="advocate__contact__account__region", industry="advocate__contact__account__industry"
    )


def claims_rows(period: Period, filters: Filters) -> Rows:
    columns = [
        Column(gettext_lazy("Opportunity"), lambda row: row.opportunity.title,
               link=link("opportunities:opportunity", "opportunity.public_id")),
        Column(gettext_lazy("Advocate"), lambda row: row.advocate.contact.full_name, right="advocates.view_advocate"),
        Column(gettext_lazy("Account"), lambda row: row.advocate.contact.account.name),
        Column(gettext_lazy("Claimed"), lambda row: row.claimed_at, Unit.INSTANT),
    ]  # fmt: skip
    wanted = _claims(period, filters).select_related("opportunity", "advocate__contact__account")
    return Rows(wanted, columns, order=("-claimed_at", "-pk"), what=gettext_lazy("claims"))


@measure(
    "newsletter_claims",
    name=gettext_lazy("Newsletter: claimed"),
    unit=Unit.COUNT,
    better="up",
    chart="bars",
    order=61,
    definition=gettext_lazy(
        "Opportunities claimed in the period by members to whom an edition that showed them had gone in the thirty "
        "days before. Each claim counts once. It says what followed, not what was caused."
    ),
    numerator=gettext_lazy("Claims of what an edition had shown within thirty days before"),
    sources=("opportunities.Claim", "delivery.Message", "newsletter.EditionItem"),
    rows=claims_rows,
    heeds=HEEDS,
    caution=gettext_lazy("Members see the same opportunities on the board."),
)
def newsletter_claims(period: Period, filters: Filters) -> registry.Value:
    found = _claims(period, filters)
    number = found.count()
    return registry.Value(number, number, n=number, months=lambda: by_month(found, "claimed_at", period))


# --- Left -------------------------------------------------------------------------------------------------------------
def left_rows(period: Period, filters: Filters) -> Rows:
    rows = _with(_sent(period, filters), Event.UNSUBSCRIBED, Event.COMPLAINED)
    return _mail_rows(rows, gettext_lazy("Left or complained"))


@measure(
    "newsletter_left",
    name=gettext_lazy("Newsletter: left by it"),
    unit=Unit.SHARE,
    better="down",
    chart="bars",
    order=62,
    definition=gettext_lazy(
        "Of the mails of editions that went out in the period, the share by which its reader unsubscribed, or "
        "complained to their mail provider."
    ),
    numerator=gettext_lazy("Mails whose reader unsubscribed or complained"),
    denominator=gettext_lazy("Mails of editions sent in the period"),
    sources=("delivery.Message", EVENTS),
    rows=left_rows,
    heeds=HEEDS,
)
def newsletter_left(period: Period, filters: Filters) -> registry.Value:
    return _share(_with(_sent(period, filters), Event.UNSUBSCRIBED, Event.COMPLAINED), period)
