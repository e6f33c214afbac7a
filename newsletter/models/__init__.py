"""Editions of the newsletter, and the editorial calendar."""

from newsletter.models.calendar import CalendarSettings, Entry, MovedSlot
from newsletter.models.editions import Edition, EditionItem, EditionSchedule

__all__ = ["CalendarSettings", "Edition", "EditionItem", "EditionSchedule", "Entry", "MovedSlot"]
