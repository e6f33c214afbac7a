"""What the clock does for the newsletter."""

from newsletter.jobs import editions

__all__ = ["editions"]
