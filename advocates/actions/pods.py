"""Pods and who looks after them: one note to all, moving advocates, handing over, standing in (P12)."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from advocacy.crm import consent
from advocacy.crm.catalogue import Deed, Purpose
from advocacy.delivery import outbox
from advocacy.lib.lifecycle import Refused
from advocacy.users.models import User
from advocates.actions.care import touch
from advocates.models import Advocate, Pod, StandIn, Task

FOLLOW_AFTER = timedelta(days=5)
"""Days after which a note that nobody answered is looked at."""
AT_ONCE = 100


@transaction.atomic
def write_to_pod(pod: Pod, *, text: str, key: str, at: datetime, by: Any) -> int:
    """One note to every member of a pod: a mail each, a touch each, and a task each to follow what they answer.

    It asks for nothing. The same ``key`` sent twice is one note. Returns how many it goes to; whoever takes no program
    mail gets none, and is not counted.
    """
    text = text.strip()
    if not text:
        raise Refused(_("Write a few words first."))
    people = list(
        pod.advocates.filter(status=Advocate.Status.MEMBER, contact__erased_at__isnull=True)
        .select_related("contact__account")
        .order_by("pk")
    )
    reached = 0
    for advocate in people:
        if not _takes_mail(advocate, at=at):
            continue
        about = f"{key}:{advocate.pk}"
        reached += 1
        if not touch(advocate, deed=Deed.NOTED, about=("advocates.podnote", about), at=at, by=by):
            continue  # this very note is on its way to them already
        outbox.owe(
            "pod_note", to=advocate.contact, template="advocates/pod_note", dedupe_key=about, at=at, counts=False,
            purpose=Purpose.PROGRAM_MAIL, reply_to=getattr(by, "email", ""), batch=f"pod-note:{key}"[:40],
            params={"text": text, "by": str(by), "title": getattr(by, "title", "")},
        )  # fmt: skip
        Task.objects.get_or_create(
            key=f"pod-note:{about}",
            defaults={
                "kind": Task.Kind.NURTURE, "advocate": advocate, "assignee": by, "due_at": at + FOLLOW_AFTER,
                "created_at": at,
                "text": _("See what %(name)s answered to your note of %(day)s")
                % {"name": advocate.contact.full_name, "day": date_format(timezone.localdate(at), "j F")},
            },
        )  # fmt: skip
    if not reached:
        raise Refused(_("Nobody of this pod takes mail of the program; call them instead."))
    return reached


def _takes_mail(advocate: Advocate, *, at: datetime) -> bool:
    return bool(advocate.contact.email) and consent.allows(advocate.contact, Purpose.PROGRAM_MAIL, at=at)


@transaction.atomic
def move_advocates(chosen: Collection[int], *, to: Pod) -> dict[int, int | None]:
    """Move advocates to another pod, with the tasks that wait for them; returns where each was, to take it back."""
    if not chosen:
        raise Refused(_("Choose whom to move."))
    if len(chosen) > AT_ONCE:
        raise Refused(_("Move at most %(number)s at once.") % {"number": AT_ONCE})
    people = Advocate.objects.select_for_update(of=("self",)).select_related("pod").filter(pk__in=chosen)
    before: dict[int, int | None] = {}
    for advocate in people.order_by("pk"):
        if advocate.pod_id == to.pk:
            continue
        before[advocate.pk] = advocate.pod_id
        _put(advocate, to)
    if not before:
        raise Refused(_("They are in this pod already."))
    return before


@transaction.atomic
def move_back(before: Mapping[int, int | None], *, moved_to: int) -> int:
    """Undo a move, for those who have not been moved on since."""
    people = Advocate.objects.select_for_update(of=("self",)).select_related("pod")
    pods = Pod.objects.in_bulk([pk for pk in before.values() if pk is not None])
    back = 0
    for advocate in people.filter(pk__in=before, pod=moved_to).order_by("pk"):
        was = before[advocate.pk]
        if was is not None and was not in pods:
            continue  # that pod is gone
        _put(advocate, pods[was] if was is not None else None)
        back += 1
    return back


def _put(advocate: Advocate, pod: Pod | None) -> None:
    """Into a pod, with the open tasks of whoever looked after them until now."""
    old = advocate.manager
    Advocate.objects.filter(pk=advocate.pk).update(pod=pod)
    if pod is not None and old is not None and old.pk != pod.manager_id:
        Task.objects.filter(advocate=advocate.pk, assignee=old.pk, done_at__isnull=True).update(assignee=pod.manager_id)


@transaction.atomic
def hand_over(pod: Pod, *, to: User) -> None:
    """Another reference manager looks after this pod; the open tasks about its advocates go along."""
    locked = Pod.objects.select_for_update().get(pk=pod.pk)
    if locked.manager_id == to.pk:
        raise Refused(_("%(name)s looks after this pod already.") % {"name": to})
    if to not in managers():
        raise Refused(_("Choose a reference manager."))
    Task.objects.filter(advocate__pod=locked, assignee=locked.manager_id, done_at__isnull=True).update(assignee=to)
    locked.manager = to
    locked.save(update_fields=["manager"])


def managers() -> Sequence[User]:
    """Who can look after a pod: reference managers and leads who can sign in."""
    people = User.objects.filter(is_active=True, role_grants__role__in=["manager", "lead"])
    return list(people.distinct().order_by("name", "pk"))


@transaction.atomic
def stand_in(*, away: User, by: User, starts_on: date | None, ends_on: date | None, at: datetime) -> StandIn:
    """Somebody looks after a manager's tasks while they are away: these stand on the stand-in's own Today."""
    today = timezone.localdate(at)
    if starts_on is None or ends_on is None:
        raise Refused(_("Give the first and the last day."))
    if ends_on < starts_on:
        raise Refused(_("The last day lies before the first."))
    if ends_on < today or ends_on > today + timedelta(days=366):
        raise Refused(_("Choose a last day from today on, within a year."))
    if away.pk == by.pk:
        raise Refused(_("Choose somebody else as the stand-in."))
    User.objects.select_for_update(of=("self",)).get(pk=away.pk)
    if StandIn.objects.filter(away=away, starts_on__lte=ends_on, ends_on__gte=starts_on).exists():
        raise Refused(_("Somebody stands in for %(name)s on these days already.") % {"name": away})
    return StandIn.objects.create(away=away, stand_in=by, starts_on=starts_on, ends_on=ends_on)
