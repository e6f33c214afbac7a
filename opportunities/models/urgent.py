"""Who approves what goes to media and analysts (O7)."""

import pghistory
from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from advocacy.crm.models import StakeholderTeam
from opportunities.models.board import OpportunityKind


@pghistory.track()
class Spokesperson(models.Model):
    """Who approves requests of a kind before anybody is asked; the most exact row counts, and a kind more than a team.

    Without a row nobody has to.
    """

    kind = models.ForeignKey(
        OpportunityKind, on_delete=models.CASCADE, null=True, blank=True, verbose_name=_("what is wanted"),
        limit_choices_to={"is_urgent": True}, help_text=_("Empty: every kind of the urgent lane."),
    )  # fmt: skip
    team = models.ForeignKey(
        StakeholderTeam, on_delete=models.CASCADE, null=True, blank=True, verbose_name=_("team"),
        help_text=_("Empty: every team."),
    )  # fmt: skip
    approver = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="speaks_for", verbose_name=_("who approves")
    )

    class Meta:
        verbose_name = _("spokesperson")
        verbose_name_plural = _("spokespeople")
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "team"], nulls_distinct=False, name="spokesperson_once",
                violation_error_message=_("Somebody approves this kind for this team already. Change that one."),
            )
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.approver}: {self.kind or _('every urgent kind')}, {self.team or _('every team')}"


__all__ = ["Spokesperson"]
