"""What a mail provider tells us afterwards: an address that is not there, a complaint, a wish to leave.

django-anymail knows the providers' ways and checks their signatures; here its events become suppressions. The route is
there only when mail goes through a provider's API and a secret guards it (``MAIL_PROVIDER`` and ``ANYMAIL``).
"""

import re
from typing import Any

from anymail.signals import AnymailTrackingEvent, EventType, RejectReason, tracking
from django.conf import settings
from django.dispatch import receiver
from django.urls import URLPattern, path
from django.utils import timezone

from advocacy.delivery.sender import suppress
from advocacy.users.rights import public

NOT_THERE = {RejectReason.BOUNCED, RejectReason.INVALID, None}
"""Why a bounce is about the address; others are about the words of the mail or about us."""
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
def provider_said(event: AnymailTrackingEvent, **_more: Any) -> None:
    """Nothing more goes to an address that bounced, complained or left at the provider. Twice is once."""
    reason = _reason(event)
    if reason and event.recipient:
        note = " ".join(str(part) for part in (event.description, event.mta_response) if part)
        suppress(event.recipient, reason, at=event.timestamp or timezone.now(), note=note)


def _reason(event: AnymailTrackingEvent) -> str:
    if event.event_type == EventType.COMPLAINED:
        return "complained"
    if event.event_type == EventType.UNSUBSCRIBED:
        return "unsubscribed"
    gone = event.event_type == EventType.BOUNCED and event.reject_reason in NOT_THERE
    return "bounced" if gone and not _FOR_NOW.match(event.mta_response or "") else ""
