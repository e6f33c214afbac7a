"""Parameters nobody may read in the database (sign-in codes): encrypted while owed, wiped once sent."""

import base64
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings


def sealed(values: Mapping[str, Any]) -> bytes:
    return _box().encrypt(json.dumps(dict(values)).encode())


def opened(secret: bytes | memoryview | None) -> dict[str, Any]:
    """The values again; nothing when there is no secret. A key that has changed since says so."""
    if not secret:
        return {}
    try:
        values = json.loads(_box().decrypt(bytes(secret)))
    except InvalidToken:
        raise ValueError("its secret part was written with another SECRET_KEY") from None
    return dict(values)


def _box() -> MultiFernet:
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return MultiFernet([Fernet(base64.urlsafe_b64encode(_derived(key))) for key in keys])


def _derived(key: str) -> bytes:
    return hashlib.blake2b(b"advocacy.delivery.secrets", key=hashlib.sha256(key.encode()).digest()).digest()[:32]
