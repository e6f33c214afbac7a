"""The sender: takes what is due from the outbox and hands it on, each message once.

Messages are taken in shares of a few hundred at most (``SKIP LOCKED``, ``leased_until``), so any number of senders work
side by side. Each message is marked as *sending* on its own, in the same statement that marks the one before it as
*sent* and that asks every gate; so a kill leaves at most one message in doubt, and nothing revoked a moment ago leaves.

* A lease that ran out while its message only waited goes back to *due*: it certainly did not go.
* One that ran out in *sending* becomes *in doubt*: a person settles it, it is never sent again by itself.
"""

import os
import secrets
import socket
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

import structlog
from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection, transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext as _
from psycopg2.extensions import AsIs

from advocacy.crm.models import Contact, Program
from advocacy.delivery import bundles, gates, mime, rendering
from advocacy.delivery.models import Message, Suppression
from advocacy.delivery.rendering import Rendered
from advocacy.delivery.transport import InDoubt, Never, NotNow, NotTaken, Problem, Transport, Unreachable, transport

logger = structlog.get_logger(__name__)

SHARE = 400
"""Making the mails of a share costs some queries, however many it has."""
FIRST_SHARE = 50
SECONDS_A_SHARE = 5.0
"""A share is as many messages as go out in about this time: a sign-in code never waits longer behind an edition."""
TRIES = 8
TRIES_OF_THE_LINE = 40
DATABASE_TRIES = 15
BEGINNING = 0x6D61696C  # the advisory lock of those who begin: “mail”
MORNING = 8  # the hour, on the reader's clock, at which mail beyond the daily cap goes on

Status = Message.Status


@dataclass(frozen=True)
class Sent:
    """A message the server has taken, not yet on record as sent."""

    pk: int
    said: str
    at: datetime


