"""What the API need not keep."""

from datetime import datetime, timedelta

from advocacy.api.models import Answered
from advocacy.lib.jobs import job

KEPT_FOR = timedelta(days=2)


@job(every=timedelta(hours=6), offset=timedelta(minutes=40))
def forget_answers(*, at: datetime) -> None:
    """An idempotency key guards against a retry, not against next week."""
    Answered.objects.filter(at__lt=at - KEPT_FOR).delete()
