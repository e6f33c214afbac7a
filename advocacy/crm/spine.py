"""Writing deeds on the activity spine: once for each source and deed."""

from datetime import datetime
from typing import Any

from django.db import models

from advocacy.crm.models import Account, Activity, Contact


def record(
    deed: str,
    *,
    at: datetime,
    source: models.Model | tuple[str, Any],
    contact: Contact | None = None,
    account: Account | None = None,
    by: Any = None,
    quantity: int | None = None,
) -> bool:
    """Put a deed on record; a second call for the same source and deed changes nothing. True when it is new.

    ``account`` defaults to the contact's present account, so that a later job change leaves the history where it was.
    """
    if isinstance(source, models.Model):
        source_type, source_id = source._meta.label_lower, source.pk
    else:
        source_type, source_id = source
    _activity, new = Activity.objects.get_or_create(
        source_type=source_type,
        source_id=str(source_id),
        deed=deed,
        defaults={
            "contact": contact,
            "account_id": account.pk if account else (contact.account_id if contact else None),
            "at": at,
            "quantity": quantity,
            "by": by if getattr(by, "pk", None) else None,
        },
    )
    return new
