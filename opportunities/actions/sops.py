"""Writing SOPs: each change is a version of its own, so that requests keep the one they were made under (D11)."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from advocacy.crm.models import StakeholderTeam
from advocacy.lib.lifecycle import Refused
from opportunities import sops
from opportunities.models import Sop, SopVersion


@transaction.atomic
def write(
    team: StakeholderTeam | None,
    texts: Mapping[str, str],
    *,
    too_early: Iterable[str],
    by: Any,
    at: datetime,
    read: int | None = None,
) -> SopVersion:
    """Write the next version of a team's SOP; saying the same again keeps the present one.

    ``read`` is the number of the version the writer had before them (0: none); somebody else's newer one is not
    written over.
    """
    said: dict[str, Any] = {name: str(texts.get(name, "")).strip() for name in SopVersion.TEXTS}
    said["too_early"] = list(dict.fromkeys(stage for one in too_early if (stage := " ".join(str(one).split())[:60])))
    if not any(said[name] for name in SopVersion.TEXTS):
        raise Refused(_("Write at least one part: where to ask, what to expect, or what can be used instead."))
    sop, _new = Sop.objects.get_or_create(team=team)
    Sop.objects.select_for_update().get(pk=sop.pk)
    last = sop.versions.order_by("-number").first()
    if last is not None and sops.same(last, said):
        return last
    number = sop.versions.aggregate(most=Max("number"))["most"] or 0
    if read is not None and read != number:
        raise Refused(_("Somebody else has written a newer version meanwhile. Look at it before you save yours."))
    return SopVersion.objects.create(sop=sop, number=number + 1, by=by, at=at, **said)
