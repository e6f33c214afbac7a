"""Celery: the worker runs nudges, the beat ticks the clock that runs every ``jobs.py`` it finds."""

import os
from typing import Any

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "advocacy.settings")

app = Celery("advocacy")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@app.task(name="advocacy.clock.tick", acks_late=False)
def tick() -> list[str]:
    """Run what is due. The next tick makes good a lost one, so none is ever delivered again."""
    from advocacy.lib import jobs

    return jobs.tick()


@app.on_after_finalize.connect
def start_the_clock(sender: Celery, **_said: Any) -> None:
    """One tick in each period; one that nobody took before the next is dropped, so that none pile up."""
    from django.conf import settings

    sender.add_periodic_task(
        settings.CLOCK_SECONDS, tick.s(), name="clock", expires=max(settings.CLOCK_SECONDS, 1.0), retry=False
    )
