"""Writing deeds on the activity spine: once for each source and deed."""

from datetime import datetime
from typing import Any

from django.db import models
from django.utils import timezone

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
    made = Activity.objects.bulk_create(
        [
            Activity(
                contact=contact,
                account_id=account.pk if account else (contact.account_id if contact else None),
                deed=deed,
                at=at,
                recorded_at=timezone.now(),
                source_type=source_type,
                source_id=str(source_id),
                quantity=quantity,
                by=by if getattr(by, "pk", None) else None,
            )
        ],
        ignore_conflicts=True,
    )
    return (
        bool(made)
        and Activity.objects.filter(source_type=source_type, source_id=str(source_id), deed=deed, at=at).exists()
    )
