"""Staff pages of the board and the desk."""

from opportunities.admin import board, desk, proof

__all__ = ["board", "desk", "proof"]
