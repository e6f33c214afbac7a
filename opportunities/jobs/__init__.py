"""What the clock does for the board and the desk."""

from opportunities.jobs import board, desk

__all__ = ["board", "desk"]
