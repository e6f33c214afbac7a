"""Launching a region: begin, tick, move to the next phase and back (P15)."""

from datetime import date, datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from advocacy.lib.lifecycle import Refused
from advocates import launching
from advocates.models import Launch, LaunchTick

NEXT = {"crawl": "walk", "walk": "run", "run": "done"}
BEFORE = {after: before for before, after in NEXT.items()}


def begin(region: str, *, by: Any, at: datetime) -> Launch:
    """Begin to launch a region; refused when it is under way already."""
    if not region.strip():
        raise Refused(_("Choose the region."))
    try:
        with transaction.atomic():
            return Launch.objects.create(region=region.strip()[:60], begun_at=at, by=by)
    except IntegrityError:
        raise Refused(_("The launch of %(region)s has begun already.") % {"region": region}) from None


@transaction.atomic
def plan(launch: Launch, day: date | None) -> Launch:
    """Set the day the region launches, or leave it open again; the past of a launch stays as it was."""
    launch = Launch.objects.select_for_update().get(pk=launch.pk)
    if launch.status == Launch.Status.DONE:
        raise Refused(_("%(region)s is launched.") % {"region": launch.region})
    launch.opens_on = day
    launch.save(update_fields=["opens_on"])
    return launch


@transaction.atomic
def tick(launch: Launch, key: str, *, note: str, by: Any, at: datetime) -> None:
    """Tick a point that facts cannot tell, with a note of what was done; ticking again changes the note."""
    point = launching.point_of(key)
    if point is None or point.read is not None:
        raise Refused(_("This point follows the facts; nobody ticks it."))
    if not note.strip():
        raise Refused(_("Note what was done, for those who come after you: “%(point)s”.") % {"point": point.label})
    LaunchTick.objects.update_or_create(
        launch=launch, key=key, defaults={"note": note.strip()[:300], "by": by, "at": at}
    )


@transaction.atomic
def untick(launch: Launch, key: str) -> None:
    """Take a tick back."""
    LaunchTick.objects.filter(launch=launch, key=key).delete()


@transaction.atomic
def move_on(launch: Launch, *, at: datetime) -> Launch:
    """To the next phase, once every point of this one is met."""
    Launch.objects.select_for_update().get(pk=launch.pk)
    launch.refresh_from_db()
    if launch.status not in NEXT:
        raise Refused(_("%(region)s is launched.") % {"region": launch.region})
    if not launching.may_move_on(launch, at=at):
        raise Refused(_("Some points of this phase are still open."))
    return launch.move_to(NEXT[launch.status])


@transaction.atomic
def move_back(launch: Launch) -> Launch:
    """Back to the phase before, when it went too fast."""
    launch.refresh_from_db()
    if launch.status not in BEFORE:
        raise Refused(_("There is no phase before this one."))
    return launch.move_to(BEFORE[launch.status])