class Sender:
    """One sender. ``clock`` gives the time; ``out`` is the way mail takes."""

    def __init__(
        self,
        *,
        out: Transport | None = None,
        clock: Callable[[], datetime] = timezone.now,
        share: int = SHARE,
        lease: timedelta | None = None,
        stop: Callable[[], bool] = lambda: False,
    ) -> None:
        self.out = out or transport()
        self.clock = clock
        self.share = share
        self.lease = lease or timedelta(seconds=settings.MAIL_LEASE_SECONDS)
        # A slow mail server may take its time at each of the steps before a mail counts as in doubt.
        self.patience = self.lease + timedelta(seconds=4 * settings.EMAIL_TIMEOUT)
        self.stop = stop
        self.name = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"[:80]
        self.seconds_each = 0.0
        self.counts: Counter[str] = Counter()
        self.pending: Sent | None = None
        self.in_hand: list[Message] = []
        self.ahead: dict[int, Any] = {}
        self.statements = Statements()
        self._leased_until = self.clock()

    def begin(self, *, most: int) -> bool:
        """Take a first share, unless ``most`` senders are at work; two who ask at once ask one after the other."""
        at = self.clock()
        return_expired(at=at)
        if at_work(at=at) >= most or not anything_due(at=at):
            return False
        self.out.open()
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [BEGINNING])
            if at_work(at=self.clock()) < most:
                self.in_hand = self.take()
        return bool(self.in_hand)

    # --- A run --------------------------------------------------------------------------------------------------------
    def run(self, *, seconds: float = 0.0) -> Counter[str]:
        """Send until nothing is due, ``seconds`` have passed or ``stop`` says so; returns what became of how many."""
        ends = time.monotonic() + seconds if seconds else float("inf")
        before = self.counts.copy()
        return_expired(at=self.clock())
        try:
            while time.monotonic() < ends and not self.stop():
                if not self.send_a_share():
                    break
        except (DatabaseError, InterfaceError):
            self._hold_on_to_pending()
            raise
        finally:
            self.release()
        return self.counts - before

    def _hold_on_to_pending(self) -> None:
        """The database went away with a mail just sent: keep trying to put it on record, or it would be in doubt."""
        for _attempt in range(DATABASE_TRIES):
            if self.pending is None:
                return
            if not connection.in_atomic_block:
                connection.close()
            try:
                self._record_pending()
            except (DatabaseError, InterfaceError):
                time.sleep(1)

    def send_a_share(self) -> int:
        """Take one share and work it off; returns how many were taken. Raises ``Unreachable`` with nothing taken."""
        self._record_pending()
        if not self.in_hand and not Message.objects.ready(at=self.clock()).exists():
            return 0
        self.out.open()
        messages, self.in_hand = self.in_hand or self.take(), []
        if not messages:
            return 0
        began = time.monotonic()
        program = Program.current()
        for message in messages:
            if message.kind == bundles.KIND:
                bundles.ready(message, at=self.clock())
        words = rendering.render_many(messages)
        handled = 0
        for place, message in enumerate(messages):
            if self.stop():
                break
            if time.monotonic() - began > 2 * SECONDS_A_SHARE:  # the server has become slow: others first
                self.release()
                break
            self._renew()
            self.out.meanwhile = partial(self._look_ahead, messages[place + 1 : place + 2], words, program)
            try:
                self._one(message, words.get(message.pk), program)
            except Unreachable:
                self._record_pending()
                self.release()
                raise
            handled += 1
        self._record_pending()
        self.seconds_each = (time.monotonic() - began) / max(handled, 1)
        if self.stop():
            self.release()
        return len(messages)

    # --- Taking -------------------------------------------------------------------------------------------------------
    def take(self) -> list[Message]:
        """Lease the next share: single mails before runs, the longest due first."""
        at = self.clock()
        most = min(self.share, FIRST_SHARE)
        if self.seconds_each:
            most = max(5, min(self.share, int(SECONDS_A_SHARE / self.seconds_each)))
        with transaction.atomic():
            free = Message.objects.ready(at=at).select_for_update(skip_locked=True).order_by("due_at", "id")
            ids = list(free.filter(batch="").values_list("pk", flat=True)[:most])
            if len(ids) < most:
                runs = free.exclude(batch="")
                ids += list(runs.values_list("pk", flat=True)[: most - len(ids)])
            self._leased_until = at + self.lease
            Message.objects.filter(pk__in=ids, status=Status.DUE).update(
                status=Status.LEASED, leased_until=self._leased_until, leased_by=self.name
            )
        found = Message.objects.select_related("contact", "user").in_bulk(ids)
        return [found[pk] for pk in ids if pk in found]

    def _renew(self) -> None:
        at = self.clock()
        if self._leased_until - at < self.lease / 2:
            self._leased_until = at + self.lease
            Message.objects.filter(leased_by=self.name, status=Status.LEASED).update(leased_until=self._leased_until)

    def release(self) -> None:
        """Give back what was taken and not touched."""
        Message.objects.filter(leased_by=self.name, status=Status.LEASED).update(
            status=Status.DUE, leased_until=None, leased_by=""
        )

    # --- One message --------------------------------------------------------------------------------------------------
    def _one(self, message: Message, words: Rendered | Exception | None, program: Program) -> None:
        if isinstance(words, rendering.Withheld):
            self._withheld(message, str(words))
            return
        mail = self.ahead.pop(message.pk, None) or self._made(message, words, program)
        if isinstance(mail, Exception):
            self._failed(message, _why(mail))
            return
        if not self._mark_sending(message, cap=program.mail_cap_a_day):
            self._not_let_out(message, cap=program.mail_cap_a_day)
            return
        try:
            said = self.out.send(mail)
        except Problem as problem:
            self._after_problem(message, problem)
            if isinstance(problem, Unreachable):
                raise
        except Exception as error:  # nothing was written yet, or the transport would have said so
            self._settle(message, Status.FAILED, _why(error))
        else:
            self.pending = Sent(message.pk, said[:480], self.clock())
            self.counts["sent"] += 1

    def _made(self, message: Message, words: Rendered | Exception | None, program: Program) -> Any:
        """The mail as the transport takes it, or what stands in its way: a poisoned message is its own misfortune."""
        if words is None:
            return rendering.CannotRender(_("Nobody rendered it."))
        if isinstance(words, Exception):
            return words
        try:
            return self.out.prepare(mime.build(message, words, program=program, at=self.clock()))
        except Exception as error:
            return error

    def _look_ahead(
        self, coming: Sequence[Message], words: Mapping[int, Rendered | Exception], program: Program
    ) -> None:
        """While the server takes a mail, make the next one; it is marked, and so may go, only in its own turn."""
        self.ahead = {one.pk: self._made(one, words.get(one.pk), program) for one in coming}

    def _mark_sending(self, message: Message, *, cap: int) -> bool:
        """One statement, one commit: the one before is on record as sent, and this one may go, or may not."""
        at = self.clock()
        values: dict[str, Any] = {
            "at": at, "patience": at + self.patience, "today": gates.day_began(message, at), "id": message.pk,
            "name": self.name,
        }  # fmt: skip
        if self.pending is not None:
            sent = self.pending
            values |= {"sent_at": sent.at, "said": sent.said, "sent_id": sent.pk}
        with connection.cursor() as cursor:
            self.statements.execute(cursor, _RECORD_AND_CLAIM if self.pending else _CLAIM, values, cap=cap)
            row = cursor.fetchone()
        self.pending = None
        if row is None:
            return False
        return not row[0] or not cap or self._still_under_cap(message, cap=cap, at=at)

    @transaction.atomic
    def _still_under_cap(self, message: Message, *, cap: int, at: datetime) -> bool:
        """Another sender has mail for the same person in hand: count again, one after the other, and give way."""
        Contact.objects.select_for_update().filter(pk=message.contact_id or 0).first()
        others = Message.objects.exclude(pk=message.pk).filter(
            contact=message.contact_id,
            counts=True,
            status__in=[Status.SENT, Status.SENDING, Status.IN_DOUBT],
            sending_since__gte=gates.day_began(message, at),
        )
        if others.count() < cap:
            return True
        Message.objects.filter(pk=message.pk, status=Status.SENDING, leased_by=self.name).update(status=Status.LEASED)
        return False

    def _record_pending(self) -> None:
        if self.pending is not None:
            sent = self.pending
            values: dict[str, Any] = {"sent_at": sent.at, "said": sent.said, "sent_id": sent.pk, "name": self.name}
            with connection.cursor() as cursor:
                cursor.execute(_RECORD_SENT, values)
            self.pending = None

    # --- What did not go ----------------------------------------------------------------------------------------------
    def _not_let_out(self, message: Message, *, cap: int) -> None:
        at = self.clock()
        mine = Message.objects.filter(pk=message.pk, status=Status.LEASED, leased_by=self.name)
        if not mine.exists():
            return  # the lease ran out, and another sender has it
        gate = gates.closed(message, cap=cap, at=at, today=gates.day_began(message, at))
        if gate is None:  # it has opened again since: let it come round once more
            mine.update(status=Status.DUE, leased_until=None, leased_by="")
        elif gate.outcome == Status.DUE:
            due_at = _tomorrow(message, at) if gate.name == "cap" else message.due_at
            waits = {"held_over": True} if gate.name == "cap" else {}
            mine.update(
                status=Status.DUE, leased_until=None, leased_by="", due_at=due_at, result=str(gate.reason), **waits
            )
            self.counts["later"] += 1
        else:
            mine.update(
                status=gate.outcome, leased_until=None, leased_by="", secret=None, result=str(gate.reason)[:480]
            )
            self.counts[gate.outcome] += 1

    def _after_problem(self, message: Message, problem: Problem) -> None:
        at, said = self.clock(), str(problem)
        if isinstance(problem, InDoubt):
            self._settle(message, Status.IN_DOUBT, said)
        elif isinstance(problem, Never):
            self._settle(message, Status.FAILED, said)
            if problem.bounced:
                suppress(message.to_email, "bounced", at=at, note=said)
        elif isinstance(problem, (NotTaken, Unreachable)):
            tries = message.attempts + 1
            if tries >= TRIES_OF_THE_LINE:  # always at this mail: then it is the mail
                self._settle(message, Status.FAILED, said)
            else:
                self._settle(message, Status.DUE, said, due_at=at + timedelta(seconds=15 * min(tries, 20)))
        else:
            assert isinstance(problem, NotNow)
            tries = message.attempts + 1
            if tries >= TRIES:
                self._settle(
                    message, Status.FAILED, _("Refused %(times)d times: %(said)s") % {"times": tries, "said": said}
                )
            else:
                self._settle(message, Status.DUE, said, due_at=at + timedelta(minutes=min(2**tries, 240)))

    def _settle(self, message: Message, status: str, said: str, *, due_at: datetime | None = None) -> None:
        self.counts["later" if status == Status.DUE else status] += 1
        Message.objects.filter(pk=message.pk, status=Status.SENDING, leased_by=self.name).update(
            status=status, leased_until=None, leased_by="", result=said[:480], due_at=due_at or F("due_at")
        )

    def _withheld(self, message: Message, why: str) -> None:
        self.counts[Status.SUPPRESSED] += 1
        Message.objects.filter(pk=message.pk, status=Status.LEASED, leased_by=self.name).update(
            status=Status.SUPPRESSED, leased_until=None, leased_by="", secret=None, result=why[:480]
        )

    def _failed(self, message: Message, why: str) -> None:
        self.counts["failed"] += 1
        Message.objects.filter(pk=message.pk, status=Status.LEASED, leased_by=self.name).update(
            status=Status.FAILED, leased_until=None, leased_by="", result=why
        )
        logger.error("mail_failed", message=message.pk, template=message.template, why=why)


