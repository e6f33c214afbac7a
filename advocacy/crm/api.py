"""Customer facts through the API: signals in, and what came in to read (P16, X5)."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal, get_args

from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l
from ninja import Query, Router, Schema
from pydantic import AfterValidator, AwareDatetime, ConfigDict, Field, model_validator

from advocacy.crm import derived, hearing
from advocacy.crm.api_records import add_to
from advocacy.crm.catalogue import SIGNAL_KINDS
from advocacy.crm.importing.direct import Fate, bring
from advocacy.crm.importing.kinds import kind_of
from advocacy.crm.models import Signal
from advocacy.lib.endpoints import Problem, needs
from advocacy.lib.paging import page_by_key, place

router = Router(tags=["Signals"])

MOST_SIGNALS = 1000
ORDER = ["received_at", "pk"]
RESERVED = frozenset({derived.SOURCE, hearing.SOURCE})
"""Sources that are the portal's own: nobody else speaks in their name."""


def _plain(text: str) -> str:
    text = text.strip()
    if any(ord(one) < 32 or ord(one) == 127 for one in text):
        raise ValueError(_("No control characters, please."))
    return text


def _known(slug: str) -> str:
    if slug not in SIGNAL_KINDS:
        raise ValueError(_("No such signal. There are: %(known)s.") % {"known": ", ".join(sorted(SIGNAL_KINDS))})
    return slug


Text = Annotated[str, AfterValidator(_plain), Field(min_length=1, max_length=200)]
Kind = Annotated[Text, AfterValidator(_known)]


class ProblemOut(Schema):
    """Problem details (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[dict[str, Any]] = []


class SignalIn(Schema):
    """Something that happened in a customer's life. Name its account or its contact, each in one way."""

    model_config = ConfigDict(extra="forbid")

    kind: Kind = Field(description="One of the catalogue, such as onboarding_closed or nps.")
    occurred_at: AwareDatetime = Field(description="With its offset: 2026-03-10T09:30:00+01:00.")
    id: Text | None = Field(None, description="Its id in your system. The same id again corrects it.")
    occurrence: Text | None = Field(None, description="Which one of its kind; rules fire once for each. Its id else.")
    value: Decimal | None = Field(None, description="For nps 0 to 10, for csat 1 to 5.")
    account: Text | None = Field(None, description="The account's id in your system.")
    account_domain: Text | None = Field(None, description="Or its web domain.")
    contact: Text | None = Field(None, description="The person's id in your system.")
    contact_email: Text | None = Field(None, description="Or their e-mail address.")

    @model_validator(mode="after")
    def one_way_each(self) -> "SignalIn":
        if self.account and self.account_domain:
            raise ValueError(_("Name the account by its id or by its domain, not by both."))
        if self.contact and self.contact_email:
            raise ValueError(_("Name the person by their id or by their e-mail address, not by both."))
        if not (self.account or self.account_domain or self.contact or self.contact_email):
            raise ValueError(_("Say whom it is about: an account or a contact."))
        return self

    def cells(self) -> dict[str, str]:
        """The row an import would read."""
        told = {
            "external_id": self.id, "kind": self.kind, "occurred_at": self.occurred_at.astimezone(UTC).isoformat(),
            "occurrence": self.occurrence, "value": None if self.value is None else f"{self.value:f}",
            "account": self.account or self.account_domain, "contact": self.contact or self.contact_email,
        }  # fmt: skip
        return {name: text for name, text in told.items() if text is not None}

    @property
    def named_by(self) -> tuple[str, str]:
        """By what its account and its contact are named; empty where it names none."""
        account = "domain" if self.account_domain else "id" if self.account else ""
        return account, "email" if self.contact_email else "id" if self.contact else ""


class SignalsIn(Schema):
    """Up to a thousand signals of one system."""

    model_config = ConfigDict(extra="forbid")

    source: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_.-]{0,39}$")] = Field(
        "crm", description="The system the ids belong to; the same name as in its imports."
    )
    signals: Annotated[list[SignalIn], Field(min_length=1, max_length=MOST_SIGNALS)]


Result = Literal["created", "updated", "unchanged", "superseded", "refused"]


