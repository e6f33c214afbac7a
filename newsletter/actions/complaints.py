"""What happens to an edition that too many of its readers complain about: it waits until an editor has looked."""

from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet
from django.urls import reverse

from advocacy.delivery import runs
from advocacy.lib.given import whole_number
from advocacy.users.models import Role
from newsletter.actions import editions
from newsletter.models import Edition


@transaction.atomic
def hold(key: str, at: datetime) -> runs.Held | None:
    """Hold the edition of this run, also while senders are at it; one that has gone out is only told of."""
    edition = _of(key).select_for_update().first()
    if edition is None:
        return None
    going = edition.status in {Edition.Status.SENDING, Edition.Status.PAUSED} and runs.anything_left(key)
    if going and edition.status == Edition.Status.SENDING:
        editions.pause(edition)
    return runs.Held(str(edition), page_of(key), roles=(Role.MODERATOR,), over=not going)


def page_of(key: str) -> str:
    """The desk of the edition of this run."""
    edition = _of(key).first()
    return reverse("newsletter:edit", args=[edition.public_id]) if edition else ""


def _of(key: str) -> "QuerySet[Edition]":
    return Edition.objects.filter(pk=whole_number(key.partition(":")[2]) or 0)
