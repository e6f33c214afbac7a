"""Kinds of mail that can be left one by one, although the consent they need covers more than them.

An app names its own from ``mails.py``; leaving such a mail remembers the address for that kind only, and choosing it
again lifts that.
"""

from datetime import datetime
from typing import Any

from advocacy.delivery.models import Suppression
from advocacy.delivery.sender import suppress

_words: dict[str, Any] = {}


def register(kind: str, words: Any) -> None:
    """Let people leave mail of this kind (``Message.kind``) by itself; ``words`` name it on the page that asks."""
    _words[kind] = words


def words_of(kind: str) -> str:
    """What the kind is called; empty for one that cannot be left by itself."""
    return str(_words.get(kind, ""))


def left(email: str, kind: str) -> bool:
    """Whether this address gets no mail of the kind any more."""
    return Suppression.objects.filter(email__iexact=email, kind=kind).exists()


def leave(email: str, kind: str, *, at: datetime) -> None:
    """No more mail of this kind to this address."""
    suppress(email, "unsubscribed", at=at, kind=kind)


def come_back(email: str, kind: str) -> None:
    """Mail of this kind is wanted again. What a provider or a colleague has put on record stays."""
    Suppression.objects.filter(email__iexact=email, kind=kind, reason="unsubscribed").delete()
