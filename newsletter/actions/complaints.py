"""What happens to an edition that too many of its readers complain about: it waits until an editor has looked."""

from datetime import datetime

from django.db import transaction
from django.urls import reverse

from advocacy.delivery import runs
from advocacy.lib.given import whole_number
from advocacy.users.models import Role
from newsletter.actions import editions
from newsletter.models import Edition


@transaction.atomic
def hold(key: str, at: datetime) -> runs.Held | None:
    """Hold the edition of this run, also while senders are at it; one that has gone out is only told of."""
    number = whole_number(key.partition(":")[2])
    edition = Edition.objects.select_for_update().filter(pk=number or 0).first()
    if edition is None:
        return None
    going = edition.status in {Edition.Status.SENDING, Edition.Status.PAUSED} and runs.anything_left(key)
    if going and edition.status == Edition.Status.SENDING:
        editions.pause(edition)
    page = reverse("newsletter:edit", args=[edition.public_id])
    return runs.Held(str(edition), page, roles=(Role.MODERATOR,), over=not going)