_RECORD_SENT = """
    UPDATE delivery_message SET status = 'sent', sent_at = %(sent_at)s, result = %(said)s, secret = NULL,
        leased_until = NULL
    -- In doubt, too: the lease may have run out while the server took its time, but we know now.
    WHERE id = %(sent_id)s AND status IN ('sending', 'in_doubt') AND leased_by = %(name)s
"""
_CLAIM = """
    UPDATE delivery_message SET status = 'sending', sending_since = %(at)s, leased_until = %(patience)s,
        attempts = attempts + 1
    WHERE id = %(id)s AND status = 'leased' AND leased_by = %(name)s AND EXISTS ({gates})
    RETURNING counts AND contact_id IS NOT NULL AND EXISTS (
        SELECT 1 FROM delivery_message other
        WHERE other.contact_id = delivery_message.contact_id AND other.counts AND other.id <> delivery_message.id
            AND other.status IN ('leased', 'sending') AND other.leased_by <> %(name)s
    )
"""
_RECORD_AND_CLAIM = f"WITH before AS ({_RECORD_SENT}) {_CLAIM}"
_TYPES = {
    "at": "timestamptz", "patience": "timestamptz", "today": "timestamptz", "sent_at": "timestamptz", "id": "bigint",
    "sent_id": "bigint", "name": "varchar", "said": "varchar",
}  # fmt: skip