class FateOut(Schema):
    """What became of one row."""

    result: Result
    id: str
    reason: str = ""


class FatesOut(Schema):
    """How many were created, changed, as before and refused; and each one's fate, in the order they were sent."""

    created: int
    updated: int
    unchanged: int
    superseded: int
    refused: int
    results: list[FateOut]


PROBLEMS = {400: ProblemOut, 401: ProblemOut, 403: ProblemOut, 409: ProblemOut, 413: ProblemOut, 422: ProblemOut,
            429: ProblemOut}  # fmt: skip


@router.post("/signals", response={200: FatesOut, **PROBLEMS}, summary="Bring signals", by_alias=True)
@needs("signals:write", _l("bring signals"))
def bring_signals(request: HttpRequest, payload: SignalsIn) -> FatesOut:
    """Sound ones are kept and heeded by lifecycle rules, refused ones say why; sending them again changes nothing."""
    if payload.source in RESERVED:
        raise Problem(
            422, _("“%(source)s” is the portal's own name. Use that of your system.") % {"source": payload.source}
        )
    kind = kind_of("signals")
    assert kind is not None
    groups: dict[tuple[str, str], list[int]] = defaultdict(list)
    for number, one in enumerate(payload.signals):
        groups[one.named_by].append(number)
    fates: dict[int, Fate] = {}
    at = timezone.now()
    with transaction.atomic():
        for (account, contact), numbers in groups.items():
            through = {name: by for name, by in (("account", account), ("contact", contact)) if by not in {"", "id"}}
            rows = [payload.signals[number].cells() for number in numbers]
            told = bring(kind, rows, source=payload.source, through=through, at=at)
            fates.update(zip(numbers, told, strict=True))
    return answered([fates[number] for number in range(len(payload.signals))])


def answered(fates: Sequence[Fate]) -> FatesOut:
    """The fates of what was brought, counted."""
    results = [FateOut(**vars(fate)) for fate in fates]
    counts = {name: sum(one.result == name for one in results) for name in get_args(Result)}
    return FatesOut(**counts, results=results)


add_to(router, answer=FatesOut, answered=answered, problems=PROBLEMS)


class SignalOut(Schema):
    """A signal as it is on record."""

    id: str
    source: str
    kind: str
    occurrence: str
    occurred_at: datetime
    received_at: datetime
    value: Decimal | None
    account: str
    contact: str | None
    untrue_since: datetime | None = Field(
        None, description="Set where it was worked out from facts that were corrected later: it is no longer so."
    )

    @staticmethod
    def resolve_id(row: Signal) -> str:
        return row.external_id

    @staticmethod
    def resolve_account(row: Signal) -> str:
        return row.account.external_id

    @staticmethod
    def resolve_contact(row: Signal) -> str | None:
        return row.contact.external_id if row.contact else None


class Page(Schema):
    """One page, and the cursor of the next; empty on the last."""

    items: list[SignalOut]
    next: str


class Wanted(Schema):
    """Which signals."""

    kind: Kind | None = None
    account: Text | None = Field(None, description="An account's id.")
    received_after: AwareDatetime | None = None
    cursor: str = Field("", max_length=500)
    limit: int = Field(100, ge=1, le=500)


@router.get("/signals", response={200: Page, **PROBLEMS}, summary="Read signals")
@needs("signals:read", _l("read signals"))
def read_signals(request: HttpRequest, wanted: Query[Wanted]) -> dict[str, Any]:
    """In the order in which they came in."""
    rows = Signal.objects.select_related("account", "contact")
    if wanted.kind:
        rows = rows.filter(kind=wanted.kind)
    if wanted.account:
        rows = rows.filter(account__external_id=wanted.account)
    if wanted.received_after:
        rows = rows.filter(received_at__gt=wanted.received_after)
    if wanted.cursor and place(rows, ORDER, wanted.cursor) is None:
        raise Problem(422, _("That cursor is not one of ours. Send the “next” of a page as it came, or none."))
    page = page_by_key(rows, ORDER, {"after": wanted.cursor}, size=wanted.limit)
    return {"items": page.items, "next": page.next}
