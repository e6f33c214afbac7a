"""Mail that comes in: replies to ours, and what colleagues copy or forward to the address that keeps things (P11).

A mail to a contact carries ``reply+<message>@INBOUND_DOMAIN`` as its Reply-To, so a reply is known by the message it
answers and not by who says they sent it. Everything else at that domain is read by its addresses. It comes through the
provider's webhook (django-anymail) or, where mail goes by SMTP, from the mail server's pipe: ``manage.py receive``.
"""

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import getaddresses, parsedate_to_datetime
from html import unescape
from typing import Any
from uuid import UUID

import structlog
from anymail.inbound import AnymailInboundMessage
from anymail.signals import AnymailInboundEvent, inbound
from django.conf import settings
from django.dispatch import receiver
from django.utils import timezone
from django.utils.html import strip_tags

from advocacy.delivery.models import Message

logger = structlog.get_logger(__name__)

LONGEST = 20_000
"""Characters of a text that are kept; what follows is mostly what was quoted."""
REPLY = re.compile(r"reply\+([0-9a-f]{32})@", re.IGNORECASE)
KEEP = "keep"
"""The local part colleagues put in copy or forward to."""
_BLOCK = re.compile(r"(?i)<(?:br\b[^>]*|/p|/div|/li|/tr|/h[1-6]|/blockquote)\s*/?>")
_UNSEEN = re.compile(r"(?is)<(style|script|head|title)\b.*?</\1\s*>")


@dataclass(frozen=True)
class Incoming:
    """One mail as it came: addresses in small letters, ``text`` plain, ``at`` when it was written.

    ``answers`` is the message of ours it replies to. ``automatic``: an out-of-office or the like; ``left_out`` counts
    attachments, which are not kept.
    """

    message_id: str
    sender: str
    to: tuple[str, ...]
    subject: str
    text: str
    at: datetime
    answers: Message | None
    automatic: bool
    left_out: int


Reader = Callable[[Incoming], object]
_readers: list[Reader] = []


def register_reader(read: Reader) -> None:
    """Called by an app that wants what comes in; it may be handed the same mail twice."""
    if read not in _readers:
        _readers.append(read)


def reply_address(message: Message) -> str:
    """Where a reply to this message comes to be kept; nothing where the portal takes no mail."""
    domain = settings.INBOUND_DOMAIN
    return f"reply+{message.public_id.hex}@{domain}" if domain and message.contact_id else ""


def keep_address() -> str:
    """What colleagues put in copy so that a mail is kept; nothing where the portal takes no mail."""
    return f"{KEEP}@{settings.INBOUND_DOMAIN}" if settings.INBOUND_DOMAIN else ""


def take(mail: AnymailInboundMessage, *, at: datetime) -> Incoming | None:
    """Read a mail and hand it to whoever registered; None for bounces and other mail that nobody wrote."""
    found = read(mail, at=at)
    if found is None:
        return None
    for reader in _readers:
        reader(found)
    return found


def read(mail: AnymailInboundMessage, *, at: datetime) -> Incoming | None:
    """What a mail says."""
    sender = _first(mail.get("From", ""))
    if not sender or mail.get("Return-Path", "").strip() == "<>" or sender.partition("@")[0] == "mailer-daemon":
        return None
    seen = [_plain(str(mail.get(name, ""))) for name in ("To", "Cc", "Delivered-To", "X-Original-To")]
    if mail.envelope_recipient:
        seen.append(mail.envelope_recipient)
    to = tuple(dict.fromkeys(address.lower() for _name, address in getaddresses(seen) if "@" in address))
    text = _text(mail)
    identity = _plain(str(mail.get("Message-ID", ""))).strip()[:320]
    return Incoming(
        message_id=identity or hashlib.sha256(f"{sender}\n{mail.get('Date')}\n{text}".encode()).hexdigest(),
        sender=sender,
        to=to,
        subject=_plain(str(mail.get("Subject", "")))[:300],
        text=text,
        at=_when(mail, at=at),
        answers=_answered(to),
        automatic=_is_automatic(mail),
        left_out=len(mail.attachments),
    )


def _first(header: Any) -> str:
    return next((address.lower() for _name, address in getaddresses([_plain(str(header))]) if "@" in address), "")[:320]


def _plain(text: str) -> str:
    return " ".join(text.replace("\x00", "").split())


def _text(mail: AnymailInboundMessage) -> str:
    text = mail.text
    if not text and mail.html:
        text = unescape(strip_tags(_BLOCK.sub("\n", _UNSEEN.sub(" ", mail.html))))
    lines = [line.rstrip() for line in (text or "").replace("\x00", "").replace("\r\n", "\n").split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()[:LONGEST]


def _when(mail: AnymailInboundMessage, *, at: datetime) -> datetime:
    """When it was written, where the sender's clock is to be believed: never later than it came, nor long before."""
    try:
        said = parsedate_to_datetime(str(mail.get("Date", "")))
    except (TypeError, ValueError):
        return at
    if timezone.is_naive(said):
        return at
    return said if at - timedelta(days=30) <= said <= at else at


def _answered(to: tuple[str, ...]) -> Message | None:
    for address in to:
        if (found := REPLY.match(address)) and address.endswith(f"@{settings.INBOUND_DOMAIN}".lower()):
            return Message.objects.select_related("contact").filter(public_id=UUID(found[1])).first()
    return None


def _is_automatic(mail: AnymailInboundMessage) -> bool:
    """RFC 3834: an answer no person wrote says so; older programs say it their own way."""
    return (
        str(mail.get("Auto-Submitted", "no")).strip().lower() not in {"", "no"}
        or bool(mail.get("X-Autoreply") or mail.get("X-Autorespond"))
        or str(mail.get("Precedence", "")).strip().lower() in {"bulk", "junk", "auto_reply", "list"}
    )


@receiver(inbound)
def provider_brought(event: AnymailInboundEvent, **_more: Any) -> None:
    """The provider hands a mail over; it does so again until we say that we have it."""
    if event.message is not None and not event.message.spam_detected:
        take(event.message, at=event.timestamp or timezone.now())