class Statements:
    """The sender's statements, prepared once for each connection: planning the gates takes longer than asking them.

    Behind a pooler that hands out another connection for each transaction nothing can be prepared; then they are sent
    whole.
    """

    def __init__(self) -> None:
        self.on: Any = None
        self.names: dict[tuple[str, int], tuple[str, list[str]]] = {}

    def execute(self, cursor: Any, statement: str, values: dict[str, Any], *, cap: int) -> None:
        if connection.settings_dict.get("DISABLE_SERVER_SIDE_CURSORS"):
            asked, gate_values = gates.bound(cap, message=values["id"], at=values["at"], today=values["today"])
            question = cursor.mogrify(asked, gate_values).decode()
            cursor.execute(statement.replace("{gates}", question.replace("%", "%%")), values)
            return
        if self.on is not connection.connection:  # a new connection knows nothing of what another had prepared
            self.on, self.names = connection.connection, {}
        if (statement, cap) not in self.names:
            self._prepare(cursor, statement, cap=cap)
        name, order = self.names[statement, cap]
        cursor.execute(f"EXECUTE {name} ({', '.join(['%s'] * len(order))})", [values[one] for one in order])

    def _prepare(self, cursor: Any, statement: str, *, cap: int) -> None:
        order = [name for name in _TYPES if f"%({name})s" in statement or name in {"id", "at", "today"}]
        places = {name: AsIs(f"${number}") for number, name in enumerate(order, start=1)}
        asked, gate_values = gates.compiled(cap)
        stand_ins = {gates.AT: places["at"], gates.TODAY: places["today"], gates.MESSAGE: places["id"]}
        stand_ins[gates.AT.date()] = AsIs(f"({places['at']} AT TIME ZONE 'UTC')::date")
        known = [stand_ins.get(value, value) if isinstance(value, (int, date)) else value for value in gate_values]
        question = cursor.mogrify(asked, known).decode()
        whole = cursor.mogrify(statement.replace("{gates}", question.replace("%", "%%")), places).decode()
        name = f"mail_{len(self.names)}_{secrets.token_hex(4)}"
        types = ", ".join(_TYPES[one] for one in order)
        cursor.execute(f"PREPARE {name} ({types}) AS {whole.replace('%', '%%')}", [])
        self.names[statement, cap] = name, order


