"""What the clock does for the newsletter and its calendar."""

from newsletter.jobs import calendar, editions

__all__ = ["calendar", "editions"]
