"""What the floor below everything keeps: which clock work has been done, and which lists left as files."""

import pgtrigger
from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class JobRun(models.Model):
    """One slot of one clock job. The unique row decides which of several clocks does it (``advocacy.lib.jobs``)."""

    job = models.CharField(max_length=150)
    slot = models.DateTimeField()
    started_at = models.DateTimeField()
    alive_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    tries = models.PositiveSmallIntegerField(default=1)
    error = models.TextField(blank=True, default="")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["job", "slot"], name="jobrun_once_for_each_slot")]
        indexes = [
            models.Index(fields=["job"], condition=models.Q(finished_at__isnull=True), name="jobrun_running"),
            models.Index(fields=["slot"], name="jobrun_slot"),
        ]

    def __str__(self) -> str:
        return f"{self.job} {self.slot:%Y-%m-%d %H:%M:%S}"


class Export(models.Model):
    """A list somebody took along as a file: who, what, how filtered, how many rows, when (X3)."""

    what = models.CharField(_("what"), max_length=80)
    kind = models.CharField(_("kind of file"), max_length=4)
    filter = models.CharField(_("filter"), max_length=2000, blank=True, default="")
    rows = models.PositiveIntegerField(_("rows"))
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+", verbose_name=_("by")
    )
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("export")
        triggers = [pgtrigger.Protect(name="export_never_deleted", operation=pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"{self.what}, {self.rows}"
