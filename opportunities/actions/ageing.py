"""Nominations that nobody has answered as yet come up on Today before their time is over (P12)."""

from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from advocates.models import Task
from opportunities.models import Nomination

BEFORE_THE_END = timedelta(hours=24)
NOT_WITHIN = timedelta(hours=24)
"""Whoever was asked a day ago or less is left to answer."""
KEY = "ageing:opportunities.nomination:"


def key_of(nomination: Nomination) -> str:
    """The key of its task: once for each time they are asked."""
    return f"{KEY}{nomination.pk}:{nomination.asked_at.isoformat()}"


@transaction.atomic
def look_at_nominations(*, at: datetime) -> None:
    """A task for whoever works on the request, a day before silence counts as no; an answer closes it."""
    waiting = Nomination.objects.filter(
        status=Nomination.Status.ASKED, answer_by__gt=at, answer_by__lte=at + BEFORE_THE_END,
        asked_at__lte=at - NOT_WITHIN,
    ).select_related("request__manager", "advocate__contact__account", "advocate__pod__manager")  # fmt: skip
    Task.objects.bulk_create((_task(one, at=at) for one in waiting), ignore_conflicts=True)
    opened = dict(Task.objects.filter(key__startswith=KEY, done_at__isnull=True).values_list("key", "pk"))
    ids = {int(key.split(":")[2]) for key in opened}
    unanswered = Nomination.objects.filter(pk__in=ids, status=Nomination.Status.ASKED, answer_by__gt=at)
    over = set(opened) - {key_of(one) for one in unanswered}
    Task.objects.filter(key__in=over, done_at__isnull=True).update(done_at=at)


def _task(nomination: Nomination, *, at: datetime) -> Task:
    contact, request = nomination.advocate.contact, nomination.request
    words = _("%(name)s has not answered about %(prospect)s; the time ends on %(day)s. Call them, or ask another.")
    text = words % {
        "name": contact.full_name, "prospect": request.prospect,
        "day": timezone.localtime(nomination.answer_by).date().isoformat(),
    }  # fmt: skip
    return Task(
        kind=Task.Kind.NOMINATION, key=key_of(nomination), text=text[:300], advocate=nomination.advocate,
        account=contact.account, assignee=request.manager or nomination.advocate.manager, due_at=at, created_at=at,
    )  # fmt: skip
