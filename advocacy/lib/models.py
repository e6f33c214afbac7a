"""What the floor below everything keeps: which clock work has been done."""

from django.db import models


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
