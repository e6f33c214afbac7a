"""The consent ledger: entries are appended, a projection of the current state is kept under lock (P6).

No consent, no use. Whoever acts on consent reads ``allows`` (or ``Contact.objects.consenting``) at the last moment.
"""

from datetime import datetime
from typing import Any

from django.db import transaction

from advocacy.crm.models import ConsentEntry, ConsentState, Contact


@transaction.atomic
def put_on_record(
    contact: Contact,
    purpose: str,
    *,
    given: bool,
    wording: str,
    at: datetime,
    source: str,
    scope: str = "",
    expires_at: datetime | None = None,
    by: Any = None,
) -> ConsentEntry:
    """Append one entry and move the projection, unless a later entry stands (a late import must not undo a no).

    Nothing is said later than it is recorded: an entry dated ahead counts from the moment it was recorded.
    """
    Contact.objects.select_for_update().get(pk=contact.pk)
    entry = ConsentEntry.objects.create(
        contact=contact, purpose=purpose, given=given, scope=scope, wording=wording, expires_at=expires_at, at=at,
        source=source, by=by if getattr(by, "pk", None) else None,
    )  # fmt: skip
    state = ConsentState.objects.select_related("entry").filter(contact=contact, purpose=purpose).first()
    if state is None or min(state.entry.at, state.entry.recorded_at) <= at:
        ConsentState.objects.update_or_create(
            contact=contact,
            purpose=purpose,
            defaults={"given": given, "scope": scope, "expires_at": expires_at, "entry": entry},
        )
    return entry


def grant(contact: Contact, purpose: str, *, wording: str, at: datetime, source: str, **more: Any) -> ConsentEntry:
    """Somebody said yes to exactly this wording."""
    return put_on_record(contact, purpose, given=True, wording=wording, at=at, source=source, **more)


def withdraw(
    contact: Contact, purpose: str, *, at: datetime, source: str, wording: str = "", by: Any = None
) -> ConsentEntry:
    """Somebody took a yes back; it counts at once, also for what is already queued."""
    return put_on_record(contact, purpose, given=False, wording=wording, at=at, source=source, by=by)


def allows(contact: Contact | int, purpose: str, *, at: datetime) -> bool:
    """Whether consent for this purpose stands at this moment."""
    pk = contact if isinstance(contact, int) else contact.pk
    return ConsentState.objects.filter(contact=pk, purpose=purpose).in_force(at=at).exists()


def standing(contact: Contact, *, at: datetime) -> frozenset[str]:
    """All purposes this person consents to now."""
    return frozenset(ConsentState.objects.filter(contact=contact).in_force(at=at).values_list("purpose", flat=True))
