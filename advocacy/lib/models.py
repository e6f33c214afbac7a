"""What the floor below everything keeps: which clock work has been done, and which lists left as files."""

import uuid

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


class LongExport(models.Model):
    """A list too long to wait for: written by a worker with the rights of whoever asked, fetched when it is there."""

    class Status(models.TextChoices):
        QUEUED = "queued", _("waiting")
        RUNNING = "running", _("being written")
        DONE = "done", _("ready")
        FAILED = "failed", _("could not be written")
        CANCELLED = "cancelled", _("cancelled")

    public_id = models.UUIDField(default=uuid.uuid4, editable=False, unique=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    what = models.CharField(_("what"), max_length=80)
    kind = models.CharField(_("kind of file"), max_length=4)
    path = models.CharField(_("page"), max_length=200)
    query = models.TextField(_("filter"), blank=True, default="")
    language = models.CharField(max_length=10, default="en")
    time_zone = models.CharField(max_length=50, default="UTC")
    roles = models.CharField(max_length=200, blank=True, default="")
    status = models.CharField(_("status"), max_length=10, choices=Status.choices, default=Status.QUEUED)
    about = models.PositiveIntegerField(_("about so many rows"))
    rows = models.PositiveIntegerField(_("rows so far"), default=0)
    attempt = models.PositiveSmallIntegerField(default=0)
    name = models.CharField(_("file"), max_length=150, blank=True, default="")
    stored_as = models.CharField(max_length=150, blank=True, default="")
    error = models.CharField(_("why"), max_length=300, blank=True, default="")
    asked_at = models.DateTimeField(_("asked for"))
    alive_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)

    class Meta:
        verbose_name = _("long export")
        constraints = [
            models.UniqueConstraint(
                fields=["by", "path", "query", "kind"], condition=models.Q(status__in=["queued", "running"]),
                name="long_export_once_at_a_time",
            ),
            models.CheckConstraint(
                condition=models.Q(status__in=["queued", "running", "done", "failed", "cancelled"]),
                name="long_export_status_known",
            ),
        ]  # fmt: skip
        indexes = [models.Index(fields=["by", "-asked_at"], name="long_export_of")]

    def __str__(self) -> str:
        return f"{self.what} ({self.kind})"
