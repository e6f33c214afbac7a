"""How far a run of mail is. Small ones are counted as they are asked for; big ones by the clock, every few seconds.

Counting a million rows takes longer than a page should, and the page of a run asks every three seconds.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from django.db.models import Count, Q
from django.utils import timezone

from advocacy.delivery.models import Batch, Message

BIG = 20_000
AFTERWARDS = timedelta(days=30)
"""So long after it began a run is still counted now and then: what was in doubt is settled late."""

Status = Message.Status


def count(key: str) -> dict[str, int]:
    """Messages of a run by what became of them, from the outbox itself."""
    rows = dict(Message.objects.filter(batch=key).order_by().values_list("status").annotate(n=Count("pk")))
    return {
        "total": sum(rows.values()),
        "sent": rows.get(Status.SENT, 0),
        "waiting": sum(rows.get(one, 0) for one in (Status.DUE, Status.LEASED, Status.SENDING)),
        "doubt": rows.get(Status.IN_DOUBT, 0),
        "failed": rows.get(Status.FAILED, 0),
        "left_out": rows.get(Status.SUPPRESSED, 0) + rows.get(Status.CANCELLED, 0),
    }


def of(key: str) -> Mapping[str, int]:
    """The numbers of a run: now, or for a big one as the clock has last counted them."""
    batch = Batch.objects.filter(key=key).only("counts").first()
    if batch is not None and batch.counts.get("total", 0) >= BIG:
        known: dict[str, int] = batch.counts
        return known
    return count(key)


def count_runs(*, at: datetime, also_done: bool = False) -> int:
    """Count the runs that are on their way, or with ``also_done`` all of the last weeks; returns how many."""
    runs = Batch.objects.filter(created_at__gt=at - AFTERWARDS)
    if not also_done:
        runs = runs.filter(Q(counted_at__isnull=True) | Q(counts__waiting__gt=0) | Q(counts__total=0))
    keys = list(runs.values_list("key", flat=True))
    for key in keys:
        Batch.objects.filter(key=key).update(counts=count(key), counted_at=timezone.now())
    return len(keys)
