"""The ground every app of the portal stands on."""

from advocacy.celery import app as celery_app

__all__ = ["celery_app"]
