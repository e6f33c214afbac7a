"""When the desk works, and what it promises in those hours (D4)."""

from datetime import time
from typing import Any

import holidays
import pghistory
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from advocacy.crm.models import StakeholderTeam
from opportunities.models.board import OpportunityKind

MOST_HOURS = 2000


def _weekdays() -> list[int]:
    return [0, 1, 2, 3, 4]


@pghistory.track()
class DeskHours(models.Model):
    """When the desk works, on the clock of the program's time zone; one row.

    ``weekdays`` are 0 for Monday to 6 for Sunday; ``country`` and ``subdivision`` (ISO 3166) say whose public holidays
    are days off, besides the ``days_off`` of the company itself.
    """

    opens = models.TimeField(_("opens"), default=time(9))
    closes = models.TimeField(_("closes"), default=time(17))
    weekdays = ArrayField(
        models.PositiveSmallIntegerField(validators=[MaxValueValidator(6)]), default=_weekdays,
        verbose_name=_("working days"), help_text=_("0 is Monday, 6 is Sunday: 0,1,2,3,4."),
    )  # fmt: skip
    country = models.CharField(
        _("public holidays of"), max_length=2, blank=True, default="",
        help_text=_("A country's two letters, like DE. Empty: no public holidays."),
    )  # fmt: skip
    subdivision = models.CharField(
        _("and of its part"), max_length=10, blank=True, default="", help_text=_("Such as BY for Bavaria.")
    )
    days_off = ArrayField(
        models.DateField(), default=list, blank=True, verbose_name=_("further days off"),
        help_text=_("With commas between: 2026-12-24,2026-12-31."),
    )  # fmt: skip

    class Meta:
        verbose_name = _("hours of the desk")
        verbose_name_plural = _("hours of the desk")
        constraints = [
            models.CheckConstraint(condition=Q(pk=1), name="desk_hours_one_row"),
            models.CheckConstraint(
                condition=Q(closes__gt=models.F("opens")), name="desk_hours_in_order",
                violation_error_message=_("The desk closes after it opens."),
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.opens:%H:%M}–{self.closes:%H:%M}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.pk = 1
        super().save(*args, **kwargs)

    def clean(self) -> None:
        self.country, self.subdivision = self.country.upper(), self.subdivision.upper()
        self.weekdays = sorted(set(self.weekdays or []))
        if not self.weekdays:
            raise ValidationError({"weekdays": _("Name at least one day on which the desk works.")})
        known = holidays.list_supported_countries()
        if self.country and self.country not in known:
            raise ValidationError(
                {"country": _("The holidays of “%(country)s” are not known.") % {"country": self.country}}
            )
        if self.subdivision and self.subdivision not in known.get(self.country, []):
            words = {"country": self.country or "–", "parts": ", ".join(known.get(self.country, [])) or "–"}
            raise ValidationError({"subdivision": _("The known parts of %(country)s are: %(parts)s.") % words})

    @classmethod
    def current(cls) -> "DeskHours":
        """The one row; nine to five from Monday to Friday where nobody has said otherwise."""
        return cls.objects.filter(pk=1).first() or cls(pk=1)


@pghistory.track()
class Promise(models.Model):
    """How many office hours the desk may take for a request, by team and kind; the most exact one counts.

    A kind is more exact than a team. A request keeps what was promised when it was filed.
    """

    team = models.ForeignKey(
        StakeholderTeam, on_delete=models.CASCADE, null=True, blank=True, verbose_name=_("team"),
        help_text=_("Empty: every team."),
    )  # fmt: skip
    kind = models.ForeignKey(
        OpportunityKind, on_delete=models.CASCADE, null=True, blank=True, verbose_name=_("what is wanted"),
        help_text=_("Empty: whatever is wanted."),
    )  # fmt: skip
    hours = models.PositiveSmallIntegerField(
        _("office hours"), validators=[MinValueValidator(1), MaxValueValidator(MOST_HOURS)],
        help_text=_("Only time in which the desk is the one who is waited for."),
    )  # fmt: skip

    class Meta:
        verbose_name = _("promise of the desk")
        verbose_name_plural = _("promises of the desk")
        constraints = [
            models.UniqueConstraint(
                fields=["team", "kind"], nulls_distinct=False, name="promise_once",
                violation_error_message=_("There is a promise for this team and this kind. Change that one."),
            ),
            models.CheckConstraint(condition=Q(hours__gte=1, hours__lte=MOST_HOURS), name="promise_hours"),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.team or _('every team')}, {self.kind or _('whatever is wanted')}: {self.hours} h"
