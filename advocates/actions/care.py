"""Touches: contact that asks for nothing. Thank-yous, care calls, and the tasks that remind of them."""

from datetime import date, datetime, time, timedelta
from typing import Any

from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from advocacy.crm import spine
from advocacy.crm.catalogue import TOUCH_DEEDS, Deed, Purpose
from advocacy.delivery import outbox
from advocacy.lib.lifecycle import Refused
from advocates import worklist
from advocates.models import Advocate, Task

Source = models.Model | tuple[str, Any]


def _key(source: Source) -> tuple[str, str]:
    if isinstance(source, models.Model):
        return source._meta.label_lower, str(source.pk)
    return source[0], str(source[1])


@transaction.atomic
def touch(advocate: Advocate, *, deed: str, about: Source, at: datetime, by: Any = None) -> bool:
    """Put a touch on record: somebody cared and asked for nothing. The same ``about`` counts once."""
    if deed not in TOUCH_DEEDS:
        raise Refused(_("That is not a touch."))
    return spine.record(deed, at=at, source=_key(about), contact=advocate.contact, by=by)


@transaction.atomic
def thank(advocate: Advocate, *, text: str, by: Any, about: Source, at: datetime) -> bool:
    """Thank an advocate in one's own words: a touch on the spine and a mail. Once for each ``about``."""
    text = text.strip()
    if not text:
        raise Refused(_("Say in a few words what you thank them for."))
    kind, pk = _key(about)
    if not touch(advocate, deed=Deed.THANKED, about=(kind, pk), at=at, by=by):
        return False
    outbox.owe(
        "thanks",
        to=advocate.contact,
        template="advocates/thanks",
        dedupe_key=f"{kind}:{pk}",
        at=at,
        purpose=Purpose.PROGRAM_MAIL,
        params={"text": text, "by": str(by), "title": getattr(by, "title", "")},
        reply_to=getattr(by, "email", ""),
        counts=False,
    )
    Task.objects.filter(kind=Task.Kind.THANK, key=f"thank:{kind}:{pk}", done_at__isnull=True).update(
        done_at=at, done_by=by if getattr(by, "pk", None) else None
    )
    return True


@transaction.atomic
def do_task(task: Task, *, by: Any, at: datetime) -> None:
    """Tick a task off. A care or nurture task done for an advocate is a touch, and so is an answer they waited for."""
    if worklist.answered_on_a_page(task):
        raise Refused(_("Somebody waits for an answer. Open it and answer; that ticks it off."))
    if not Task.objects.filter(pk=task.pk, done_at__isnull=True).update(done_at=at, done_by=by):
        raise Refused(_("Somebody has done this already."))
    if task.advocate and task.kind in {Task.Kind.CARE, Task.Kind.NURTURE}:
        touch(task.advocate, deed=Deed.CARE_CALL, about=task, at=at, by=by)
    if task.advocate and task.kind == Task.Kind.REPLY:
        touch(task.advocate, deed=Deed.NOTED, about=task, at=at, by=by)
    task.refresh_from_db()


@transaction.atomic
def undo_task(task: Task, *, by: Any) -> None:
    """Take a tick back: the task waits again. What the spine says stays; it is a record of what was said then."""
    if not Task.objects.filter(pk=task.pk, done_at__isnull=False).update(done_at=None, done_by=None):
        raise Refused(_("This task is open already."))
    task.refresh_from_db()


MORNING = time(8)
FARTHEST = timedelta(days=366)


@transaction.atomic
def put_off_until(task: Task, *, day: date | None, at: datetime) -> None:
    """Let a task come back on the morning of a day that was chosen."""
    today = timezone.localdate(at)
    if day is None:
        raise Refused(_("Choose the day on which it should come back."))
    if not today < day <= today + FARTHEST:
        raise Refused(_("Choose a day after today, within a year."))
    due_at = datetime.combine(day, MORNING, tzinfo=timezone.get_current_timezone())
    if not Task.objects.filter(pk=task.pk, done_at__isnull=True).update(due_at=due_at):
        raise Refused(_("Somebody has done this already."))
    task.refresh_from_db()


@transaction.atomic
def bring_back(task: Task, *, due_at: datetime) -> None:
    """Undo putting a task off: it is due again when it was."""
    if not Task.objects.filter(pk=task.pk, done_at__isnull=True).update(due_at=due_at):
        raise Refused(_("Somebody has done this already."))
    task.refresh_from_db()


@transaction.atomic
def put_off(task: Task, *, days: int, at: datetime) -> None:
    """Let a task come back on a later day, at the hour it was put off."""
    if not Task.objects.filter(pk=task.pk, done_at__isnull=True).update(due_at=at + timedelta(days=days)):
        raise Refused(_("Somebody has done this already."))
    task.refresh_from_db()
