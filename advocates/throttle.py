"""How often somebody may do what costs others something, from outside: a plain counter that forgets."""

import hashlib

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest

HOUR = 3600


def too_often(name: str, who: str, *, most: int, seconds: int = HOUR) -> bool:
    """Count one try of ``who``; True when there have been more than ``most`` within the period.

    The counter lives in the cache: with Redis away nobody is held up, and the outbox still keeps to one mail a day.
    """
    key = "tries:" + hashlib.sha256(f"{name}:{who}".encode()).hexdigest()
    if cache.add(key, 1, seconds):
        return False
    try:
        return cache.incr(key) > most
    except ValueError:  # it expired between the two
        return False


def from_where(request: HttpRequest) -> str:
    """The address a request comes from; behind our own proxy, the last one that proxy wrote down.

    What stands further left in ``X-Forwarded-For`` came with the request, and anybody can write that.
    """
    if getattr(settings, "BEHIND_TLS_PROXY", False):
        hops = str(request.META.get("HTTP_X_FORWARDED_FOR", "")).split(",")
        if hops[-1].strip():
            return hops[-1].strip()[:64]
    return str(request.META.get("REMOTE_ADDR", ""))
