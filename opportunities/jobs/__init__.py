"""What the clock does for the board and the desk."""

from opportunities.jobs import board

__all__ = ["board"]
