"""The nudge that wakes a sender. Lost or doubled, it does no harm: the outbox knows what is owed.

However many nudges come, no more than ``MAIL_SENDERS`` of a worker's processes send at once and each has one
successor; the others stay free for the clock and all other tasks.
"""

import structlog
from celery import shared_task
from django.conf import settings
from django.utils import timezone

from advocacy.delivery import sender
from advocacy.delivery.transport import Unreachable

logger = structlog.get_logger(__name__)

SECONDS = 20.0  # then the worker is free for other tasks, and the next nudge goes on


@shared_task(name="delivery.send_due", ignore_result=True, acks_late=False)
def send_due() -> None:
    """Send what is due, for some seconds; nudge the next run if there is more."""
    one = sender.Sender()
    try:
        if not one.begin(most=settings.MAIL_SENDERS):
            return  # whoever is at it looks for more before it ends
        one.run(seconds=SECONDS)
    except Unreachable as problem:
        logger.warning("mail_server_unreachable", said=str(problem))
        return  # the clock tries again
    finally:
        one.out.close()
    if sender.anything_due(at=timezone.now()):
        send_due.apply_async(retry=False)
