"""What is asked of every message right before it leaves: consent, suppression, erasure, a run that is held, the cap.

Gates are written with the ORM but asked inside the one statement that marks a message as being sent, so nothing can
come between the question and the deed. Apps register their own from ``mails.py``.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any

from django.db import connection
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from advocacy.crm.models import ConsentState, Contact, RecordedBasis
from advocacy.delivery.models import Batch, Message, Suppression
from advocacy.delivery.rendering import zone_of

SIGN_IN = "sign_in"
"""Kinds of mail that begin so are about signing in: past consent, cap and suppression."""

AT = datetime(1111, 11, 11, tzinfo=UTC)
TODAY = datetime(1111, 11, 12, tzinfo=UTC)
MESSAGE = -1111
"""Stand-ins that the statement, compiled once, is bound to each message with."""


@dataclass(frozen=True)
class Gate:
    """``opens(at)`` is true for messages that may go. Others become ``outcome``, with ``reason`` on record."""

    name: str
    opens: Callable[[datetime], Any]
    reason: Any
    outcome: str  # a status of Message: suppressed, cancelled, or due (later)


def _in_force(*, at: datetime) -> Q:
    return Q(given=True) & (Q(expires_at__isnull=True) | Q(expires_at__gt=at))


def _consents(at: datetime) -> Any:
    given = ConsentState.objects.filter(_in_force(at=at), contact=OuterRef("contact"), purpose=OuterRef("purpose"))
    recorded = RecordedBasis.objects.filter(
        contact=OuterRef("contact"), purpose=OuterRef("basis"), ended_at__isnull=True
    )
    return Q(purpose="", basis="") | (~Q(purpose="") & Exists(given)) | (~Q(basis="") & Exists(recorded))


def _reachable(at: datetime) -> Any:
    regained = ConsentState.objects.filter(
        _in_force(at=at),
        contact=OuterRef(OuterRef("contact")),
        purpose=OuterRef(OuterRef("purpose")),
        entry__at__gt=OuterRef("at"),  # a yes that came later than the no
    )
    against = Suppression.objects.alias(address=Lower("email")).filter(address=Lower(OuterRef("to_email")))
    everything = against.filter(kind="*").exclude(reason="unsubscribed")
    left_all = against.filter(kind="*", reason="unsubscribed").exclude(Exists(regained))
    left_kind = against.filter(kind__in=[OuterRef("purpose"), OuterRef("basis"), OuterRef("kind")]).exclude(
        Exists(regained)
    )
    return Q(kind__startswith=SIGN_IN) | ~Exists(everything) & (Q(purpose="", basis="") | ~Exists(left_all)) & ~Exists(
        left_kind
    )


def _there(at: datetime) -> Any:
    gone = Contact.objects.filter(pk=OuterRef("contact")).filter(Q(erased_at__isnull=False) | Q(left_on__lte=at))
    return Q(contact__isnull=True) | ~Exists(gone)


def _not_held(status: str) -> Callable[[datetime], Any]:
    def opens(at: datetime) -> Any:
        return Q(batch="") | ~Exists(Batch.objects.filter(key=OuterRef("batch"), status=status))

    return opens


def _under_cap(most: int) -> Callable[[datetime], Any]:
    def opens(at: datetime) -> Any:
        today = Message.objects.filter(
            contact=OuterRef("contact"),
            counts=True,
            status__in=[Message.Status.SENT, Message.Status.SENDING, Message.Status.IN_DOUBT],
            sending_since__gte=TODAY,
        )
        return Q(counts=False) | Q(contact__isnull=True) | ~Exists(today[most - 1 : most])

    return opens


_GATES: list[Gate] = [
    Gate("stopped", _not_held(Batch.Status.STOPPED), _("The run it belongs to was stopped."), "cancelled"),
    Gate("erased", _there, _("The person has left the customer, or was erased."), "cancelled"),
    Gate("consent", _consents, _("There is no consent for this kind of mail, nor another basis."), "suppressed"),
    Gate(
        "suppression", _reachable, _("The address has left this kind of mail, or cannot be written to."), "suppressed"
    ),
]
_PAUSED = Gate("paused", _not_held(Batch.Status.PAUSED), _("The run it belongs to is paused."), "due")


def register(gate: Gate) -> None:
    """Add a gate of an app; all open gates together let a message out."""
    _GATES[:] = [*(one for one in _GATES if one.name != gate.name), gate]
    compiled.cache_clear()


def gates(cap: int) -> Iterable[Gate]:
    """All gates in the order their reasons are told; ``cap`` 0 means no daily cap."""
    yield from _GATES
    yield _PAUSED
    if cap:
        yield Gate("cap", _under_cap(cap), _("It waits for tomorrow: enough mail for one day."), "due")


@lru_cache(maxsize=8)
def compiled(cap: int) -> tuple[str, tuple[Any, ...]]:
    """``SELECT … FROM message WHERE id = … AND every gate opens``, as SQL with the stand-ins above among its values."""
    rows = Message.objects.filter(pk=MESSAGE)
    for gate in gates(cap):
        rows = rows.filter(gate.opens(AT))
    return _sql(rows)


def bound(cap: int, *, message: int, at: datetime, today: datetime) -> tuple[str, list[Any]]:
    """The compiled question for one message, at this moment; ``today`` is when the reader's day began."""
    sql, params = compiled(cap)
    return sql, _bind(params, message=message, at=at, today=today)


def closed(message: Message, *, cap: int, at: datetime, today: datetime) -> Gate | None:
    """The first gate that does not let this message out; None when all do. Asked only after a refusal, to say why."""
    for gate in gates(cap):
        sql, params = _sql(Message.objects.filter(pk=MESSAGE).filter(gate.opens(AT)))
        with connection.cursor() as cursor:
            cursor.execute(sql, _bind(params, message=message.pk, at=at, today=today))
            if cursor.fetchone() is None:
                return gate
    return None


def day_began(message: Message, at: datetime) -> datetime:
    """When the present day began on the reader's clock; the daily cap counts from there."""
    return at.astimezone(zone_of(message.time_zone)).replace(hour=0, minute=0, second=0, microsecond=0)


def _sql(rows: QuerySet[Message]) -> tuple[str, tuple[Any, ...]]:
    sql, params = rows.order_by().values("pk").query.get_compiler(connection=connection).as_sql()
    return sql, tuple(params)


def _bind(params: tuple[Any, ...], *, message: int, at: datetime, today: datetime) -> list[Any]:
    stand_ins: dict[Any, Any] = {AT: at, AT.date(): at.date(), TODAY: today, MESSAGE: message}
    return [stand_ins.get(value, value) if isinstance(value, (int, date)) else value for value in params]
