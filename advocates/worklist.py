"""The tasks of the day: which are due, what each is about, and where it is done."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from advocacy.lib import places
from advocacy.lib.places import Place
from advocates.models import StandIn, Task

ANSWERED_ON_A_PAGE = {"nominated": _("Read and answer"), "wish": _("Answer")}
"""Tasks, by how their key begins, that an answer closes; a tick would leave somebody waiting."""


def answered_on_a_page(task: Task) -> bool:
    """Whether somebody waits for an answer that is given elsewhere."""
    return task.key.partition(":")[0] in ANSWERED_ON_A_PAGE


def evening(at: datetime) -> datetime:
    """The end of the reader's day: what falls due before it is today's."""
    return timezone.localtime(at).replace(hour=23, minute=59, second=59, microsecond=999_999)


def of(user: Any, *, at: datetime) -> QuerySet[Task]:
    """The tasks of this person, and of those they stand in for today."""
    day = timezone.localdate(at)
    away = StandIn.objects.filter(stand_in=user.pk, starts_on__lte=day, ends_on__gte=day).values("away")
    return Task.objects.filter(Q(assignee=user.pk) | Q(assignee__in=away))


def due(user: Any, *, at: datetime) -> QuerySet[Task]:
    """What this person has to do today: the badge, the home card and the list count the same."""
    return of(user, at=at).filter(done_at__isnull=True, due_at__lte=evening(at))


def source_of(task: Task) -> tuple[str, str] | None:
    """The record a task is about, as its key says it; None when it is about a person or an account alone."""
    parts = task.key.split(":")
    if len(parts) > 2 and "." in parts[1]:
        return parts[1], parts[2]
    if len(parts) > 1 and parts[0] == "nobody-left":
        return "opportunities.referencerequest", parts[1]
    return None


def with_places(wanted: Iterable[Task], *, reader: Any) -> list[Task]:
    """Give each task ``about`` (name and page of what it is about), and where it is done when not by a tick.

    That is ``thank_url`` for a thank-you, and ``answer_url`` with its words for what waits for an answer.
    """
    tasks = list(wanted)
    sources = {task.pk: source for task in tasks if (source := source_of(task))}
    found = places.find(sources.values(), reader=reader)
    accounts = reader.has_perm("crm.view_account")
    for task in tasks:
        place = found.get(sources[task.pk]) if task.pk in sources else None
        person = reverse("advocates:advocate", args=[task.advocate.public_id]) if task.advocate else ""
        account = reverse("advocates:customer", args=[task.account_id]) if task.account_id and accounts else ""
        task.person_url = person  # type: ignore[attr-defined]
        task.account_url = account  # type: ignore[attr-defined]
        task.about = place if place and place.url else Place(task.text, person or account)  # type: ignore[attr-defined]
        task.thank_url = task.answer_url = ""  # type: ignore[attr-defined]
        if answered_on_a_page(task) and place and place.url:
            task.answer_url = place.url  # type: ignore[attr-defined]
            task.answer_word = ANSWERED_ON_A_PAGE[task.key.partition(":")[0]]  # type: ignore[attr-defined]
        if task.kind == Task.Kind.THANK:
            task.thank_url = place.url if place and place.url else f"{person}#thanks" if person else ""  # type: ignore[attr-defined]
    return tasks
