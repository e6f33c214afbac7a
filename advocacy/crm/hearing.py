"""Deeds in the portal that are signals too: somebody joins the community, hands in a story, answers a survey (P16).

They come in as an import or the API would bring them, so rules heed them in the same way: once for each occurrence.
"""

from datetime import datetime

from advocacy.crm.catalogue import SIGNAL_KINDS
from advocacy.crm.models import Contact, Signal

SOURCE = "portal"


def hear(kind: str, *, contact: Contact, occurrence: str, at: datetime, value: int | None = None) -> bool:
    """Put a signal about a person on record; the same occurrence a second time changes nothing. True when it is new.

    ``value``: the number that was answered, for signals that are an answer.
    """
    if not SIGNAL_KINDS[kind].in_portal:
        raise ValueError(f"{kind} is not marked as something deeds in the portal are heard as")
    _signal, new = Signal.objects.get_or_create(
        source=SOURCE,
        external_id=f"{kind}:{contact.pk}:{occurrence}",
        defaults={
            "kind": kind, "account_id": contact.account_id, "contact": contact, "occurrence": occurrence,
            "occurred_at": at, "received_at": at, "value": value,
        },
    )  # fmt: skip
    return new
