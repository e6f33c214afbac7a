"""Taking an item out of an edition that has gone: out of the archive, and out of mail that has still to go."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from advocacy.lib.lifecycle import Refused
from newsletter.models import Edition, EditionItem

GONE = (Edition.Status.SENDING, Edition.Status.PAUSED, Edition.Status.SENT, Edition.Status.STOPPED)


@transaction.atomic
def withdraw(item: EditionItem, *, at: datetime, back: bool = False) -> None:
    """Show it no more, or again. What it led to stays on record."""
    if item.edition.status not in GONE:
        raise Refused(_("This edition has not gone yet: leave the item out on its desk."))
    EditionItem.objects.filter(pk=item.pk, withdrawn_at__isnull=not back).update(withdrawn_at=None if back else at)
