"""What people do to mail: leave it, settle what is in doubt, read their news."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from advocacy.crm import consent
from advocacy.crm.catalogue import Purpose
from advocacy.crm.models import RecordedBasis
from advocacy.delivery import bundles, kinds, measuring, outbox
from advocacy.delivery.gates import SIGN_IN
from advocacy.delivery.models import Message, Notification, Suppression
from advocacy.delivery.sender import suppress
from advocacy.lib.lifecycle import Refused
from advocacy.users.models import User

LINK = "unsubscribe link"
ALL = "*"
NEWS_FOR = timedelta(days=60)
MAIL_PURPOSES = (Purpose.NEWSLETTER, Purpose.PROGRAM_MAIL)
"""Consents that are about being written to; the others are about being asked, and stand."""


# --- Leaving ----------------------------------------------------------------------------------------------------------
@transaction.atomic
def leave(message: Message, *, everything: bool, at: datetime) -> None:
    """Leave the kind of mail a message was, or all mail of the program. Doing it again changes nothing.

    Nothing queued is touched: the sender asks for consent in the moment each mail would go, so this counts at once.
    """
    measuring.left(message, at=at)
    contact = message.contact
    if not everything and kinds.words_of(message.kind):
        kinds.leave(message.to_email, message.kind, at=at)
        return
    left = bundles.purposes_of(message)
    if contact is not None:
        for purpose in MAIL_PURPOSES if everything else sorted(left):
            if consent.allows(contact, purpose, at=at):
                consent.withdraw(contact, purpose, at=at, source=LINK)
        bases = RecordedBasis.objects.filter(contact=contact, ended_at__isnull=True)
        if not everything:
            bases = bases.filter(purpose=message.basis)
        bases.update(ended_at=at)
    # The address is remembered as well: another contact may have the same mailbox.
    if everything:
        _remember(message.to_email, ALL, at=at)
    else:
        for kind in sorted(left) or ([message.kind] if contact is None else []):
            _remember(message.to_email, kind, at=at)


def _remember(email: str, kind: str, *, at: datetime) -> None:
    """The address has left. A later yes lifts it, so leaving anew has to be the later again."""
    before = Suppression.objects.filter(email__iexact=email, kind=kind)
    if not before.filter(reason="unsubscribed").update(at=at) and not before.exists():
        suppress(email, "unsubscribed", kind=kind, at=at)


# --- Settling ---------------------------------------------------------------------------------------------------------
def settle(message: Message, what: str, *, by: User, at: datetime) -> Message:
    """A person says what became of a message in doubt, or what shall become of one that failed.

    ``sent``: it has gone. ``again``: hand it on once more, with the same Message-ID, so that a mail program that has it
    already may know it. ``cancel``: leave it.
    """
    if message.status not in {Message.Status.IN_DOUBT, Message.Status.FAILED}:
        raise Refused(_("This message is neither in doubt nor failed; there is nothing to settle."))
    by_whom = {"name": str(by), "before": message.result[:300]}
    if what == "sent":
        if message.status != Message.Status.IN_DOUBT:
            raise Refused(_("A message that failed has not gone. Send it again, or cancel it."))
        return message.move_to(
            Message.Status.SENT,
            sent_at=message.sending_since or at,
            secret=None,
            result=_("%(name)s found that it had gone. %(before)s") % by_whom,
        )
    if what == "again":
        if message.kind.startswith(SIGN_IN) and message.secret is None:
            raise Refused(_("What was secret in it is gone, so it would say nothing. Let them ask for a new one."))
        with transaction.atomic():
            settled = message.move_to(
                Message.Status.DUE,
                due_at=at,
                attempts=0,
                leased_by="",
                result=_("%(name)s had it sent again. %(before)s") % by_whom,
            )
            outbox.nudge_sender()
        return settled
    if what == "cancel":
        return message.move_to(
            Message.Status.CANCELLED, secret=None, result=_("%(name)s cancelled it. %(before)s") % by_whom
        )
    raise Refused(_("Choose what shall become of it: it has gone, send it again, or cancel it."))


def settle_many(messages: Iterable[Message], what: str, *, by: User, at: datetime) -> tuple[int, list[str]]:
    """The same for several; returns how many were settled, and why others were not."""
    settled, refusals = 0, []
    for message in messages:
        try:
            settle(message, what, by=by, at=at)
            settled += 1
        except Refused as refusal:
            refusals.append(f"{message.to_name or message.to_email}: {refusal}")
    return settled, refusals


# --- News -------------------------------------------------------------------------------------------------------------
def read_notification(notification: Notification, *, at: datetime) -> None:
    Notification.objects.filter(pk=notification.pk, read_at__isnull=True).update(read_at=at)


def read_all_notifications(user: User, *, at: datetime) -> int:
    return Notification.objects.filter(user=user, read_at__isnull=True).update(read_at=at)


def read_news(keys: Iterable[int], *, at: datetime) -> None:
    """Somebody has the page before them that this news leads to."""
    Notification.objects.filter(pk__in=list(keys), read_at__isnull=True).update(read_at=at)


def read_old_news(*, at: datetime) -> int:
    """What nobody opened for so long is no news any more."""
    return Notification.objects.filter(read_at__isnull=True, at__lt=at - NEWS_FOR).update(read_at=at)
