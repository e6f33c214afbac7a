"""Lines in the portal for people who sign in."""

from datetime import datetime

from advocacy.delivery.models import Notification
from advocacy.users.models import User


def notify(user: User, kind: str, *, key: str, text: str, url: str = "", at: datetime) -> None:
    """Show somebody a line in the portal; the same ``kind`` and ``key`` appears once."""
    Notification.objects.bulk_create(
        [Notification(user=user, kind=kind, key=key, text=text[:300], url=url, at=at)], ignore_conflicts=True
    )


def settled(kind: str, *, key: str, at: datetime) -> None:
    """What this news asked for is done: for whoever got it, it is read."""
    Notification.objects.filter(kind=kind, key=key, read_at__isnull=True).update(read_at=at)
