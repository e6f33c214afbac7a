"""What happened to mail after it went: raw events, and the links and the picture that make some of them.

A counted link holds which message and which page, sealed; what it may lead to stands in ``Link``, so it is a page of
ours by construction. It costs a reader a few microseconds: an edition has thousands. No address and no browser of
whoever clicks is kept, and nothing in the portal is decided by any of this.
"""

import uuid
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Iterable
from datetime import datetime
from functools import cache, lru_cache
from hashlib import blake2b
from hmac import compare_digest

from django.conf import settings
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _

from advocacy.delivery.models import Link, MailEvent, Message
from advocacy.lib.signed import BadLink

Event = MailEvent.Event
SEAL = 12
PICTURE = 0
"""The number that stands for the picture of an opening; links count from one."""
LONGEST = 44  # letters of a token: 16 bytes of message, 5 of link, 12 of seal


# --- Links ------------------------------------------------------------------------------------------------------------
def is_ours(path: str) -> bool:
    """Whether this is a page of the portal, and nothing a browser would take for another host."""
    return (
        path.startswith("/")
        and len(path) <= Link._meta.get_field("path").max_length  # type: ignore[operator]
        and url_has_allowed_host_and_scheme(path, allowed_hosts=None)
    )


def link_numbers(paths: Iterable[str]) -> dict[str, int]:
    """A number for each page of ours among these; others get none."""
    wanted = sorted({path for path in paths if is_ours(path)})
    known = dict(Link.objects.filter(path__in=wanted).values_list("path", "pk"))
    if missing := [path for path in wanted if path not in known]:
        Link.objects.bulk_create([Link(path=path) for path in missing], ignore_conflicts=True)
        known |= dict(Link.objects.filter(path__in=missing).values_list("path", "pk"))
    return known


class Counted:
    """The counted links of one message."""

    def __init__(self, public_id: uuid.UUID) -> None:
        self._message = public_id.bytes
        self._seal = blake2b(self._message, digest_size=SEAL, key=_key(settings.SECRET_KEY))

    def token(self, link: int) -> str:
        number = link.to_bytes(5, "big")
        seal = self._seal.copy()
        seal.update(number)
        return urlsafe_b64encode(self._message + number + seal.digest()).decode()


@lru_cache(maxsize=8)
def _key(secret: str) -> bytes:
    return blake2b(secret.encode(), digest_size=32, person=b"mail clicks").digest()


def read_token(token: str) -> tuple[uuid.UUID, int]:
    """Message and link of a token; ``BadLink`` for one we did not make."""
    try:
        raw = b64decode(token, altchars=b"-_", validate=True) if len(token) == LONGEST else b""
    except ValueError:
        raw = b""
    said, seal = raw[:-SEAL], raw[-SEAL:]
    for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS):
        if compare_digest(seal, blake2b(said, digest_size=SEAL, key=_key(secret)).digest()):
            return uuid.UUID(bytes=said[:16]), int.from_bytes(said[16:], "big")
    raise BadLink(_("This link is not complete. Open it once more from the mail, or copy the whole address."))


def click_prefix() -> str:
    """What stands before the token of a counted link."""
    return f"{settings.SITE_URL}{_click_path()}"


@cache
def _click_path() -> str:
    return reverse("delivery:click", args=["x"]).removesuffix("x/")


def picture_url(counted: Counted) -> str:
    """The address of the picture by which an opening is counted, where the program counts them."""
    return f"{settings.SITE_URL}{reverse('delivery:opened', args=[counted.token(PICTURE)])}"


def target(token: str) -> tuple[uuid.UUID, Link]:
    """Message and page of a counted link."""
    public_id, number = read_token(token)
    link = Link.objects.filter(pk=number).first()
    if link is None or not is_ours(link.path):
        raise BadLink(_("The page this link led to is not known here any more."))
    return public_id, link


# --- Events -----------------------------------------------------------------------------------------------------------
def record(message: Message, event: str, *, at: datetime, key: str, path: str = "", source: str = "portal") -> None:
    """Append what happened; the same ``key`` twice is one row."""
    row = MailEvent(message=message, event=event, at=at, key=key, path=path, source=source)
    MailEvent.objects.bulk_create([row], ignore_conflicts=True)


def clicked(public_id: uuid.UUID, link: Link, *, at: datetime) -> None:
    """Somebody followed a link of this mail; the same link within a minute is the same click."""
    message = Message.objects.filter(public_id=public_id).first()
    if message is not None:
        key = f"click:{message.pk}:{link.pk}:{int(at.timestamp()) // 60}"
        record(message, Event.CLICKED, at=at, key=key, path=link.path)


def opened(public_id: uuid.UUID, *, at: datetime) -> None:
    """The picture was fetched; once is enough to know."""
    message = Message.objects.filter(public_id=public_id).first()
    if message is not None:
        record(message, Event.OPENED, at=at, key=f"open:{message.pk}")


def left(message: Message, *, at: datetime) -> None:
    """Its reader left, by this mail."""
    record(message, Event.UNSUBSCRIBED, at=at, key=f"leave:{message.pk}")
