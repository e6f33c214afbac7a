"""What the clock does for the newsletter and its calendar."""

from newsletter.jobs import calendar, digests, editions

__all__ = ["calendar", "digests", "editions"]
