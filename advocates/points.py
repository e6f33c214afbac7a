"""Points: an append-only ledger. The standing is its sum, never below nothing; a correction is another entry."""

from datetime import datetime
from typing import Any

from django.db import models, transaction
from django.db.models import Sum
from django.utils.translation import gettext as _

from advocacy.lib.lifecycle import Refused
from advocates.models import Advocate, PointEntry


def total(advocate: Advocate) -> int:
    """All points this advocate has, corrections included."""
    return PointEntry.objects.filter(advocate=advocate).aggregate(sum=Sum("points"))["sum"] or 0


@transaction.atomic
def book(advocate: Advocate, points: int, *, reason: str, source: models.Model | tuple[str, Any], at: datetime) -> bool:
    """Book points for one source and reason; a second call for the same changes nothing and says so.

    A negative booking is a correction and is refused where it would leave less than nothing.
    """
    if not points:
        return False
    if isinstance(source, models.Model):
        source_type, source_id = source._meta.label_lower, str(source.pk)
    else:
        source_type, source_id = source[0], str(source[1])
    booked = PointEntry.objects.filter(
        advocate=advocate, source_type=source_type, source_id=source_id, reason=reason[:200]
    )
    if points < 0:
        Advocate.objects.select_for_update(of=("self",)).get(pk=advocate.pk)
        if booked.exists():
            return False  # the same correction once more: it stands already
        if total(advocate) + points < 0:
            raise Refused(_("A correction cannot take more points than there are."))
    elif booked.exists():
        return False
    PointEntry.objects.bulk_create(
        [
            PointEntry(
                advocate=advocate, points=points, reason=reason[:200], source_type=source_type,
                source_id=source_id, at=at,
            )
        ],
        ignore_conflicts=True,
    )  # fmt: skip
    return True
