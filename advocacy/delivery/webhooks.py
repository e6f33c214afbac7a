"""What a mail provider tells us afterwards: an address that is not there, a complaint, a wish to leave.

django-anymail knows the providers' ways and checks their signatures; here its events become raw rows, suppressions
and, when too many complain, the pause of a run. The route is there only when mail goes through a provider's API and a
secret guards it (``MAIL_PROVIDER`` and ``ANYMAIL``).
"""

import re
import uuid
from hashlib import blake2b
from typing import Any

from anymail.signals import AnymailTrackingEvent, EventType, RejectReason, tracking
from django.conf import settings
from django.dispatch import receiver
from django.urls import URLPattern, path
from django.utils import timezone

from advocacy.crm.models import Program
from advocacy.delivery import measuring, runs
from advocacy.delivery.models import MailEvent, Message
from advocacy.delivery.sender import suppress
from advocacy.users.rights import public

NOT_THERE = {RejectReason.BOUNCED, RejectReason.INVALID, None}
"""Why a bounce is about the address; others are about the words of the mail or about us."""
Event = MailEvent.Event
KEPT = {
    EventType.DELIVERED: str(Event.DELIVERED),
    EventType.BOUNCED: str(Event.BOUNCED),
    EventType.COMPLAINED: str(Event.COMPLAINED),
    EventType.UNSUBSCRIBED: str(Event.UNSUBSCRIBED),
}
_FOR_NOW = re.compile(r"\s*(\[.*?\]\s*)?4\d\d\b|\s*4\.\d")


def provider() -> str:
    """The provider as django-anymail names it; nothing when mail goes another way."""
    package, _dot, rest = str(settings.EMAIL_BACKEND).partition(".backends.")
    return rest.partition(".")[0] if package == "anymail" else ""


def urls() -> list[URLPattern]:
    """The addresses to give the provider, ``/mail/events/`` and, where mail is taken in, ``/mail/inbound/``.

    Public: the provider signs, or brings the secret.
    """
    name = provider()
    if not name or not getattr(settings, "ANYMAIL", {}).get("WEBHOOK_SECRET"):
        return []
    from anymail.urls import urlpatterns

    views: dict[str, Any] = {str(one.name): one.callback.view_class for one in urlpatterns}
    found = []
    if view := views.get(f"{name}_tracking_webhook"):
        found.append(path("events/", public(view.as_view()), name="provider_events"))
    if settings.INBOUND_DOMAIN and (view := views.get(f"{name}_inbound_webhook")):
        found.append(path("inbound/", public(view.as_view()), name="provider_inbound"))
    return found


@receiver(tracking)
def provider_said(event: AnymailTrackingEvent, esp_name: str = "", **_more: Any) -> None:
    """Keep what happened, once however often it is told; and write no more to an address that is gone or complained."""
    at = event.timestamp or timezone.now()
    reason = _reason(event)
    if reason and event.recipient:
        note = " ".join(str(part) for part in (event.description, event.mta_response) if part)
        suppress(event.recipient, reason, at=at, note=note)
    kept = _kept(event)
    message = _message_of(event) if kept else None
    if message is not None:
        measuring.record(message, kept, at=at, key=_key(event, esp_name), source=esp_name[:40] or "provider")
        if kept == Event.COMPLAINED:
            runs.complained(message.batch, at=timezone.now())


def _reason(event: AnymailTrackingEvent) -> str:
    if event.event_type == EventType.COMPLAINED:
        return "complained"
    if event.event_type == EventType.UNSUBSCRIBED:
        return "unsubscribed"
    gone = event.event_type == EventType.BOUNCED and event.reject_reason in NOT_THERE
    return "bounced" if gone and not _FOR_NOW.match(event.mta_response or "") else ""


def _kept(event: AnymailTrackingEvent) -> str:
    """What of a provider's reports is kept. Clicks are not among them: ours lead past nobody else's counter."""
    if event.event_type == EventType.OPENED:
        return str(Event.OPENED) if Program.current().measure_opens else ""
    if event.event_type == EventType.BOUNCED and _FOR_NOW.match(event.mta_response or ""):
        return ""
    return KEPT.get(event.event_type, "")


def _message_of(event: AnymailTrackingEvent) -> Message | None:
    """The mail an event is about: by what we gave it along, by its Message-ID, or by the provider's own number."""
    try:
        known = Message.objects.filter(public_id=uuid.UUID(str((event.metadata or {}).get("message")))).first()
    except ValueError:
        known = None
    number = str(event.message_id or "")
    if known is None and number:
        known = Message.objects.filter(message_id__in=[number, f"<{number}>"]).first()
    if known is None and number and event.recipient:
        theirs = Message.objects.filter(to_email__iexact=event.recipient, result__endswith=f" {number}")
        known = theirs.order_by("-pk").first()
    return known


def _key(event: AnymailTrackingEvent, esp_name: str) -> str:
    """The same for the same report told again, whether or not the provider numbers its reports."""
    number = event.event_id or (event.message_id, event.timestamp)
    told = repr((number, event.event_type, (event.recipient or "").lower()))
    return f"{esp_name[:40]}:{blake2b(told.encode(), digest_size=20).hexdigest()}"
