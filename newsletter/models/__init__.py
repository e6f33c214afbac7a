"""Editions of the newsletter."""

from newsletter.models.editions import Edition, EditionItem, EditionSchedule

__all__ = ["Edition", "EditionItem", "EditionSchedule"]
