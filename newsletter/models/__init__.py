"""Editions of the newsletter, and the editorial calendar."""

from newsletter.models.calendar import CalendarSettings, Entry, MovedSlot
from newsletter.models.digests import DigestChoice, DigestRun, DigestSchedule, Every
from newsletter.models.editions import Edition, EditionItem, EditionSchedule

__all__ = [
    "CalendarSettings",
    "DigestChoice",
    "DigestRun",
    "DigestSchedule",
    "Edition",
    "EditionItem",
    "EditionSchedule",
    "Entry",
    "Every",
    "MovedSlot",
]