# --- What any sender or clock does ------------------------------------------------------------------------------------
def return_expired(*, at: datetime) -> int:
    """Free what senders that are gone had taken; returns how many are now in doubt."""
    expired = Message.objects.filter(leased_until__lt=at)
    expired.filter(status=Status.LEASED).update(status=Status.DUE, leased_until=None, leased_by="")
    return expired.filter(status=Status.SENDING).update(
        status=Status.IN_DOUBT,
        leased_until=None,
        result=_("The sender ended while it was handing this mail over. It may have gone, or not."),
    )


def suppress(email: str, reason: str, *, at: datetime, kind: str = "*", note: str = "") -> None:
    """Nothing of this kind goes to this address any more. What a later yes cannot lift outweighs a wish to leave."""
    if reason != "unsubscribed":
        left = Suppression.objects.filter(email__iexact=email, kind=kind, reason="unsubscribed")
        left.update(reason=reason, at=at, note=note[:300])
    Suppression.objects.bulk_create(
        [Suppression(email=email.lower(), kind=kind, reason=reason, at=at, note=note[:300])], ignore_conflicts=True
    )


def at_work(*, at: datetime) -> int:
    """How many senders have mail in hand. One that was killed counts no longer than its lease would have lasted."""
    lease = timedelta(seconds=settings.MAIL_LEASE_SECONDS)
    waiting = Q(status=Status.LEASED, leased_until__gt=at)
    on_its_way = Q(status=Status.SENDING, leased_until__gt=at, sending_since__gt=at - lease)
    return Message.objects.filter(waiting | on_its_way).values("leased_by").distinct().count()


def anything_due(*, at: datetime) -> bool:
    """Whether a sender would find work."""
    return Message.objects.ready(at=at).exists()


def _tomorrow(message: Message, at: datetime) -> datetime:
    return (gates.day_began(message, at) + timedelta(days=1)).replace(hour=MORNING)


def _why(error: Exception) -> str:
    known = isinstance(error, (rendering.CannotRender, mime.BadAddress))
    return (str(error) if known else f"{type(error).__name__}: {error}")[:480]
