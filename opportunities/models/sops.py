"""How a team asks the desk: what each team has agreed with it, versioned (D11)."""

from typing import Any, ClassVar

import pgtrigger
from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from advocacy.crm.models import StakeholderTeam


class Sop(models.Model):
    """The standard operating procedure between a team and the desk; the one without a team holds for all others."""

    team = models.OneToOneField(
        StakeholderTeam, on_delete=models.CASCADE, null=True, blank=True, related_name="sop", verbose_name=_("team")
    )

    class Meta:
        verbose_name = _("SOP")
        constraints = [
            models.UniqueConstraint(
                models.Value(1), condition=Q(team__isnull=True), name="sop_one_for_all_others"
            )
        ]  # fmt: skip

    def __str__(self) -> str:
        return str(self.team or _("every other team"))


class SopVersion(models.Model):
    """One version of an SOP. Written once: requests keep the one they were made under.

    ``too_early`` are stages of a deal, as the CRM calls them, at which a request is refused with ``too_early_words``.
    """

    TEXTS: ClassVar[tuple[str, ...]] = (
        "where_to_ask", "what_to_expect", "how_fast", "deal_stage", "instead", "too_early_words",
    )  # fmt: skip

    sop = models.ForeignKey(Sop, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveSmallIntegerField(_("version"))
    where_to_ask = models.TextField(_("where to ask"), blank=True, default="")
    what_to_expect = models.TextField(_("what to expect"), blank=True, default="")
    how_fast = models.TextField(_("how fast"), blank=True, default="")
    deal_stage = models.TextField(_("at which stage of a deal"), blank=True, default="")
    too_early = ArrayField(
        models.CharField(max_length=60), default=list, blank=True, verbose_name=_("stages that are too early")
    )
    too_early_words = models.TextField(_("what is said when it is too early"), blank=True, default="")
    instead = models.TextField(_("what can be used instead"), blank=True, default="")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True)
    at = models.DateTimeField(_("since"))

    class Meta:
        verbose_name = _("version of an SOP")
        verbose_name_plural = _("versions of SOPs")
        triggers = [
            pgtrigger.Protect(
                name="sop_version_stands",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__number__df=pgtrigger.F("new__number"))
                | pgtrigger.Q(old__sop_id__df=pgtrigger.F("new__sop_id"))
                | pgtrigger.Q(old__too_early__df=pgtrigger.F("new__too_early"))
                | pgtrigger.Q(old__where_to_ask__df=pgtrigger.F("new__where_to_ask"))
                | pgtrigger.Q(old__what_to_expect__df=pgtrigger.F("new__what_to_expect"))
                | pgtrigger.Q(old__how_fast__df=pgtrigger.F("new__how_fast"))
                | pgtrigger.Q(old__deal_stage__df=pgtrigger.F("new__deal_stage"))
                | pgtrigger.Q(old__instead__df=pgtrigger.F("new__instead"))
                | pgtrigger.Q(old__too_early_words__df=pgtrigger.F("new__too_early_words")),
            )
        ]
        constraints = [models.UniqueConstraint(fields=["sop", "number"], name="sop_version_once")]
        ordering = ["sop", "-number"]

    def __str__(self) -> str:
        return _("%(sop)s, version %(number)s") % {"sop": self.sop, "number": self.number}

    def is_too_early(self, stage: Any) -> bool:
        """Whether a deal at this stage is one the desk does not look for yet; a stage nobody named is fine."""
        said = str(stage or "").strip().casefold()
        return bool(said) and said in {one.strip().casefold() for one in self.too_early}
