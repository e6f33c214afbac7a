"""What the clock does for the board and the desk."""

from opportunities.jobs import board, desk, surveys

__all__ = ["board", "desk", "surveys"]
