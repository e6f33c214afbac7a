"""Which SOP a team asks under, and whether a deal is at a stage the desk looks for (D11). Reads and decisions only."""

from typing import Any

from django.utils.translation import gettext as _

from advocacy.crm.models import Deal, StakeholderTeam
from opportunities.models import SopVersion


def current(team: StakeholderTeam | None) -> SopVersion | None:
    """The SOP a team asks under now: its own, or the one for all others; None where nothing has been written."""
    rows = SopVersion.objects.select_related("sop__team").order_by("-number")
    own = rows.filter(sop__team=team).first() if team is not None else None
    return own or rows.filter(sop__team__isnull=True).first()


def too_early(sop: SopVersion | None, deal: Deal | None) -> str:
    """What the SOP says to a deal at a stage it calls too early; empty where the desk looks for it."""
    if sop is None or deal is None or not sop.is_too_early(deal.stage):
        return ""
    return sop.too_early_words.strip() or _(
        "By your team’s SOP it is too early at the stage “%(stage)s”. Come back when the deal has moved on, or say why "
        "it cannot wait."
    ) % {"stage": deal.stage}


def same(version: SopVersion | None, said: dict[str, Any]) -> bool:
    """Whether what was typed says nothing new."""
    return version is not None and all(getattr(version, name) == value for name, value in said.items())
