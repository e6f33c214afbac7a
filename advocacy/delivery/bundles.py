"""Mails that wait for another day go together then: one mail for each person (N10).

A mail beyond the daily cap is held over. Two or more that wait for the same mailbox become the parts of a *bundle*, one
message of its own. A part keeps its row, its words and its status, so whatever would have stopped it still does: every
gate is asked of each part right before the bundle is rendered, and what was cancelled meanwhile is not in it. Once the
bundle has ended, its parts end the same way.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import DatabaseError, transaction
from django.db.models import Count, F, Q
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from advocacy.crm.models import Contact
from advocacy.delivery import gates, outbox, rendering
from advocacy.delivery.models import Message
from advocacy.delivery.rendering import Rendered, Withheld, register_batch_renderer

KIND = "bundle"
TEMPLATE = "delivery/bundle"
AT_ONCE = 500
Status = Message.Status


def gather(*, at: datetime) -> int:
    """Put what waits for another day together; returns how many mails now go with others."""
    waiting = _waiting()
    joined, after = 0, 0
    while True:
        people = waiting.filter(contact__gt=after).values("contact").annotate(n=Count("pk")).order_by("contact")
        page = list(people.values_list("contact", "n")[:AT_ONCE])
        if not page:
            return joined
        after = page[-1][0]
        open_ones = set(_open(contacts=[one for one, _n in page]).values_list("contact", flat=True))
        for contact, number in page:
            if number > 1 or contact in open_ones:
                joined += _gather_for(contact, at=at)


def _waiting() -> Any:
    """What may go with others: no secrets, no calendar file, no mail that is many-in-one itself."""
    return (
        Message.objects.filter(status=Status.DUE, held_over=True, bundle=None, contact__isnull=False, secret=None)
        .exclude(kind=KIND)
        .exclude(params__has_key="calendar")
        .exclude(template__in=rendering.rendered_together())
    )


def _open(*, contacts: Sequence[int]) -> Any:
    return Message.objects.filter(kind=KIND, status=Status.DUE, contact__in=contacts)


@transaction.atomic
def _gather_for(contact: int, *, at: datetime) -> int:
    Contact.objects.select_for_update().get(pk=contact)
    waiting = _waiting().filter(contact=contact).select_for_update(of=("self",)).order_by("due_at", "pk")
    parts = list(waiting)
    whole = _open(contacts=[contact]).select_for_update().order_by("pk").first()
    if parts:
        parts = [one for one in parts if one.to_email == (whole or parts[0]).to_email]
    if not parts or (whole is None and len(parts) < 2):
        return 0
    if whole is None:
        first = parts[0]
        whole = Message.objects.create(
            kind=KIND, dedupe_key=f"{contact}:{first.pk}", template=TEMPLATE, contact=first.contact,
            to_email=first.to_email, to_name=first.to_name, language=first.language, time_zone=first.time_zone,
            purpose=first.purpose, basis=first.basis, message_id=outbox.new_message_id(), due_at=first.due_at,
            created_at=at,
        )  # fmt: skip
    return Message.objects.filter(pk__in=[one.pk for one in parts], status=Status.DUE).update(bundle=whole)


def ready(whole: Message, *, at: datetime) -> None:
    """Ask every gate of each part; what may not go ends here. The bundle stands for the first that may."""
    first: Message | None = None
    for part in _parts(whole):
        gate = gates.closed(part, cap=0, at=at, today=gates.day_began(part, at))
        mine = Message.objects.filter(pk=part.pk, status=Status.DUE)
        if gate is None and not _can_be_said(part, whole):
            mine.update(bundle=None, held_over=False)  # its own misfortune: it goes by itself, and fails by itself
        elif gate is None:
            first = first or part
        elif gate.outcome == Status.DUE:
            mine.update(bundle=None)  # its run is held: it waits by itself
        else:
            mine.update(status=gate.outcome, result=str(gate.reason)[:480])
    if first is not None and (first.purpose, first.basis) != (whole.purpose, whole.basis):
        whole.purpose, whole.basis = first.purpose, first.basis
        Message.objects.filter(pk=whole.pk).update(purpose=first.purpose, basis=first.basis)


def _can_be_said(part: Message, whole: Message) -> bool:
    try:
        with rendering.on_readers_clock(whole.language, whole.time_zone):
            rendering.render_part(part)
    except DatabaseError:
        raise
    except Exception:
        return False
    return True


def _parts(whole: Message) -> list[Message]:
    """The parts still in it; of a bundle that has gone, those that went."""
    status = Status.SENT if whole.status == Status.SENT else Status.DUE
    rows = Message.objects.filter(bundle=whole.pk, status__in={Status.DUE, status})
    return list(rows.select_related("contact", "user").order_by("due_at", "pk"))


def end_parts() -> int:
    """Bundles that have ended take their parts along; returns how many ended."""
    waiting = Message.objects.filter(bundle__isnull=False, status=Status.DUE)
    ended = 0
    for status, words in (
        (Status.SENT, _("It went in one mail with others.")),
        (Status.SUPPRESSED, ""),
        (Status.CANCELLED, ""),
    ):
        over = waiting.filter(bundle__status=status)
        for whole in Message.objects.filter(pk__in=over.values("bundle")).iterator():
            sent_at = whole.sent_at if status == Status.SENT else None
            ended += waiting.filter(bundle=whole).update(
                status=status, sent_at=sent_at, result=words or whole.result, attempts=F("attempts") + 1
            )
    return ended


# --- Its words --------------------------------------------------------------------------------------------------------
def render_bundles(messages: Sequence[Message]) -> Mapping[int, Rendered | Exception]:
    """The parts one below the other, each with its own heading and button."""
    return {whole.pk: _render(whole) for whole in messages}


def _render(whole: Message) -> Rendered | Exception:
    try:
        parts = _parts(whole)
        if not parts:
            return Withheld(_("Nothing of what it was to bring is left to say."))
        with rendering.on_readers_clock(whole.language, whole.time_zone):
            pieces = [rendering.render_part(part) for part in parts]
            subject, more = pieces[0].subject, len(pieces) - 1
            if more:
                words = ngettext("%(first)s, and one more thing", "%(first)s, and %(n)d more things", more)
                subject = words % {"first": subject, "n": more}
        return rendering.render(whole, more={"pieces": pieces, "subject_line": subject})
    except Exception as error:  # one bundle's trouble must not be the others'
        return error


def purposes_of(message: Message) -> set[str]:
    """Every kind of mail that went in this message: of a bundle, those of all its parts."""
    rows = Message.objects.filter(Q(pk=message.pk) | Q(bundle=message.pk))
    return {purpose for purpose in rows.values_list("purpose", flat=True) if purpose}


register_batch_renderer(TEMPLATE, render_bundles)
