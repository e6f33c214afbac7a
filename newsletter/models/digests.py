"""The digest of the community: when it goes, how often each member wants it, and how far each run is."""

from typing import Any

import pghistory
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from advocacy.crm.models import Contact


@pghistory.track()
class DigestSchedule(models.Model):
    """When the digest of the community goes, on each reader's own clock. One row."""

    enabled = models.BooleanField(_("on"), default=True)
    weekday = models.PositiveSmallIntegerField(_("weekday (Monday is 0)"), default=3)
    hour = models.PositiveSmallIntegerField(_("hour"), default=9)
    most_topics = models.PositiveSmallIntegerField(_("topics for each reader"), default=6)

    class Meta:
        verbose_name = _("digest schedule")
        constraints = [
            models.CheckConstraint(condition=Q(pk=1), name="digest_schedule_one_row"),
            models.CheckConstraint(
                condition=Q(weekday__lte=6, hour__lte=23, most_topics__gte=1, most_topics__lte=20),
                name="digest_schedule_range",
            ),
        ]

    def __str__(self) -> str:
        return str(_("Digest schedule"))

    def clean(self) -> None:
        wrong: dict[str, Any] = {}
        for name, (least, most) in {"weekday": (0, 6), "hour": (0, 23), "most_topics": (1, 20)}.items():
            value = getattr(self, name)
            if value is not None and not least <= value <= most:
                wrong[name] = _("Choose a number from %(least)d to %(most)d.") % {"least": least, "most": most}
        if wrong:
            raise ValidationError(wrong)

    @classmethod
    def current(cls) -> "DigestSchedule":
        return cls.objects.get_or_create(pk=1)[0]


class Every(models.TextChoices):
    WEEK = "week", _("Once a week")
    DAY = "day", _("Every day with something new")


class DigestChoice(models.Model):
    """How often a member wants the digest; nobody who has not chosen gets it more than once a week."""

    contact = models.OneToOneField(Contact, on_delete=models.CASCADE, related_name="+")
    every = models.CharField(_("how often"), max_length=4, choices=Every.choices, default=Every.WEEK)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("digest choice")
        constraints = [models.CheckConstraint(condition=Q(every__in=["week", "day"]), name="digest_every_known")]

    def __str__(self) -> str:
        return f"{self.contact}: {self.every}"


class DigestRun(models.Model):
    """The digests of one day in one time zone: what they tell of, and up to whom they are written."""

    day = models.DateField()
    every = models.CharField(max_length=4, choices=Every.choices)
    zone = models.CharField(max_length=50)
    since = models.DateTimeField()
    until = models.DateTimeField()
    up_to = models.BigIntegerField(default=0)
    done = models.BooleanField(default=False)

    class Meta:
        verbose_name = _("run of digests")
        constraints = [models.UniqueConstraint(fields=["day", "every", "zone"], name="digest_run_once")]

    def __str__(self) -> str:
        return f"{self.day} {self.zone} ({self.every})"
