"""Who calls: a bearer token, looked up by its hash."""

from datetime import timedelta
from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from ninja.security import HttpBearer

from advocacy.api.models import BEGINS, ApiToken, digest_of

NOTED_EVERY = timedelta(minutes=5)
"""How exact “last used” is: a busy token need not write with each request."""


def token_of(secret: str) -> ApiToken | None:
    """The token that stands behind a secret; None when there is none, or it has been revoked or has expired."""
    if not secret.startswith(BEGINS):
        return None
    at = timezone.now()
    found = ApiToken.objects.standing(at=at).filter(digest=digest_of(secret)).first()
    if found is not None and (found.last_used_at is None or at - found.last_used_at > NOTED_EVERY):
        ApiToken.objects.filter(pk=found.pk).update(last_used_at=at)
    return found


def asking(request: HttpRequest) -> ApiToken | None:
    """The token a request carries, before any endpoint has looked at it."""
    kind, _space, secret = request.headers.get("Authorization", "").partition(" ")
    return token_of(secret.strip()) if kind.lower() == "bearer" else None


class Bearer(HttpBearer):
    """``Authorization: Bearer adv_…``"""

    def authenticate(self, request: HttpRequest, token: str) -> Any:
        return token_of(token)
